"""
Characters to tokens: numbers, texts, names, words and signs, each with the place it begins at.

First step of `parse`.  Texts stand in single quotes (doubled inside), names in backticks where they need it; a
backslash is an ordinary character.  Refuses characters that begin nothing, and quotes that do not end.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from syncsvc.expressions.failures import ExpressionError

#: Words that cannot be names without backticks, in any case.
RESERVED = frozenset({"and", "or", "not", "is", "null", "in", "between", "like", "true", "false"})
BARE_NAME = re.compile(r"[^\W\d]\w*")

_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<text>'(?:[^']|'')*')"
    r"|(?P<quoted>`(?:[^`]|``)+`)"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<sign><=|>=|<>|!=|[=<>+\-*/%(),.])"
)
_FIXES = {
    "'": ("a text without its closing '", "close it; a ' inside a text is written ''"),
    "`": ("a name without its closing `", "close it; a ` inside a name is written ``"),
    '"': ('a " begins nothing here', "texts stand in 'single quotes', names in `backticks`"),
}


class Token(NamedTuple):
    """One token; `text` without quotes, a reserved word in lower case."""

    kind: Literal["number", "text", "name", "quoted", "word", "sign", "end"]
    text: str
    at: int


def tokens(text: str) -> list[Token]:
    """
    The tokens of a text, with one of kind `end` behind the last.

    Raises:
        ExpressionError: a character begins no token.
    """
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            what, fix = _FIXES.get(
                text[at], (f'"{_printable(text[at])}" begins nothing here', "see the grammar in docs/expressions.md")
            )
            raise ExpressionError(what, fix, at)
        seen, end = match[0], match.end()
        match match.lastgroup:
            case "number":
                if re.match(r"\w", text[end : end + 1]):
                    fix = "put a space behind the number, or the name in `backticks`"
                    raise ExpressionError(f'a name or number cannot begin with "{seen}" and a letter', fix, at)
                found.append(Token("number", seen, at))
            case "text":
                found.append(Token("text", seen[1:-1].replace("''", "'"), at))
            case "quoted":
                found.append(Token("quoted", seen[1:-1].replace("``", "`"), at))
            case "name":
                lower = seen.lower()
                found.append(Token("word", lower, at) if lower in RESERVED else Token("name", seen, at))
            case "sign":
                found.append(Token("sign", "<>" if seen == "!=" else seen, at))
        at = end
    found.append(Token("end", "", len(text)))
    return found


def _printable(letter: str) -> str:
    return letter if letter.isprintable() else f"\\x{ord(letter):02x}"
