"""No guard of the core is decoration: each, switched off, is noticed."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import MUTANTS, Mutant, copied, failing, hunt

#: Tried when a recorded seed no longer kills, because histories or schedule have changed.
MORE_SEEDS = range(100)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_guard_that_is_switched_off_is_noticed(mutant: Mutant) -> None:
    """By a seed of the simulator, or by the test of the manual that says what the guard is for."""
    with copied(mutant) as folder:
        if mutant.test:
            assert failing(folder, [mutant.test])
        else:
            assert mutant.seed is not None
            assert hunt(folder, [mutant.seed]) or hunt(folder, MORE_SEEDS), "find a seed: python -m …simulation.mutants"


def test_the_same_seeds_and_tests_find_nothing_wrong_with_the_guards_in_place() -> None:
    """What kills a mutant is the missing guard, not the copy."""
    with copied(None) as folder:
        assert hunt(folder, {mutant.seed for mutant in MUTANTS if mutant.seed is not None}) is None
        assert failing(folder, [mutant.test for mutant in MUTANTS if mutant.test]) is None
