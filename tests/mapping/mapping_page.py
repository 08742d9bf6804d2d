"""
`docs/mapping.md`, its tables of keys made from the declaration that the parser uses.

They stand between two marks; what stands around them is written by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from syncsvc.mapping.declaration import SECTIONS, Key, Keys
from syncsvc.mapping.shapes import (
    Choice,
    Columns,
    Fields,
    Flag,
    Formula,
    Named,
    Order,
    Positive,
    Section,
    Shape,
    Text,
    Types,
    Whole,
)

PAGE = Path(__file__).parents[2] / "docs" / "mapping.md"
#: What is between them belongs to this module.
BEGIN, END = "<!-- keys: begin, made by tests/mapping/mapping_page.py -->", "<!-- keys: end -->"

_TITLES = {
    "pipeline": "The file",
    "source": "`source`",
    "root": "`root`",
    "embed": "`embed.<name>`",
    "case": "`embed.<name>.cases.<value>`",
    "computed": "`computed.<name>`",
    "view": "`views.<collection>`",
    "table": "`tables.<database.table>`",
}


def page() -> str:
    """The page with the tables of now."""
    return updated(PAGE.read_text(encoding="utf-8"))


def tables() -> str:
    """One table a section, in Markdown."""
    return "\n".join("\n".join(_section(name, keys)) for name, keys in SECTIONS.items())


def updated(page: str) -> str:
    """
    `page` with its tables written anew.

    Raises:
        ValueError: the page does not have both marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{after}"


def _section(name: str, keys: Keys) -> Iterator[str]:
    yield f"### {_TITLES[name]}"
    yield ""
    yield keys.description
    if keys.exactly_one:
        yield f"Exactly one of {_listed(keys.exactly_one)}."
    if keys.at_least_one:
        with_ = next((key.only_with for key in keys.keys if key.name in keys.at_least_one), ())
        yield f"{f'With {_listed(with_)}: at' if with_ else 'At'} least one of {_listed(keys.at_least_one)}."
    yield ""
    yield "| key | value | meaning |"
    yield "|---|---|---|"
    for key in keys.keys:
        yield f"| `{key.name}` | {_value(key.shape)} | {_meaning(key)} |"
    yield ""


def _meaning(key: Key) -> str:
    parts = [key.description]
    if key.required:
        parts.append("**Required.**")
    elif key.required_with:
        parts.append(f"**Required** with {_listed(key.required_with)}.")
    if key.only_with and set(key.only_with) != set(key.required_with):
        parts.append(f"Only with {_listed(key.only_with)}.")
    if key.default is not None:
        parts.append(f"Default: `{key.default}`.")
    elif key.default_words:
        parts.append(f"Default: {key.default_words}.")
    return " ".join(parts).replace("|", "\\|")


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _value(shape: Shape) -> str:
    match shape:
        case Text():
            return shape.wording
        case Choice():
            return " or ".join(f"`{word}`" for word in shape.words)
        case Whole():
            return f"{shape.least} to {shape.most}"
        case Flag():
            return "`true` or `false`"
        case Positive():
            return "number above 0"
        case Formula():
            return "condition" if shape.condition else "expression"
        case Columns():
            return "column, or list of columns"
        case Fields():
            return "list of `column` or `{column: name}`"
        case Order():
            return "list of `column` or `column desc`"
        case Types():
            return "`column: type` pairs"
        case Section():
            return f"keys of {_TITLES[shape.name]}"
        case Named():
            short = "an expression, or " if shape.short is not None else ""
            return f"by name: {short}keys of {_TITLES[shape.section]}"
