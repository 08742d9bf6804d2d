"""The manual cannot differ from the code: its examples are evaluated."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128

from syncsvc.expressions import evaluate, parse
from syncsvc.expressions.functions import FUNCTIONS
from syncsvc.expressions.scalars import SCALARS, printed
from syncsvc.expressions.tokens import RESERVED

PAGE = (Path(__file__).parents[2] / "docs" / "expressions.md").read_text()
BLOCKS = dict(re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL))
EXAMPLES = [tuple(part.strip() for part in line.split("→")) for line in BLOCKS["expressions"].splitlines()]


def _level(found: dict[str, Any]) -> dict[str, Any]:
    """JSON as documents have it: prices are decimals, `at` is a moment."""
    if "price" in found:
        found["price"] = Decimal128(found["price"])
    if "at" in found:
        found["at"] = datetime.datetime.fromisoformat(found["at"])
    return found


def test_every_function_computes_and_is_shown() -> None:
    """There is no function without meaning, and none without an implementation."""
    plain = {name for name, function in FUNCTIONS.items() if not function.aggregate}

    assert plain - SCALARS.keys() == {"if", "coalesce"}
    assert all(function.signature.startswith(f"{name}(") for name, function in FUNCTIONS.items())
    assert all(function.meaning.endswith(".") and function.nulls for function in FUNCTIONS.values())


@pytest.mark.parametrize(("text", "expected"), EXAMPLES, ids=[example[0] for example in EXAMPLES])
def test_an_example_of_the_manual_is_true(text: str, expected: str) -> None:
    """What the page says an expression gives is what it gives."""
    value = evaluate(parse(text), json.loads(BLOCKS["json"], object_hook=_level))

    assert ("null" if value is None else printed(value)) == expected


def test_the_grammar_names_every_word() -> None:
    """Each reserved word stands in the grammar."""
    assert {word for word in RESERVED if f'"{word}"' not in BLOCKS["ebnf"]} == set()
