"""
Statements that move rows with a whole partition: gone, or come, without a record of their own in the binlog.

Beside `schema_changes`, which has the text of the statement and nothing else: a server tells neither which rows they
were nor how many.  Only the text is read here; which of the tables are the pipeline's is for the caller.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

#: What a statement is made of.  `/*!50100` and `/*M!100700` begin what servers do not take as a comment.
_TOKEN = re.compile(
    r"(?P<blank>\s+|\#[^\n]*|--(?=\s|\Z)[^\n]*|/\*M?!\d*|\*/|/\*.*?(?:\*/|\Z))"
    r"|'(?:[^'\\]|\\.|'')*'"
    r"|`(?P<quoted>(?:[^`]|``)*)`"
    r'|"(?P<ansi>(?:[^"\\]|\\.|"")*)"'  # a name with ANSI_QUOTES, else a text, and that is never where a name is
    r"|(?P<word>[\w$]+)|.",
    re.DOTALL,
)
_ALTER = re.compile("ALTER", re.IGNORECASE)
#: `ALTER TABLE t …`, two words that follow each other.  DROP and TRUNCATE take rows away, EXCHANGE swaps those of two
#: tables, MariaDB's CONVERT makes a table of a partition or a partition of a table; DISCARD and IMPORT swap files.
_MOVES = {
    *((verb, "PARTITION") for verb in ("DROP", "TRUNCATE", "EXCHANGE", "CONVERT", "DISCARD", "IMPORT")),
    ("CONVERT", "TABLE"), ("DISCARD", "TABLESPACE"), ("IMPORT", "TABLESPACE"),
}  # fmt: skip


class _Token(NamedTuple):
    #: In upper case, of a bare word; empty for names in quotes, texts and signs.
    word: str
    #: As it stands, of what can be a name; empty for texts and signs.
    name: str
    sign: str


_END = _Token("", "", "")


def moved(ddl: str, database: str | None) -> list[str]:
    """
    Tables, as `db.table`, of which a statement has moved rows with a partition or a tablespace; none for any other.

    Also where nothing stands behind the table's name: what was done stood in a version's comment, and Debezium cuts a
    statement behind its last word that is not in one (3.5.0: `ALTER TABLE t /*!50100 DROP PARTITION p */`).

    Args:
        ddl: one statement of MySQL or MariaDB.
        database: of its session, for names without one.

    >>> moved("alter table `user` drop partition p0", "shop")
    ['shop.user']
    >>> moved("ALTER TABLE shop.user EXCHANGE PARTITION p0 WITH TABLE old.user", None)
    ['shop.user', 'old.user']
    >>> moved("ALTER TABLE shop.user DROP COLUMN `partition`", None)
    []
    """
    if not _ALTER.search(ddl):
        return []  # most of the long ones
    tokens = list(_tokens(ddl))
    words = [token.word for token in tokens]
    at = words.index("FOR") + 1 if words[:2] == ["SET", "STATEMENT"] and "FOR" in words else 0
    if words[at : at + 1] != ["ALTER"]:
        return []
    at += 1
    while words[at : at + 1] in (["ONLINE"], ["OFFLINE"], ["IGNORE"]):
        at += 1
    if words[at : at + 1] != ["TABLE"]:
        return []
    at += 3 if words[at + 1 : at + 3] == ["IF", "EXISTS"] else 1
    first = next((number for number in range(at, len(words) - 1) if tuple(words[number : number + 2]) in _MOVES), None)
    if first is None:
        return [table] if (table := _alone(tokens[at:], database)) else []
    other = next((number for number in range(first, len(words)) if words[number] == "TABLE"), None)
    found = [_name(tokens[at:first], database)]
    if other is not None:
        found.append(_name(tokens[other + 1 :], database))
    return [name for name in dict.fromkeys(found) if name]


def _tokens(ddl: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(ddl):
        text = match.group()
        match match.lastgroup:
            case "word":
                yield _Token(text.upper(), text, "")
            case "quoted":
                yield _Token("", match["quoted"].replace("``", "`"), "")
            case "ansi":
                yield _Token("", match["ansi"].replace('""', '"'), "")
            case None:
                yield _Token("", "", text)


def _alone(tokens: Sequence[_Token], database: str | None) -> str:
    """The name, where the tokens are a name and nothing else."""
    said = [token for token in tokens if token.sign != ";"]
    whole = len(said) == 1 or (len(said) == 3 and said[1].sign == ".")
    return _name(said, database) if whole else ""


def _name(tokens: Sequence[_Token], database: str | None) -> str:
    """`db.table` at the beginning of some tokens; empty where there is none."""
    first, dot, second = (*tokens[:3], _END, _END, _END)[:3]
    if dot.sign == "." and second.name:
        return f"{first.name}.{second.name}"
    return f"{database or ''}.{first.name}" if first.name else ""
