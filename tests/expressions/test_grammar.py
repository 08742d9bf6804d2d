"""What is an expression and what is not, and how a mistake is told."""

from __future__ import annotations

import pytest

from syncsvc.expressions import ExpressionError, parse


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("a+ 1 *b", "a + 1 * b"), ("(a+1)*b", "(a + 1) * b"), ("a-(b-c)", "a - (b - c)"), ("(a-b)-c", "a - b - c"),
        ("A != 1 AND not B", "A <> 1 and not B"), ("(a and b) and c", "a and b and c"),
        ("(a or b) and c", "(a or b) and c"),
        ("not (a or b)", "not (a or b)"), ("(a = b) = c", "(a = b) = c"), ("- -a", "-(-a)"), ("-(-5)", "5"),
        ("-0", "0"),
        ("-a.b", "-a.b"), ("`a b`.`or`", "`a b`.`or`"), ("`plain`", "plain"), ("COUNT( x )", "count(x)"),
        ("a is NOT null", "a is not null"), ("a not between 1 and 2 and b", "a not between 1 and 2 and b"),
        ("a in(1,'it''s')", "a in (1, 'it''s')"), (".5", "0.5"), ("007", "7"), ("1E2", "100.0e0"), ("1.50", "1.50"),
        ("99999999999999999999", "99999999999999999999"), ("date'2024-01-31'", "date '2024-01-31'"),
        ("date(date)", "date(date)"),
        ("timestamp '2024-01-31 09:30:00'", "timestamp '2024-01-31T09:30:00.000Z'"), ("größe > 1", "größe > 1"),
        ("sum(l, (a or b) is null)", None), ("if(a,b,c)", "if(a, b, c)"), ("a\n  and\tb", "a and b"), ("it", "it"),
    ],
)  # fmt: skip
def test_the_canonical_text_says_the_same(text: str, canonical: str | None) -> None:
    """Spaces, case of words and needless parentheses mean nothing."""
    expression = parse(text)

    assert canonical is None or expression.text == canonical
    assert parse(expression.text) == expression
    assert hash(parse(expression.text)) == hash(expression)


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("", 0, "a value is missing before the end"), ("a +", 3, "a value is missing"), ("a b", 2, "should end before"),
        ("a = b = c", 6, "in a row"), ("a is 1", 5, '"null" is missing'), ("(a", 2, '")" is missing'),
        ("'abc", 0, "without its closing"), ("`abc", 0, "without its closing"), ('a = "b"', 4, "begins nothing"),
        ("a in ()", 6, "a value is missing"), ("a in 1", 5, '"(" is missing'), ("a between 1", 11, '"and" is missing'),
        ("cuont(a)", 0, "no function"), ("length()", 0, "0 arguments"), ("sum(a)", 0, "1 argument"),
        ("a.1", 1, "should end"),
        ("a. b.", 5, "a name is missing"), ("12ab", 0, "cannot begin"), ("a not 1", 2, "behind a value"),
        ("1 + not a", 4, "missing"),
        ("date '2024-02-30'", 0, "no day"), ("timestamp '2024'", 0, "no moment"), ("1" * 35, 0, "34 digits"),
        ("1e999", 0, "beyond a double"), ("a" * 2001, 2000, "2000 characters"), ("(" * 200 + "a", 100, "50 levels"),
        ("-" * 300 + "a", 100, "50 levels"), ("a # b", 2, "begins nothing"), ("and", 0, "a value is missing"),
        ("a;", 1, "begins nothing"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(text: str, at: int, words: str) -> None:
    """What is wrong, what to write instead, and the first character that is wrong."""
    with pytest.raises(ExpressionError) as failed:
        parse(text)

    assert words in failed.value.what
    assert failed.value.fix
    assert failed.value.at == at


def test_a_function_is_found_by_a_near_name() -> None:
    """A slip of a letter is answered with the function that was meant."""
    with pytest.raises(ExpressionError) as failed:
        parse("1 + cuont(a)")

    assert (failed.value.fix, failed.value.at) == ('did you mean "count"?', 4)


@pytest.mark.parametrize("text", ["+".join(["a"] * 51), "(" * 30 + "a" + "+b)" * 30 + "+c" * 30, "not " * 60 + "a"])
def test_what_is_nested_too_deep_is_refused(text: str) -> None:
    """Fifty levels, so that no expression exhausts the stack."""
    with pytest.raises(ExpressionError, match="50 levels"):
        parse(text)


def test_a_long_chain_of_conditions_is_not_deep() -> None:
    """`or` and `and` join as many conditions as the text holds."""
    assert len(parse(" or ".join(["a = 1"] * 200)).text) == 200 * 5 + 199 * 4


def test_names_are_those_of_the_own_level() -> None:
    """The second argument of an aggregate names what is in the element."""
    expression = parse("count(lines, qty > 1) + sum(user.cars, hp) + a.b")

    assert expression.names == {"lines", "user", "a"}
    assert expression.renamed({"lines": "Lines", "qty": "no", "a": "the a", "hp": "no", "b": "no"}).text == (
        "count(Lines, qty > 1) + sum(user.cars, hp) + `the a`.b"
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [("count(lines)", "lines"), ("COUNT( `lines` )", "lines"), ("count(lines, true)", None), ("count(a.b)", None),
     ("count(lines) + 1", None), ("lines", None)],
)  # fmt: skip
def test_exactly_a_count_is_told(text: str, name: str | None) -> None:
    """`count(list)` alone counts every row, also those behind a limit."""
    assert parse(text).counted == name


def test_expressions_differ_when_their_meaning_may() -> None:
    """Equality is that of the canonical text; names and texts keep their case."""
    assert parse("a = 'x'") != parse("a = 'X'")
    assert parse("a") != parse("A")
    assert parse("1.0") != parse("1.00")
