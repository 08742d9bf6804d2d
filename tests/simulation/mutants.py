"""
Every guard of the core, and what it looks like when it is switched off.

A mutant is a copy of the package with one piece of source replaced; it must make a seed of the simulator end wrong, or
a test of the manual fail, so no guard is decoration.  `python -m tests.simulation.mutants NAME` looks for a seed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
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
    #: Seed of the simulator that kills it.
    seed: int | None = None
    #: Test that kills it, where what the guard keeps is not convergence but work, waiting, or one step on the way.
    test: str = ""


MUTANTS = (
    Mutant("duplicates are folded again", 1, "syncsvc/assembly/joiner.py", "if mark <= known:", "if False:",
           test="tests/assembly/test_joiner.py::test_a_record_delivered_again_changes_nothing"),
    Mutant("high-water marks are forgotten", 1, "syncsvc/assembly/joiner.py",
           "self._state.put(HIGH_WATER + U16.pack(sender), high_water[sender])", "pass",
           test="tests/assembly/test_joiner.py::test_a_record_delivered_again_to_the_next_owner_changes_nothing"),
    Mutant("a moved row stays at its old address", 2, "syncsvc/routing/router.py",
           "if old is not None and old != new:", "if old is not None and new is None:",
           seed=6),
    Mutant("the router forgets where rows were", 2, "syncsvc/routing/router.py",
           "known = remembered.addresses", "known = self._addresses(change.before)",
           seed=5),
    Mutant("older changes are routed", 3, "syncsvc/routing/router.py",
           "if memory.stale(remembered, place, change.ts_ms):", "if False:",
           seed=7),
    Mutant("the router forgets deleted rows", 3, "syncsvc/routing/router.py",
           "            remember = memory.encode(place, change.ts_ms,",
           "            remember = memory.encode(place if change.after else b'', change.ts_ms,",
           seed=14),
    Mutant("zombies are not fenced", 4, "tests/simulation/world.py",
           "if self.fenced and (fence.epoch, fence.seq) != (epoch, seq):", "if False:",
           seed=0),
    Mutant("offsets are committed before emissions are sent", 4, "tests/simulation/world.py",
           "        yield from world.append(stage.outbox.take())\n        if (world.rng",
           "        held = stage.outbox.take()\n        if (world.rng",
           seed=0),
    Mutant("deliveries of an old subscription are taken", 8, "syncsvc/assembly/joiner.py",
           "if head is None or layout.COPY_HEAD.unpack(head)[0] != delivery.subscription:", "if head is None:",
           test="tests/assembly/test_joiner.py::test_a_delivery_of_an_old_subscription_is_ignored"),
    Mutant("a copy without references is kept", 8, "syncsvc/assembly/references.py",
           "                self._drop_copy(relay)\n                self._state.delete(LOCAL + relay)",
           "                pass",
           test="tests/assembly/test_joiner.py::test_a_partition_that_lets_go_of_a_relay_forgets_its_copy"),
    Mutant("the last reference does not end the subscription", 8, "syncsvc/assembly/references.py",
           "            if refers == referred:", "            if refers == referred or not refers:",
           test="tests/assembly/test_joiner.py::"
           "test_the_first_reference_subscribes_and_the_last_one_gone_unsubscribes"),
    Mutant("a remembered copy outlives its change", 11, "syncsvc/assembly/joiner.py",
           "        self.renderer.forget(relay)\n", "",
           seed=8),
    Mutant("a relay answers nobody while it has no rows", 8, "syncsvc/assembly/relay.py",
           "if rows or not silent_when_empty:", "if rows:",
           test="tests/assembly/test_joiner.py::test_a_relay_without_rows_answers_at_once_so_that_nobody_waits_for_it"),
    Mutant("a relay delivers to the first subscriber only", 8, "syncsvc/assembly/relay.py",
           "for key, value in self._state.scan(prefix):\n            payload", "for key, value in self._state.scan("
           "prefix)[:1]:\n            payload",
           seed=25),
    Mutant("a changed relay leaves its holders alone", 11, "syncsvc/assembly/joiner.py",
           "            self.agenda.touch_holders(relay, source_ms)", "            pass",
           seed=8),
    Mutant("the first copy ends with the first mark", 11, "syncsvc/assembly/rounds.py",
           "if level in self._complete or not self._full(level):", "if level in self._complete:",
           test="tests/assembly/test_due.py::test_the_rounds_of_end_marks_need_every_sender"),
    Mutant("the first copy ends after one round", 11, "syncsvc/routing/plan.py",
           "return 1 + 2 * self.depth", "return 1",
           test="tests/assembly/test_due.py::test_the_first_copy_waits_for_the_answers_it_has_asked_for"),
    Mutant("a walk over holders is not remembered", 11, "syncsvc/assembly/due.py",
           "bool(cursor)) + cursor)\n        self._walks[relay] = None", "bool(cursor)) + cursor)",
           test="tests/assembly/test_due.py::test_a_change_of_a_hot_row_is_walked_a_bounded_number_of_documents_a_step"),
    Mutant("a document that waits is forgotten by a crash", 11, "syncsvc/assembly/due.py",
           "        self._state.put(PENDING + address, _STAMP.pack(stamp) + identity)", "        pass",
           test="tests/assembly/test_joiner.py::test_a_waiting_document_is_not_forgotten_by_a_crash"),
    Mutant("emissions are numbered by batch, not by record", 10, "syncsvc/routing/records.py",
           "self._place, self._stamp, self._index = offset + 1, source_ms, 0",
           "self._place, self._stamp = offset + 1, source_ms",
           test="tests/routing/test_router.py::test_what_is_sent_does_not_depend_on_where_batches_end"),
    Mutant("the tombstone of a stale delete is a delete", 3, "syncsvc/routing/router.py",
           "if self._state.get(DROPPED) == identity:", "if False:",
           test="tests/routing/test_router.py::"
           "test_the_tombstone_of_a_redelivered_delete_does_not_take_the_new_row_away"),
    Mutant("documents do not wait for answers", 3, "syncsvc/assembly/due.py",
           "if not rendered.complete and address not in self._pending:", "if False:",
           test="tests/assembly/test_joiner.py::test_a_new_document_waits_for_the_answer_it_has_asked_for"),
    Mutant("a parked document is written with its next change", 3, "syncsvc/assembly/due.py",
           "            if rendered.problem or (code", "            if False and (code",
           test="tests/assembly/test_parking.py::"
           "test_a_document_that_becomes_too_large_parks_and_stays_as_it_was_last_written"),
)  # fmt: skip

HUNT = """
import sys
from tests.simulation.schedule import run
for seed in map(int, sys.argv[1:]):
    try:
        documents, expected, world = run(seed)
    except Exception as error:
        print(seed, type(error).__name__, error)
        sys.exit(3)
    if documents != expected:
        print(seed, "documents differ")
        sys.exit(3)
"""
KILLED_BY_SEED, KILLED_BY_TEST = 3, 1
NEEDED = ("syncsvc", "tests/simulation", "tests/routing", "tests/assembly")


@contextmanager
def copied(mutant: Mutant | None) -> Iterator[Path]:
    """A copy of the package and of these tests, with the guard switched off."""
    with tempfile.TemporaryDirectory() as folder:
        for name in NEEDED:
            shutil.copytree(ROOT / name, Path(folder) / name, ignore=shutil.ignore_patterns("__pycache__"))
        # A package, not a mere folder: an installed checkout on the path would come before a folder.
        (Path(folder) / "tests" / "__init__.py").touch()
        if mutant:
            path = Path(folder) / mutant.file
            text = path.read_text()
            if text.count(mutant.source) != 1:
                raise AssertionError(f"{mutant.name}: the guard is not in {mutant.file} exactly once")
            path.write_text(text.replace(mutant.source, mutant.replacement))
        yield Path(folder)


def _ran(folder: Path, killed: int, arguments: Iterable[str]) -> str | None:
    """What Python says when it ends with `killed`, None when all went well; anything else is our own mistake."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode not in (0, killed):
        raise AssertionError(done.stdout + done.stderr)
    return None if done.returncode == 0 else done.stdout.strip()


def hunt(folder: Path, seeds: Iterable[int]) -> str | None:
    """The first of these seeds that ends wrong in this copy, `<seed> <how>`; None when none does."""
    return _ran(folder, KILLED_BY_SEED, ["-c", HUNT, *map(str, seeds)])


def failing(folder: Path, tests: Iterable[str]) -> str | None:
    """What pytest says when one of these tests fails in this copy; None when none does."""
    return _ran(folder, KILLED_BY_TEST, ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests])


if __name__ == "__main__":
    wanted = " ".join(sys.argv[1:])
    for candidate in MUTANTS:
        if wanted in candidate.name:
            with copied(candidate) as place:
                print(f"{candidate.name}: {hunt(place, range(500)) or 'SURVIVED'}", flush=True)
