"""The boards, each a module that makes one; from general to particular."""

from __future__ import annotations

from deploy.observability.boards import debezium, first_copy, fleet, pipeline, runtime


def boards() -> dict[str, str]:
    """`{name of the file, without .json: content}`."""
    return {
        "fleet": fleet.board(),
        "pipeline": pipeline.board(),
        "first-copy": first_copy.board(),
        "runtime": runtime.board(),
        "debezium": debezium.board(),
    }
