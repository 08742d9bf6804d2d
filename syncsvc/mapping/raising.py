"""
The number of the generation, changed in the text of a mapping file; every other character stays as it is.
"""

from __future__ import annotations

import re

from syncsvc.errors import UsageFault
from syncsvc.mapping.findings import Place
from syncsvc.mapping.load import read_with_places

_KEY = ("generation",)


def raised(text: str, path: str, number: int) -> str:
    """
    The text with this `generation:`, written behind `pipeline:` where there was none.

    Raises:
        UsageFault: `rebuild.not_edited`, where the line has a form that is not changed here; or as `load`.
    """
    before, places = read_with_places(text, path)
    if _KEY in places.values:
        place = places.values[_KEY]
        made = _replaced(text, place, re.compile(r"\d+"), str(number))
    else:
        place = places.values[("pipeline",)]
        made = _inserted(text, place, number)
    if made is not None:
        after, _ = read_with_places(made, path)
        if (after.generation, after.text_hash, after.name) == (number, before.text_hash, before.name):
            return made
    raise UsageFault(
        code="rebuild.not_edited",
        where=places.where(place),
        what="the number of the generation is written in a form that is not changed by a command",
        fix=f"write  generation: {number}  into the file yourself, then  syncsvc rebuild {path}",
    )


def _replaced(text: str, place: Place, old: re.Pattern[str], new: str) -> str | None:
    lines = text.splitlines(keepends=True)
    line = lines[place.line - 1]
    found = old.match(line, place.column - 1)
    if found is None:
        return None
    lines[place.line - 1] = line[: found.start()] + new + line[found.end() :]
    return "".join(lines)


def _inserted(text: str, behind: Place, number: int) -> str | None:
    """Below the line of `pipeline:`, with the ending and the indentation that one has."""
    lines = text.splitlines(keepends=True)
    found = re.match(r"(\s*)pipeline\s*:", lines[behind.line - 1])
    if found is None:
        return None
    bare = lines[behind.line - 1].rstrip("\r\n")
    ending = lines[behind.line - 1][len(bare) :] or "\n"
    lines[behind.line - 1] = bare + ending
    lines.insert(behind.line, f"{found[1]}generation: {number}{ending}")
    return "".join(lines)
