"""What the demo shows of a document before and after a change."""

import pytest

from syncsvc.demo.shown import line

NEW = "bold"


def _marked(document, other):
    """The line, with what is highlighted in «»."""
    text = line(document, other, NEW)
    shown, last = "", False
    for place, letter in enumerate(text.plain):
        marked = any(span.start <= place < span.end and span.style == NEW for span in text.spans)
        shown += ("«" if marked else "»") * (marked != last) + letter
        last = marked
    return shown + "»" * last


MEETING = {
    "_id": 7,
    "title": "Chess night",
    "place": "Porto",
    "applications": [{"id": 1, "status": "applied", "user": {"id": 3, "name": "Ada", "city": "Lyon"}}, {"id": 2}],
    "application_count": 2,
    "_sync": {"v": [1, 50]},
}


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        pytest.param({"place": "Lyon"}, '{"_id": 7, …, "place": «"Lyon"», …}', id="a changed field, nothing around it"),
        pytest.param({"_sync": {"v": [1, 51]}}, '{"_id": 7, …}', id="bookkeeping is not shown"),
        pytest.param(
            {"applications": MEETING["applications"][:1], "application_count": 1},
            '{"_id": 7, …, "applications": [… 1], "application_count": «1»}',
            id="a list that lost an element",
        ),
        pytest.param(
            {"applications": [*MEETING["applications"], {"id": 9, "status": "new", "memo": None, "user": {"id": 4}}]},
            '{"_id": 7, …, "applications": [… 2, «{"id": 9, "status": "new", "user": {"id": 4}, …}»], …}',
            id="a new element, cut to what says who it is",
        ),
        pytest.param(
            {"applications": [{**MEETING["applications"][0], "user": {"id": 3, "name": "Eve", "city": "Lyon"}}]},
            '{"_id": 7, …, "applications": [{"id": 1, …, "user": {"id": 3, "name": «"Eve"», …}}], …}',
            id="a changed field deep inside",
        ),
    ],
)
def test_only_what_changed_is_highlighted_and_what_did_not_is_left_out(change, shown):
    """A document of hundreds of applications is still one readable line."""
    assert _marked({**MEETING, **change}, MEETING) == shown


def test_a_document_that_is_not_there_says_so():
    """Before an insert and after a delete there is no document."""
    assert line(None, MEETING, NEW).plain == "no document"


def test_a_document_that_appears_is_shown_whole_but_short():
    """Its lists as their lengths."""
    assert line(MEETING, None, NEW).plain == '{"_id": 7, "title": "Chess night", "applications": [… 2], …}'
