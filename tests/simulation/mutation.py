"""
Runs mutants.

`python -m tests.simulation.mutation NAME` looks for a seed that notices it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.simulation.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
HUNT = """
import sys
from tests.simulation.minimal import Recipe, failure
for seed in map(int, sys.argv[1:]):
    found = failure(Recipe(seed))
    if found is not None:
        print(seed, found[0])
        sys.exit(3)
"""
KILLED_BY_SEED, KILLED_BY_TEST = 3, 1
NEEDED = ("syncsvc", "tests/simulation", "tests/routing", "tests/assembly")


HEAD = """# Mutants: no guard is decoration

A mutant is the code with one guard switched off. Each must be noticed: by a seed of the simulator, whose run then ends
in other documents than the SQL join or shows a state that no prefix of the source explains, or by a test that says what
the guard is for. `tests/simulation/test_mutants.py` switches each off; this table is made of the same list
(`make pages`). The invariants are those of [ARCHITECTURE.md](../ARCHITECTURE.md).

| without its guard | invariant | in | noticed by |
|---|---|---|---|"""


class Misplaced(Exception):
    """The code of a guard is not where its mutant says: give the mutant the guard's present text."""


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
                raise Misplaced(f"{mutant.file} has {text.count(mutant.source)} times, not once:\n{mutant.source}")
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


def table() -> str:
    """docs/mutants.md."""
    lines = [HEAD]
    for mutant in sorted(MUTANTS, key=lambda mutant: mutant.invariant):
        by = f"`{mutant.test}`" if mutant.test else f"seed {mutant.seed}"
        lines.append(f"| {mutant.name} | {mutant.invariant} | `{mutant.file}` | {by} |")
    return "\n".join([*lines, "", f"{len(MUTANTS)} guards.", ""])


def _hunted(mutant: Mutant, seeds: Iterable[int]) -> str:
    try:
        with copied(mutant) as folder:
            return f"{mutant.name}: {hunt(folder, seeds) or 'SURVIVED'}"
    except Misplaced as misplaced:
        return f"{mutant.name}: {misplaced}"


if __name__ == "__main__":
    wanted = " ".join(sys.argv[1:])
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # each waits for a process of its own
        for line in pool.map(lambda mutant: _hunted(mutant, range(1000)), [m for m in MUTANTS if wanted in m.name]):
            print(line, flush=True)
