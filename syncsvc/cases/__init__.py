"""
A user's cases, run in seconds without servers: given these changes, expect these documents.

`mapping.cases` reads the file, `wire` and `source` make the records that Debezium would send, `orders` mixes them,
`runner` puts them through `flow`, `difference` compares.  The same files run against real servers in `tests/specs`.
"""

from __future__ import annotations

from pathlib import Path

from syncsvc.cases import wire
from syncsvc.cases.difference import Difference, differences
from syncsvc.cases.runner import Outcome, run
from syncsvc.mapping import cases
from syncsvc.mapping.case import Case
from syncsvc.mapping.model import Pipeline

__all__ = ["Case", "Difference", "Outcome", "differences", "load", "load_text", "run"]


def load(path: str | Path, pipeline: Pipeline) -> tuple[Case, ...]:
    """The cases of a file; raises UsageFault with every problem of it."""
    return cases.load(path, pipeline, wire.encoded)


def load_text(text: str, path: str, pipeline: Pipeline) -> tuple[Case, ...]:
    """Like `load`, from the text itself; `path` is only named in problems."""
    return cases.load_text(text, path, pipeline, wire.encoded)
