"""Where a character of a text stands in the file, in every way YAML writes a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from syncsvc.mapping import document
from syncsvc.mapping.findings import Findings, Place, Places
from syncsvc.mapping.letters import places


def scalar(text: str) -> document.Scalar:
    """The value of the key `a`."""
    node = document.parse(text, Findings(Places("a.yaml")))
    assert isinstance(node, document.Entries)
    value = node.entries[0][1]
    assert isinstance(value, document.Scalar)
    return value


@pytest.mark.parametrize(
    ("text", "letter", "place"),
    [
        pytest.param("a: one + two", "w", Place(1, 11), id="plain"),
        pytest.param("a: 'one + two'", "w", Place(1, 12), id="single quotes"),
        pytest.param("a: 'it''s two'", "w", Place(1, 12), id="a quote in quotes"),
        pytest.param('a: "one + two"', "w", Place(1, 12), id="double quotes"),
        pytest.param("a: one\n  + two", "w", Place(2, 6), id="plain over two lines"),
        pytest.param("a: 'one\n\n  + two'", "w", Place(3, 6), id="quoted over three lines"),
        pytest.param("a: >\n  one\n  + two\n", "w", Place(3, 6), id="folded"),
        pytest.param("a: >-  # why\n\n  one\n  + two\n", "w", Place(4, 6), id="folded with a comment"),
        pytest.param("a: |\n    one\n    + two\n", "w", Place(3, 8), id="literal"),
        pytest.param("a: one\r\n  + two\r\n", "w", Place(2, 6), id="line ends of Windows"),
    ],
)
def test_a_character_is_found_where_it_stands(text: str, letter: str, place: Place) -> None:
    """Line and column count from 1."""
    value = scalar(text)
    found = places(value.raw, value.text, value.place)

    assert found is not None
    assert found[value.text.index(letter)] == place


@pytest.mark.parametrize("text", ['a: "o\\x6ee"', "a: &x one", "a: !!str one"])
def test_where_characters_are_not_those_of_the_file_nothing_is_said(text: str) -> None:
    """Escapes, anchors, tags: the value's own place has to do."""
    value = scalar(text)

    assert places(value.raw, value.text, value.place) is None


@given(st.text(alphabet="ab'\"# |>\n\t:\\é", max_size=30), st.sampled_from(["", "'", '"', "|", ">"]))
def test_whatever_is_found_is_that_character(text: str, style: str) -> None:
    """The property, for texts that YAML itself wrote and folded."""
    lines = _written(text, style)
    value = scalar(lines)
    found = places(value.raw, value.text, value.place)

    for letter, place in zip(value.text, found or (), strict=False):
        assert letter.isspace() or lines.split("\n")[place.line - 1][place.column - 1] == letter


def _written(text: str, style: str) -> str:
    from io import StringIO

    from ruamel.yaml.scalarstring import (
        DoubleQuotedScalarString,
        FoldedScalarString,
        LiteralScalarString,
        SingleQuotedScalarString,
    )

    kinds = {"'": SingleQuotedScalarString, '"': DoubleQuotedScalarString, "|": LiteralScalarString}
    kind = {**kinds, ">": FoldedScalarString}.get(style, str)
    stream = StringIO()
    YAML().dump({"a": kind(text)}, stream)
    return stream.getvalue()
