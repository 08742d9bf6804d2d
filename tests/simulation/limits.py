"""
Bounds of a step, set so low in some runs that a handful of rows meets them.

Answers in parts, walks that go on in a later step, first copies of several steps, sweeps that go on in a record of
their own, logs of segments that are made shorter: with the bounds of production no small history would ever see one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType

from syncsvc.assembly import copies, due, first_copy, floors, relay
from syncsvc.routing import deletions
from syncsvc.state import sweep

#: `{name: (module, low values)}`.
LIMITS: dict[str, tuple[ModuleType, tuple[int, ...]]] = {
    "PART_BYTES": (relay, (1, 150)),
    "WALK_DOCUMENTS": (due, (1, 2)),
    "STEP_BYTES": (due, (1, 300)),
    "COPY_ROWS": (first_copy, (1, 3)),
    "SWEEP_ROWS": (floors, (1, 3)),
    "MOST_COPIES": (copies, (0, 1)),
    "LEAST_SWEEP_BYTES": (sweep, (1, 2000)),
    "LARGE_BYTES": (due, (1,)),
    "LARGE_MS": (due, (1 << 20,)),
}
#: Lowered with others of them, not by a draw of their own: every document is large, and waits a ms a byte.
WITH = {"LARGE_BYTES": "STEP_BYTES", "LARGE_MS": "STEP_BYTES"}
#: How long deleted rows are remembered: for longer than connectors go back, and not at all.
MEMORY: dict[str, tuple[ModuleType, tuple[int, ...]]] = {
    "REMEMBERED_MS": (deletions, (4_000, 4_000, 0)), "LATE_MS": (deletions, (0, 300)), "AT_ONCE": (deletions, (1, 2)),
}  # fmt: skip
EVERY = LIMITS | MEMORY


def chosen(rng: random.Random) -> dict[str, int]:
    """Low bounds for a run; in half of them none."""
    if rng.random() < 0.5:
        return {}
    found = {
        name: rng.choice(values) for name, (_, values) in LIMITS.items() if name not in WITH and rng.random() < 0.5
    }
    return found | {name: LIMITS[name][1][0] for name, other in WITH.items() if other in found}


def forgetful(rng: random.Random) -> dict[str, int]:
    """How long deleted rows are remembered in a run; in half of them as in production, longer than any run."""
    return {} if rng.random() < 0.5 else {name: rng.choice(values) for name, (_, values) in MEMORY.items()}


@contextmanager
def lowered(limits: Mapping[str, int]) -> Iterator[None]:
    """With these bounds in place of those of production."""
    before = {name: getattr(EVERY[name][0], name) for name in limits}
    try:
        for name, value in limits.items():
            setattr(EVERY[name][0], name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(EVERY[name][0], name, value)
