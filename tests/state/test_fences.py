"""What a fence is called, in MongoDB and in the folders of local state."""

from __future__ import annotations

import pytest

from syncsvc.state.fences import fence_id


@pytest.mark.parametrize(
    ("stage", "place", "name"),
    [
        ("router", ("shop.shop.order", 12), "orders/g2/router/shop.shop.order[12]"),
        ("joiner", ("syncsvc.orders.g2.keyed", 12), "orders/g2/joiner/12"),
    ],
)
def test_a_fence_keeps_the_name_it_has_in_every_database(stage: str, place: tuple[str, int], name: str) -> None:
    """Invariant 6: under another name a worker would find no state, and begin anew."""
    assert fence_id("orders", 2, stage, place) == name
