"""
`syncsvc verify` of two generations of one pipeline, as one does before the readers switch.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import pytest

from syncsvc import verify
from syncsvc.cli import target
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import published
from syncsvc.source import servers
from syncsvc.verify import Report
from tests.cli.conftest import Run


class Mongo(io.BytesIO):
    """Can be closed."""

    database: Any = type("", (), {"__getitem__": lambda *_: None})()


def _compared(pipeline: Pipeline, *_: Any, **__: Any) -> Report:
    """The first generation has lost a document."""
    return Report(3, 1 if pipeline.generation == 1 else 0, 0, 0, 0.1)


def test_a_generation_that_is_right_does_not_hide_one_that_is_wrong(
    run: Run, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are told, the exit code is that of the worst, and each has series of its own for Prometheus."""
    monkeypatch.setattr(servers, "connected", lambda *_: contextlib.nullcontext({}))
    monkeypatch.setattr(target, "open_mongo", lambda _: Mongo())
    monkeypatch.setattr(published, "read", lambda *_: None)
    monkeypatch.setattr(verify, "compare", _compared)
    newer, metrics = tmp_path / "newer.yaml", tmp_path / "verify.prom"
    newer.write_text(file.read_text().replace("generation: 1", "generation: 2"))

    outcome = run("verify", file, newer, "--metrics", metrics, "-o", "json")

    told = {one["pipeline"]: one["equal"] for one in outcome.json["pipelines"]}
    assert (outcome.code, outcome.json["equal"]) == (1, False)
    assert told == {"meetings/g1": False, "meetings/g2": True}
    series = [line.rpartition(" ")[0] for line in metrics.read_text().splitlines() if not line.startswith("#")]
    assert len(series) == len(set(series))
    assert [one["pipeline"] for one in run("verify", newer, "-o", "json").json["pipelines"]] == ["meetings"]
