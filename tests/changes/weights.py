"""
The weights that real servers give every character: writes `syncsvc/changes/collations.bin`, and asks for comparisons.

    python -m tests.changes.weights               asks both servers anew (a minute)

A weight is kept as a character that has it and no other, so that a folded text can be read.
"""

from __future__ import annotations

import contextlib
import json
import lzma
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pymysql.cursors import Cursor

from syncsvc.changes import collation
from syncsvc.devstack import cache, children, dsn, mariadb, mysql

FILE = Path(collation.__file__).with_name("collations.bin")
SERVERS = {"mariadb": mariadb.MariaDb, "mysql": mysql.MySql}
#: `{table: (server that is asked, collation of level 1, of 1 and 2, of 1 and 3)}`.
SOURCES = {
    "general": ("mysql", "utf8mb4_general_ci"),
    "uca400": ("mysql", "utf8mb4_unicode_ci"),
    "uca520": ("mysql", "utf8mb4_unicode_520_ci"),
    "uca900": ("mysql", "utf8mb4_0900_ai_ci", "utf8mb4_0900_as_ci", "utf8mb4_0900_as_cs"),
    "uca1400": ("mariadb", "utf8mb4_uca1400_ai_ci", "utf8mb4_uca1400_as_ci", "utf8mb4_uca1400_as_cs"),
    "latin1_swedish": ("mysql", "latin1_swedish_ci"),
    "latin1_general": ("mysql", "latin1_general_ci"),
    "latin1_german1": ("mysql", "latin1_german1_ci"),
}
#: Every character of the planes that have letters, and some of those that have none.
ALL = [code for code in range(0x34000) if not 0xD800 <= code < 0xE000]
ALL += [*range(0xE0000, 0xE0200), *range(0x40000, 0xE0000, 0x700), *range(0xE1000, 0x110000, 0x700)]
LATIN1 = [ord(character) for byte in range(256) for character in bytes((byte,)).decode("cp1252", "ignore")]
_TIBETAN = {"\u0fb2\u0f71\u0f80", "\u0fb3\u0f71\u0f80"}
_SYLLABLES = range(0xAC00, 0xD7A4)
Units = tuple[int, ...]


@contextlib.contextmanager
def asked(kind: str) -> Iterator[Cursor]:
    """A cursor of a server of this kind, with a table `letters` (n, c) of every character there is."""
    nursery = children.Nursery()
    store = cache.Cache(nursery, lambda text: None)
    with tempfile.TemporaryDirectory(prefix="weights-") as folder:
        try:
            server = SERVERS[kind](store, Path(folder) / kind)
            server.start()
            with contextlib.closing(dsn.connect(server.admin_dsn)) as connection, connection.cursor() as cursor:
                cursor.execute("CREATE TABLE letters (n INT PRIMARY KEY, c VARCHAR(1)) COLLATE utf8mb4_bin")
                for start in range(0, len(ALL), 20_000):
                    rows = (f"({code},_utf32 x'{code:08x}')" for code in ALL[start : start + 20_000])
                    cursor.execute(f"INSERT INTO letters VALUES {','.join(rows)}")
                yield cursor
        finally:
            nursery.close()


def weights(cursor: Cursor, name: str) -> dict[int, bytes]:
    """`{code point: weight}` of every character, as the server's bytes."""
    if name.startswith("latin1"):
        codes = ",".join(map(str, LATIN1))
        cursor.execute(
            f"SELECT n, WEIGHT_STRING(CONVERT(c USING latin1) COLLATE {name}) FROM letters WHERE n IN ({codes})"
        )
    else:
        cursor.execute(f"SELECT n, WEIGHT_STRING(c COLLATE {name}) FROM letters")
    return {int(code): bytes(weight) for code, weight in cursor.fetchall()}


def sequences(cursor: Cursor, name: str) -> list[str]:
    """Pairs of neighbours in the table of characters, or of any with a mark, whose weight is not that of the two."""
    alone = f"CONCAT(WEIGHT_STRING(a.c COLLATE {name}), WEIGHT_STRING(b.c COLLATE {name}))"
    cursor.execute(
        "CREATE TEMPORARY TABLE one AS SELECT n, n >> 7 AS block, c FROM letters WHERE n < 0x3400 "
        "OR n BETWEEN 0xA000 AND 0xABFF OR n BETWEEN 0xF900 AND 0x16FFF OR n BETWEEN 0x1B000 AND 0x1FFFF"
    )
    cursor.execute("ALTER TABLE one ADD KEY (block)")
    cursor.execute("CREATE TEMPORARY TABLE other AS SELECT * FROM one")
    cursor.execute("ALTER TABLE other ADD KEY (block)")
    found = set()
    for where in ("a.block = b.block", "b.n BETWEEN 0x300 AND 0x36F", "b.n BETWEEN 0x653 AND 0x655"):
        cursor.execute(
            f"SELECT a.c, b.c FROM one a STRAIGHT_JOIN other b ON {where} "
            f"WHERE WEIGHT_STRING(CONCAT(a.c, b.c) COLLATE {name}) <> {alone}"
        )
        found |= {first + second for first, second in cursor.fetchall()}
    # A sequence of three is two that overlap, or one of those that Tibetan has.
    three = sorted({pair + last[1] for pair in found for last in found if pair[1] == last[0]} | _TIBETAN)
    parts = together_weights(cursor, name, sorted({part for text in three for part in (text[:2], text[1:], *text)}))
    for text, weight in together_weights(cursor, name, three).items():
        if weight not in (parts[text[:2]] + parts[text[2]], parts[text[0]] + parts[text[1:]]):
            found.add(text)
    cursor.execute("DROP TEMPORARY TABLE one, other")
    return sorted(found)


def together_weights(cursor: Cursor, name: str, texts: Sequence[str]) -> dict[str, bytes]:
    """`{text: weight}` of whole texts, as the server's bytes."""
    found: dict[str, bytes] = {}
    for start in range(0, len(texts), 1_000):
        some = texts[start : start + 1_000]
        cursor.execute("CREATE TEMPORARY TABLE texts (n INT PRIMARY KEY, c VARCHAR(60)) COLLATE utf8mb4_bin")
        rows = (f"({number},_utf8mb4 x'{text.encode().hex()}')" for number, text in enumerate(some))
        cursor.execute(f"INSERT INTO texts VALUES {','.join(rows)}")
        cursor.execute(f"SELECT n, WEIGHT_STRING({converted('c', name)} COLLATE {name}) FROM texts")
        found |= {some[number]: bytes(weight) for number, weight in cursor.fetchall()}
        cursor.execute("DROP TEMPORARY TABLE texts")
    return found


def converted(column: str, name: str) -> str:
    """A column of utf8mb4 in the character set of a collation."""
    characters = name.partition("_")[0]
    return f"CONVERT({column} USING {characters})" if characters in ("latin1", "ascii", "utf8mb3") else column


def equal(cursor: Cursor, name: str, pairs: Sequence[tuple[str, str]]) -> list[bool]:
    """Whether the server calls the texts of each pair equal."""
    cursor.execute("CREATE TEMPORARY TABLE pairs (n INT PRIMARY KEY, a VARCHAR(60), b VARCHAR(60)) CHARSET utf8mb4")
    rows = (
        f"({number},_utf8mb4 x'{one.encode().hex()}',_utf8mb4 x'{other.encode().hex()}')"
        for number, (one, other) in enumerate(pairs)
    )
    cursor.execute(f"INSERT INTO pairs VALUES {','.join(rows)}")
    cursor.execute(f"SELECT {converted('a', name)} = {converted('b', name)} COLLATE {name} FROM pairs ORDER BY n")
    found = [bool(same) for (same,) in cursor.fetchall()]
    cursor.execute("DROP TEMPORARY TABLE pairs")
    return found


def units(weight: bytes, single: bool) -> Units:
    """A weight's parts."""
    if single:
        return tuple(weight)
    return tuple(int.from_bytes(weight[place : place + 2], "big") for place in range(0, len(weight), 2))


def parted(first: bytes, accents: bytes, whole: bytes) -> tuple[Units, Units, Units]:
    """The three levels of one text, from its weights in collations of one, two and three levels."""
    one, two, three = units(first, False), units(accents, False), units(whole, False)
    assert two[: len(one)] == one
    assert three[: len(two)] == two
    return one, _after_zero(two[len(one) :]), _after_zero(three[len(two) :])


def _after_zero(level: Units) -> Units:
    """A level without the zero that MySQL has before it."""
    return level[1:] if level[:1] == (0,) else level


class Names:
    """A character for each weight."""

    def __init__(self, found: Mapping[int, Units]) -> None:
        self._bearers: dict[Units, int] = {}
        for code, weight in found.items():
            best = self._bearers.get(weight)
            if best is None or (chr(code).islower() and code < 0x80 and not chr(best).islower()):
                self._bearers[weight] = code

    def text(self, weight: Units) -> str:
        """The weight as characters, one for each of its parts."""
        parts, place = [], 0
        while place < len(weight):
            # Characters that the collation does not list have a weight in two parts, the first from this range.
            size = 2 if 0xFB00 <= weight[place] <= 0xFBFF else 1
            bearer = self._bearers.get(weight[place : place + size])
            if bearer is None:
                parts += [collation.ALONE + chr(part) for part in weight[place : place + size]]
            else:
                parts.append(chr(bearer))
            place += size
        return "".join(parts)


def level_table(texts: Mapping[int, str], usual: str | None, pad: str, together: Mapping[str, str]) -> dict[str, Any]:
    """One level as `collation` reads it."""
    syllables = 0xAC00 in texts and all(texts[code] == _letters(texts, code) for code in _SYLLABLES)
    beyond = {texts[code] for code in texts if code > 0xFFFF}
    wide = beyond.pop() if len(beyond) == 1 and usual is None else None
    kept = {}
    for code, text in texts.items():
        told = (syllables and code in _SYLLABLES) or (wide is not None and code > 0xFFFF)
        if not told and text != (chr(code) if usual is None else usual):
            kept[code] = text
    return {
        "from": "".join(map(chr, kept)), "to": list(kept.values()), "usual": usual, "pad": pad,
        "beyond": wide, "together": dict(together), "syllables": syllables,
    }  # fmt: skip


def _letters(texts: Mapping[int, str], syllable: int) -> str:
    index = syllable - 0xAC00
    letters = [0x1100 + index // 588, 0x1161 + index % 588 // 28, *([0x11A7 + index % 28] if index % 28 else [])]
    return "".join(texts.get(letter, "") for letter in letters)


def table(cursor: Cursor, names: Sequence[str]) -> dict[str, Any]:
    """A table of `collations.bin`."""
    single = names[0].startswith("latin1")
    many = [] if single or "general" in names[0] else sequences(cursor, names[0])
    if len(names) == 1:
        found = {code: units(weight, single) for code, weight in weights(cursor, names[0]).items()}
        naming = Names(found)
        texts = {code: naming.text(weight) for code, weight in found.items()}
        assert not many, "a collation of one level has no sequences in the table"
        return {"1": level_table(texts, None, " ", {})}
    by_name = [weights(cursor, name) for name in names]
    parts = {code: parted(*(found[code] for found in by_name)) for code in by_name[0]}
    of_many = [together_weights(cursor, name, many) for name in names]
    parts_of_many = {text: parted(*(found[text] for found in of_many)) for text in many}
    naming = Names({code: levels[0] for code, levels in parts.items()})
    texts = {code: naming.text(levels[0]) for code, levels in parts.items()}
    together = {text: naming.text(levels[0]) for text, levels in parts_of_many.items()}
    made = {"1": level_table(texts, None, " ", together)}
    for level, usual in ((1, "\x20"), (2, "\x02")):
        of_level = {code: "".join(map(chr, levels[level])) for code, levels in parts.items()}
        together = {text: "".join(map(chr, levels[level])) for text, levels in parts_of_many.items()}
        made[str(level + 1)] = level_table(of_level, usual, usual, together)
    return made


def main() -> None:
    """Asks the servers and writes the file."""
    found = {}
    for kind in SERVERS:
        with asked(kind) as cursor:
            found |= {name: table(cursor, source[1:]) for name, source in SOURCES.items() if source[0] == kind}
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    FILE.write_bytes(lzma.compress(text.encode(), preset=9))


if __name__ == "__main__":
    main()
