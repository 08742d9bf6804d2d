"""Random histories of random schemas under random faults end in the SQL join of the tables."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.simulation.minimal import Recipe
from tests.simulation.schedule import Ended, case, run
from tests.simulation.world import Faults

MANY = settings(max_examples=700, deadline=None, suppress_health_check=list(HealthCheck))
FEW = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
SEEDS = st.integers(0, 2**32)

#: What random shapes must have among them: none of them is decoration either.
SHAPES = {
    "one table", "embed one", "one at depth 2", "embed one by the child's column", "embed many", "array in array",
    "arrays to three levels", "merge", "required", "array of scalars", "value of one", "map", "many-to-many",
    "many-to-many with the junction's columns", "self reference, 1 levels", "self reference, 2 levels",
    "self reference, 3 levels", "polymorphic", "composite key", "joined by a part of the key",
    "joined by other columns than the key", "child's key holds its parent's", "a table in two roles", "where", "when",
    "limit", "order_by", "computed of the row", "computed of the document", "no fields", "renamed field",
    "renamed onto another column", "two collections", "cascade (many)", "cascade (one)", "two servers",
}  # fmt: skip


def _ran(seed: int, **size: int) -> Ended:
    ended = run(case(seed, **size))
    # The soak knows the usual sizes only.
    assert ended.converged, f"run(case({seed}, **{size}))" if size else f"python -m tests.simulation.soak 1 {seed}"
    return ended


@MANY
@example(47123673)  # a row was ahead of the row it goes with, of which it showed one life, then none, then the next
@given(SEEDS)
def test_documents_equal_the_join_whatever_crashes_or_is_sent_again(seed: int) -> None:
    """
    Invariant 11 (convergence), and with it 1, 2, 3, 4, 8 and 10.

    Crashes between every two durable steps, zombies that run ahead, revoked owners, transactions that fail or are not
    heard of, redelivered stretches, snapshots taken twice, lost caches: after quiet, the documents are the join.  That
    no document ever goes back or shows what no prefix of the source explains (invariant 3) is asserted at each write.
    """
    _ran(seed)


@FEW
@example(22597061, 3)  # the first copy ended between two parts of an answer: half a list was shown
@given(SEEDS, st.integers(1, 5))
def test_the_number_of_partitions_does_not_show_in_the_documents(seed: int, partitions: int) -> None:
    """However many partitions the keyed topic has, the documents are the same."""
    _ran(seed, partitions=partitions)


@FEW
@example(12946)  # a document waited when its last owner started, and nothing else came that made it take a step
@given(SEEDS)
def test_a_history_without_a_first_copy_streams_into_the_same_documents(seed: int) -> None:
    """A generation made on empty topics needs no snapshot."""
    _ran(seed, before=0, after=24)


@FEW
@given(SEEDS)
def test_every_record_is_accounted_for(seed: int) -> None:
    """Invariant 5: consumed = applied + skipped + parked, over all commits of all owners."""
    tally = _ran(seed).world.tally

    assert tally["consumed"] == tally["applied"] + tally["skipped"] + tally["parked"] > 0


@pytest.mark.parametrize("seed", range(5))
def test_the_same_seed_gives_the_same_run(seed: int) -> None:
    """A failing seed can be replayed: the simulator has no hidden source of chance."""
    first, second = run(case(seed)).world, run(case(seed)).world

    assert first.keyed == second.keyed
    assert first.documents == second.documents


def test_every_shape_is_among_the_histories() -> None:
    """What the soak calls converged has been tried: each shape in some of the first thousand seeds."""
    seen = Counter(feature for seed in range(1000) for feature in case(seed).shape.features)

    assert {shape for shape in SHAPES if not seen[shape]} == set()


def test_what_differs_is_noticed() -> None:
    """The comparison can fail: other values, other names, another order of names, one document less."""
    ended = next(ended for seed in range(100) if len((ended := run(case(seed))).documents["sim"]) > 1)
    first, *others = ended.documents["sim"]

    def shown(*documents: dict[str, Any]) -> bool:
        return replace(ended, documents={**ended.documents, "sim": list(documents)}).converged

    assert shown(first, *others)
    assert not shown(*others)
    assert not shown({**first, "more": None}, *others)
    assert not shown(dict(reversed(first.items())), *others)


def test_a_recipe_is_the_case_it_was_printed_for() -> None:
    """A small case is written as one word and read back whole."""
    recipe = Recipe(11, (3, 7), ("many4", "one2:where"), ("crash", "lost"), 5)

    assert Recipe.parse(str(recipe)) == recipe
    assert recipe.case().faults == replace(case(11).faults, crash=0.0, lost=0.0)
    assert case(11).faults != Faults()
