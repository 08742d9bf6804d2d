"""The page of column types cannot drift from the code and the golden events."""

from __future__ import annotations

from tests.changes import page


def test_the_page_of_column_types_is_what_the_code_and_the_events_say():
    """After a change:  python -m tests.changes.page"""
    assert page.PAGE.read_text() == page.page()


def test_every_type_that_is_carried_has_a_line():
    """No type is promised without an example from a real server."""
    shown = page.page()

    for name in sorted(page.carried_types()):
        assert f"| `{name}" in shown, name
