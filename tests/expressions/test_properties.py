"""Properties of every expression: read back, the same by row and by level, and total on data."""

from __future__ import annotations

import random
from typing import Any

from bson import Decimal128, Int64
from hypothesis import given
from hypothesis import strategies as st

from syncsvc.expressions import ComputeError, ExpressionError, check, evaluate, expression_type, parse, row_function
from syncsvc.expressions.functions import FUNCTIONS
from tests.expressions.generated import SCOPE, Generator, rows

_SEEDS = st.integers(0, 2**32)
#: Values that no column of the declared kind has, numbers at every edge among them.
_STRANGE = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=5),
        st.binary(max_size=3), st.datetimes(), st.uuids(), st.integers(-(2**63), 2**63 - 1).map(Int64),
        st.sampled_from(["9.99E+6144", "1E-6176", "NaN", "Infinity", "-0", f"{10**33}"]).map(Decimal128),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abis"), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
_WORDS = st.sampled_from([
    "a", "b", "i", "s", "it", "1", "2.5", "1e3", "'x'", "null", "true", "and", "or", "not", "is", "in", "between",
    "like",
    "(", ")", ",", ".", "+", "-", "*", "/", "%", "=", "<", "<>", ">=", "`q q`",
    "date '2024-01-31'",
    *(f"{name}(" for name in FUNCTIONS),
])  # fmt: skip


def _outcome(compute: Any, source: Any) -> str:
    try:
        return repr(compute(source))
    except ComputeError as error:
        return error.what


@given(seed=_SEEDS)
def test_the_canonical_text_is_read_as_the_same_expression(seed: int) -> None:
    """What is kept of an expression is the expression."""
    expression = parse(Generator(random.Random(seed)).any_kind(4))

    assert parse(expression.text) == expression
    assert parse(expression.text).root == expression.root


@given(seed=_SEEDS)
def test_a_well_typed_expression_passes_the_check(seed: int) -> None:
    """The check refuses nothing that fits."""
    expression = parse(Generator(random.Random(seed)).any_kind(3))

    assert check(expression, SCOPE) == []


@given(seed=_SEEDS)
def test_a_row_and_a_level_give_the_same(seed: int) -> None:
    """The router and the renderer agree on every expression; nothing but a number beyond its kind fails."""
    rng = random.Random(seed)
    expression = parse(Generator(rng).any_kind(4))
    compute = row_function(expression, list(SCOPE))

    for row in rows(rng, 3):
        assert _outcome(compute, list(row.values())) == _outcome(lambda level: evaluate(expression, level), row)


@given(
    words=st.lists(_WORDS, max_size=14),
    level=st.dictionaries(st.sampled_from(["a", "b", "i", "s", "q q"]), _STRANGE),
)
def test_whatever_can_be_read_can_be_computed(words: list[str], level: dict[str, Any]) -> None:
    """Any words are an expression or a told mistake; an expression over any values is a value or an overflow."""
    text = " ".join(words).replace("( ", "(")
    try:
        expression = parse(text + ")" * max(0, text.count("(") - text.count(")")))
    except ExpressionError as error:
        assert error.fix and 0 <= error.at <= len(text) + 14  # noqa: PT017, PT018
        return
    assert parse(expression.text) == expression
    for what, fix, at in check(expression, SCOPE):
        assert what
        assert fix
        assert 0 <= at < len(text)
    expression_type(expression, SCOPE)
    _outcome(lambda found: evaluate(expression, found), level)


@given(text=st.text(max_size=60))
def test_any_text_is_an_expression_or_a_told_mistake(text: str) -> None:
    """Nothing a person types raises another error."""
    try:
        assert parse(parse(text).text) == parse(text)
    except ExpressionError as error:
        assert 0 <= error.at <= len(text)  # noqa: PT017


@given(kind=st.sampled_from(sorted(FUNCTIONS)), arguments=st.lists(_STRANGE, min_size=1, max_size=3))
def test_a_function_takes_whatever_is_given(kind: str, arguments: list[Any]) -> None:
    """Values of JSON columns have any kind; a function gives null for what it cannot take."""
    function = FUNCTIONS[kind]
    names = "abc"[: min(max(len(arguments), function.least), function.most)]
    named = ["it" if function.aggregate and name == "b" else name for name in names]
    expression = parse(f"{kind}({', '.join(named)})")

    _outcome(lambda level: evaluate(expression, level), dict(zip("abc", arguments, strict=False)))
