"""No guard of the core is decoration: each, switched off, is noticed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.mutation import Misplaced, copied, failing, hunt

#: Tried when a recorded seed no longer kills, because histories or schedule have changed.
MORE_SEEDS = range(100)


def _noticed(mutant: Mutant) -> str:
    """What is wrong with the mutant; empty when it is noticed."""
    try:
        with copied(mutant) as folder:
            if mutant.test:
                return "" if failing(folder, [mutant.test]) else f"{mutant.test} passes"
            assert mutant.seed is not None
            if hunt(folder, [mutant.seed]) or hunt(folder, MORE_SEEDS):
                return ""
            return f"find a seed: python -m tests.simulation.mutation {mutant.name}"
    except Misplaced as misplaced:
        return str(misplaced)


@pytest.fixture(scope="module")
def verdicts() -> Iterator[dict[str, Future[str]]]:
    """What becomes of each mutant; each is a process of its own, so as many run at once as there are cores."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {mutant.name: pool.submit(_noticed, mutant) for mutant in MUTANTS}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_guard_that_is_switched_off_is_noticed(mutant: Mutant, verdicts: dict[str, Future[str]]) -> None:
    """By a seed of the simulator, or by the test of the manual that says what the guard is for."""
    assert verdicts[mutant.name].result() == ""


def test_the_same_seeds_and_tests_find_nothing_wrong_with_the_guards_in_place() -> None:
    """What kills a mutant is the missing guard, not the copy."""
    with copied(None) as folder:
        assert hunt(folder, {mutant.seed for mutant in MUTANTS if mutant.seed is not None}) is None
        assert failing(folder, [mutant.test for mutant in MUTANTS if mutant.test]) is None


def test_a_guard_that_is_not_where_its_mutant_says_is_told() -> None:
    """Code that was rewritten cannot leave a mutant behind that changes nothing."""
    with pytest.raises(Misplaced, match="0 times"), copied(Mutant("none", 1, "syncsvc/flow.py", "not there", "")):
        pass
