"""
Every guard of the core, and what it looks like when it is switched off.

A mutant is a copy of the package with one piece of source replaced; it must make some seed of the simulator end wrong,
so no guard is decoration.  `python -m tests.simulation.mutants NAME` looks for the seed that kills one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutant:
    """One guard switched off."""

    name: str
    #: Number of the invariant it keeps.
    invariant: int
    file: str
    source: str
    replacement: str


MUTANTS = (
    Mutant("duplicates are folded again", 1, "syncsvc/assembly/joiner.py", "if mark <= known:", "if False:"),
    Mutant("high-water marks are forgotten", 1, "syncsvc/assembly/joiner.py",
           "self._state.put(HIGH_WATER + U16.pack(sender), high_water[sender])", "pass"),
    Mutant("a moved row stays at its old address", 2, "syncsvc/routing/router.py",
           "if old is not None and old != new:", "if old is not None and new is None:"),
    Mutant("the router forgets where rows were", 2, "syncsvc/routing/router.py",
           "known = remembered.addresses", "known = self._addresses(change.before)"),
    Mutant("older changes are routed", 3, "syncsvc/routing/router.py",
           "if memory.stale(remembered, place, change.ts_ms):", "if False:"),
    Mutant("the router forgets deleted rows", 3, "syncsvc/routing/router.py",
           "        self._state.put(memory.key(identity), memory.encode(place, change.ts_ms, addresses))",
           "        self._state.put(memory.key(identity), memory.encode(place if change.after else b'', change.ts_ms, "
           "addresses))"),
    Mutant("zombies are not fenced", 4, "tests/simulation/world.py",
           "if self.fenced and (fence.epoch, fence.seq) != (epoch, seq):", "if False:"),
    Mutant("offsets are committed before emissions are sent", 4, "tests/simulation/world.py",
           "        yield from world.append(stage.outbox.take())\n        if (world.rng",
           "        held = stage.outbox.take()\n        if (world.rng"),
    Mutant("deliveries of an old subscription are taken", 8, "syncsvc/assembly/joiner.py",
           "if head is None or layout.COPY_HEAD.unpack(head)[0] != delivery.subscription:", "if head is None:"),
    Mutant("an answer does not replace what was there", 8, "syncsvc/assembly/joiner.py",
           "            self._references.drop_copy(relay)", "            pass"),
    Mutant("a copy without references is kept", 8, "syncsvc/assembly/references.py",
           "                self.drop_copy(relay)\n                self._state.delete(LOCAL + relay)", "                pass"),
    Mutant("the last reference does not end the subscription", 8, "syncsvc/assembly/references.py",
           "            if refers == referred:", "            if refers == referred or not refers:"),
    Mutant("a relay answers nobody while it has no rows", 8, "syncsvc/assembly/relay.py",
           "if rows or not silent_when_empty:", "if rows:"),
    Mutant("a relay delivers to the first subscriber only", 8, "syncsvc/assembly/relay.py",
           "for key, value in self._state.scan(prefix):\n            payload", "for key, value in self._state.scan("
           "prefix)[:1]:\n            payload"),
    Mutant("a changed relay leaves its holders alone", 11, "syncsvc/assembly/joiner.py",
           "            self.agenda.touch_holders(relay, source_ms)", "            pass"),
    Mutant("the first copy ends with the first mark", 11, "syncsvc/assembly/rounds.py",
           "if level in self._complete or not self._full(level):", "if level in self._complete:"),
    Mutant("the first copy ends after one round", 11, "syncsvc/routing/plan.py",
           "return 1 + 2 * self.depth", "return 1"),
    Mutant("a walk over holders is not remembered", 11, "syncsvc/assembly/due.py",
           "        self._state.put(WALK + relay, _STAMP.pack(stamp))\n        self._walks[relay] = None",
           "        self._state.put(WALK + relay, _STAMP.pack(stamp))"),
    Mutant("a document that waits is forgotten by a crash", 11, "syncsvc/assembly/due.py",
           "        self._state.put(PENDING + address, _STAMP.pack(stamp) + identity)", "        pass"),
    Mutant("emissions are numbered by batch, not by record", 10, "syncsvc/routing/records.py",
           "self._place, self._stamp, self._index = offset + 1, source_ms, 0",
           "self._place, self._stamp = offset + 1, source_ms"),
)  # fmt: skip

HUNT = """
import sys
from tests.simulation.schedule import run
for seed in range(int(sys.argv[1])):
    try:
        documents, expected, world = run(seed)
    except Exception as error:
        print(seed, type(error).__name__)
        sys.exit(3)
    tally = world.tally
    if documents != expected:
        print(seed, "documents differ")
        sys.exit(3)
print("survived")
"""


def hunt(mutant: Mutant, seeds: int) -> str | None:
    """What killed the mutant, `<seed> <how>`, or None when it survived `seeds` seeds."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("syncsvc", "tests"):
            shutil.copytree(ROOT / name, Path(folder) / name, ignore=shutil.ignore_patterns("__pycache__", "web"))
        path = Path(folder) / mutant.file
        text = path.read_text()
        if text.count(mutant.source) != 1:
            raise AssertionError(f"{mutant.name}: the guard is not in {mutant.file} exactly once")
        path.write_text(text.replace(mutant.source, mutant.replacement))
        done = subprocess.run(
            [sys.executable, "-c", HUNT, str(seeds)], cwd=folder, env={**os.environ, "PYTHONPATH": folder},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode == 0:
        return None
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


if __name__ == "__main__":
    wanted = " ".join(sys.argv[1:])
    for candidate in MUTANTS:
        if wanted in candidate.name:
            print(f"{candidate.name}: {hunt(candidate, 400) or 'SURVIVED'}", flush=True)
