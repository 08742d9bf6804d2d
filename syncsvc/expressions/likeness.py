"""
Patterns of `like`: `%` is any text, `_` one character, a backslash takes the character behind it as it is.

Case counts.  The parts between two `%` are looked for from left to right, each once, so that no pattern makes a text
take longer than their lengths multiplied.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple


class _Part(NamedTuple):
    """What stands between two `%`; always of the same length."""

    length: int
    form: re.Pattern[str]


@lru_cache(maxsize=256)
def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a text is like the pattern."""
    first, *inner = _parts(pattern)
    if not inner:
        return lambda text: first.form.fullmatch(text) is not None
    last = inner.pop()

    def matches(text: str) -> bool:
        at, end = first.length, len(text) - last.length
        if at > end or first.form.match(text) is None or last.form.fullmatch(text, end) is None:
            return False
        for part in inner:
            found = part.form.search(text, at, end)
            if found is None:
                return False
            at = found.end()
        return True

    return matches


def _parts(pattern: str) -> list[_Part]:
    forms: list[list[str]] = [[]]
    letters = iter(pattern)
    for letter in letters:
        if letter == "%":
            forms.append([])
        elif letter == "_":
            forms[-1].append(".")
        else:  # a backslash at the very end is one
            forms[-1].append(re.escape(next(letters, "\\") if letter == "\\" else letter))
    return [_Part(len(form), re.compile("".join(form), re.DOTALL)) for form in forms]
