"""
What `doctor` says of a MongoDB deployment, judged from what it says of itself.
"""

from __future__ import annotations

from typing import Any

import pytest

from syncsvc.doctor import mongo
from syncsvc.mongo.health import CollectionFacts, MongoFacts
from tests.verify import world

FIT: dict[str, Any] = {
    "where": "db:27017/shop", "version": (7, 0, 14), "sharded": False, "members": 3, "arbiters": 0, "clock_ahead": 0.0,
    "clock_within": 0.01, "journaled": True, "disk": (50.0, 100.0), "oplog_hours": 48.0,
}  # fmt: skip


def states(**changed: Any) -> dict[str, str]:
    """`{check: state}` of a deployment that is fit, but for what is named."""
    found = list(mongo.deployment(MongoFacts(**FIT | changed)))
    assert all(finding.fix for finding in found if finding.state != "ok")
    return {finding.check: str(finding.state) for finding in found}


def test_a_fit_deployment_has_no_finding_but_ok() -> None:
    """Nothing is made up."""
    assert set(states().values()) == {"ok"}


@pytest.mark.parametrize(
    ("check", "state", "changed"),
    [
        ("mongo.version", "fail", {"version": (4, 2, 24)}),
        ("mongo.version", "warn", {"version": (5, 0, 30)}),
        ("mongo.members", "warn", {"members": 1}),
        ("mongo.members", "warn", {"members": 2, "arbiters": 1}),
        ("mongo.members", "ok", {"members": 0, "sharded": True}),
        ("mongo.journal", "fail", {"journaled": False}),
        ("mongo.space", "warn", {"disk": (9.0, 100.0)}),
        ("mongo.space", "fail", {"disk": (1.0, 100.0)}),
        ("mongo.oplog", "warn", {"oplog_hours": 3.0}),
        ("mongo.oplog", "ok", {"oplog_hours": 3.0, "members": 1}),
        ("mongo.clock", "warn", {"clock_ahead": -2.0}),
    ],
)
def test_what_makes_a_deployment_unfit_is_told(check: str, state: str, changed: dict[str, Any]) -> None:
    """Each by its own check."""
    assert states(**changed)[check] == state


def test_what_may_not_be_seen_is_not_told() -> None:
    """A user with few rights gets no guess."""
    told = states(journaled=None, disk=None, oplog_hours=None)

    assert not {"mongo.journal", "mongo.space", "mongo.oplog"} & told.keys()


def test_a_majority_is_there_or_slow_or_missing() -> None:
    """Every step waits for it."""
    assert [str(mongo.majority("m", seconds).state) for seconds in (0.01, 0.9, None)] == ["ok", "warn", "fail"]


def test_rights_that_are_missing_are_named() -> None:
    """By collection; a deployment without logins is a warning."""
    found = mongo.rights("m", {"syncsvc_fences": ["insert", "update"]})

    assert (found.state, found.what) == ("fail", "the user may not  syncsvc_fences: insert, update")
    assert [str(mongo.rights("m", missing).state) for missing in ({}, None)] == ["ok", "warn"]


@pytest.mark.parametrize(
    ("found", "begun", "state"),
    [
        (None, False, "ok"),
        (CollectionFacts("collection", ("_id_",), False, False), False, "ok"),
        (CollectionFacts("collection", (), False, True), True, "ok"),
        (CollectionFacts("collection", (), False, True), False, "fail"),
        (CollectionFacts("view", (), False, True), True, "fail"),
        (CollectionFacts("collection", ("email_1",), False, True), True, "warn"),
        (CollectionFacts("collection", (), True, False), False, "warn"),
    ],
)
def test_a_target_is_free_or_ours(found: CollectionFacts | None, begun: bool, state: str) -> None:
    """Somebody else's documents, a view, a unique index or a validator are told before they park documents."""
    assert mongo.target("shop__g1", found, world.pipeline(), begun=begun).state == state
