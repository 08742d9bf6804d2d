"""
One key, spelled in several ways: where its collation takes them for one, the document has the last spelling alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncsvc.assembly.due import Due
from syncsvc.assembly.joiner import RETRY_DOCUMENT, control
from syncsvc.mapping.model import Root, Table
from tests.assembly.bench import Bench
from tests.routing.tables import USER, fields, key, pipeline

SPELLINGS = ["ann", "Ann", "aNN", "ANN"]


def bench() -> Bench:
    """Users by name, upper and lower case being the same."""
    columns = {"id": "varchar(9) collate utf8mb4_general_ci", "name": "varchar(9)"}
    table = Table(USER, ("id",), columns)
    return Bench(pipeline(Root(USER, ("id",), fields("name")), tables={USER: table}, partitions=1))


def rename(bench: Bench, old: str, new: str) -> None:
    """As Debezium tells it: a delete of the old key, an insert of the new one."""
    bench.delete(USER, id=old, name="x")
    bench.put(USER, id=new, name="x")


def write(collection: dict[str, Any], due: Due) -> None:
    """A step into the collection, in its order."""
    for rendered in due.documents:
        identity = bson.decode(rendered.identity or b"")["_id"]
        if rendered.elements is None:
            collection.pop(identity, None)
        else:
            collection[identity] = rendered.elements


@given(st.lists(st.tuples(st.sampled_from(SPELLINGS), st.booleans()), min_size=1, max_size=9), st.booleans())
def test_only_the_last_spelling_is_left(history: Sequence[tuple[str, bool]], deleted: bool) -> None:
    """However many there were within one step, and whether the row is deleted at the end of it."""
    users, collection = bench(), dict[str, Any]()
    users.put(USER, id=history[0][0], name="x")
    for (old, step), (new, _) in pairwise(history):
        if step:
            write(collection, users.step())
        rename(users, old, new)
    if deleted:
        users.delete(USER, id=history[-1][0], name="x")
    for later in range(3):
        write(collection, users.step((1 << 40) + later * 1000))

    assert [*collection] == ([] if deleted else [history[-1][0]])


@pytest.mark.parametrize("crashed", [False, True])
def test_a_spelling_that_went_while_the_document_was_parked_goes_when_it_is_good_again(crashed: bool) -> None:
    """What a parked document will have to delete is in the state, with all spellings."""
    users, collection = bench(), dict[str, Any]()
    users.put(USER, id="ann", name="x")
    write(collection, users.step())
    rename(users, "ann", "Ann")
    users.route(USER, key(id="Ann"), b"{broken")
    write(collection, users.step())
    assert [*collection] == ["ann"]
    if crashed:
        users.crash()

    users.put(USER, id="Ann", name="y")
    write(collection, users.step())
    assert [*collection] == ["Ann"]


def test_a_retry_deletes_the_spellings_that_went(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person lets a document go on that was renamed when it became too large."""
    users, collection = bench(), dict[str, Any]()
    users.put(USER, id="ann", name="x")
    write(collection, users.step())
    monkeypatch.setattr("syncsvc.assembly.render.MOST_BYTES", 1)
    rename(users, "ann", "Ann")
    rename(users, "Ann", "ANN")
    due = users.step()
    write(collection, due)
    monkeypatch.undo()
    assert [*collection] == ["ann"]

    users.append(*control(RETRY_DOCUMENT, due.parked[0].address, 0))
    write(collection, users.step())
    assert [*collection] == ["ANN"]
