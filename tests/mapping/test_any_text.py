"""Whatever text is given, loading ends with a pipeline or with problems: never with another error."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from syncsvc.errors import UsageFault
from syncsvc.mapping import load_text
from syncsvc.mapping.model import Pipeline
from tests.mapping.texts import HEADS, ORDERS, PIPELINES, with_tables

SHIPPED = [(PIPELINES / name).read_text() for name in ("meetings.yaml", "feed.yaml")]
TEXTS = [ORDERS, *SHIPPED, *map(with_tables, HEADS)]
WORDS = sorted({word for text in TEXTS for word in re.findall(r"[A-Za-z_.]+|[^\sA-Za-z]", text)})
PIECES = st.one_of(
    st.sampled_from([*WORDS, "\n", "\t", "  ", "- ", "? ", ": ", "&a ", "*a", "<<: *a", "!!set ", "!x ", "|\n", ">\n"]),
    st.sampled_from(["null", "~", "1e999", "0x1F", ".nan", "2020-13-45", "9" * 5000, "\\x", "\\U", "'", '"']),
    st.sampled_from(["\0", "\ufeff", "\u2028", "---", "...", "%YAML 1.1\n---\n", "#"]),
    st.text(max_size=8),
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A good mapping with some pieces cut out, doubled, moved or replaced."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 30)))
        moved = text[start:end] if draw(st.booleans()) else ""
        text = text[:start] + draw(PIECES) + text[end:]
        at = draw(st.integers(0, len(text)))
        text = text[:at] + moved + text[at:]
    return text


def problems_or_pipeline(text: str) -> Pipeline | UsageFault:
    """The outcome; any other error gets through and fails the test."""
    try:
        return load_text(text, "any.yaml")
    except UsageFault as fault:
        return fault


@given(st.one_of(mutated(), st.lists(PIECES, max_size=30).map("".join)))
@settings(max_examples=300, deadline=None)
def test_loading_any_text_gives_a_pipeline_or_problems_with_a_place_and_a_fix(text: str) -> None:
    """The property that `validate` and an editor plugin rely on."""
    outcome = problems_or_pipeline(text)

    if isinstance(outcome, UsageFault):
        for problem in outcome.problems:
            assert re.fullmatch(r"any\.yaml:[1-9]\d*:[1-9]\d*", problem.where)
            assert problem.code.startswith("mapping.")
            assert problem.what
            assert problem.fix


@given(mutated())
@settings(max_examples=150, deadline=None)
def test_loading_the_same_text_again_tells_the_same(text: str) -> None:
    """No order of a set or of memory addresses shows in what a person reads."""
    first, again = problems_or_pipeline(text), problems_or_pipeline(text)

    assert str(first) == str(again)
