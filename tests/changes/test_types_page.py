"""The page of column types has every type that is carried."""

from __future__ import annotations

from tests.changes import types_page


def test_every_type_that_is_carried_has_a_line():
    """No type is promised without an example from a real server."""
    shown = types_page.page()

    for name in sorted(types_page.carried_types()):
        assert f"| `{name}" in shown, name
