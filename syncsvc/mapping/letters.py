"""
Where each character of a text stands in the file, however YAML folded it.

Lets a problem inside an expression point at the character, not only at the value.  Knows the five ways YAML writes a
text (plain, both quotes, `|` and `>`) as far as one character of the file is one of the text; where that does not hold
(an escape, a tag, an anchor) it gives up and the value's own place has to do.
"""

from __future__ import annotations

from syncsvc.mapping.findings import Place

#: Line ends that YAML knows beside \n and \r\n, and that nobody types into an expression.
_ODD_LINE_ENDS = frozenset("\r\x85\u2028\u2029")


def places(raw: str, text: str, start: Place) -> tuple[Place, ...] | None:
    """
    Place of each character of `text` and of its end, or None where it cannot be told.

    Args:
        raw: the text as it stands in the file, with quotes or the header of a block.
        text: what YAML makes of it.
        start: where `raw` begins.
    """
    raw = raw.replace("\r\n", "\n")
    if _ODD_LINE_ENDS & set(raw) or (raw.startswith('"') and "\\" in raw):
        return None
    at, line, column = _begin(raw, start)
    found: list[Place] = []
    for letter in text:
        if letter.isspace():
            # However many blanks and line ends it stands for: right behind what was before it.
            found.append(Place(line, column))
            continue
        while raw[at : at + 1].isspace():
            line, column = (line + 1, 1) if raw[at] == "\n" else (line, column + 1)
            at += 1
        if raw[at : at + 1] != letter:
            return None
        found.append(Place(line, column))
        width = 2 if letter == "'" and raw.startswith("'") else 1
        at, column = at + width, column + width
    return (*found, Place(line, column))


def _begin(raw: str, start: Place) -> tuple[int, int, int]:
    """`(index, line, column)` of the text itself: behind a quote, or behind the first line of a block."""
    if raw.startswith(("'", '"')):
        return 1, start.line, start.column + 1
    if raw.startswith(("|", ">")):
        return raw.find("\n") + 1, start.line + 1, 1
    return 0, start.line, start.column
