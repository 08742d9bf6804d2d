"""docs/events.md has every event once, and none with a field for data."""

from __future__ import annotations

from syncsvc.telemetry.events import Events
from tests.telemetry import events_page


def test_every_event_is_on_the_page_once_and_says_when_it_happens() -> None:
    """A name is one event, whoever looks for it finds one meaning."""
    found = events_page.events()
    names = [event.name for event in found]
    methods = [name for name, member in vars(Events).items() if callable(member) and not name.startswith("_")]

    assert len(set(names)) == len(names)
    assert set(methods) <= set(names)
    assert all(event.when for event in found)


def test_no_event_has_a_field_for_the_content_of_a_row() -> None:
    """Places, counts and codes only; `what` is the text of one of our own errors."""
    forbidden = {"key", "row", "value", "document", "record", "before", "after", "message", "dsn", "uri", "password"}

    assert [event for event in events_page.events() if forbidden & set(event.fields)] == []
