"""
Texts that a collation calls equal, as one text: the keys of columns that the database does not compare byte by byte.

Used by whoever makes keys of columns declared with `collate …`.  The weights are those that real servers give every
character (`collations.bin`, written and compared with the servers by `tests.changes.weights`), so folding does not
change with Python's edition of Unicode: keys are kept for as long as a generation lives.  A collation with the rules of
one language, or one that is not in the table, is refused by name.  Order is not kept, only equality.
"""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

Fold = Callable[[str], str]

#: Begins a weight that no character has alone; U+0001 itself has no weight where such ones are.
ALONE = "\x01"
#: Between the levels of a collation that has several; U+0000 has no weight in them.
BETWEEN = "\x00"
_FIRST_SYLLABLE, _AFTER_SYLLABLES = 0xAC00, 0xD7A4
_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Collation:
    """How a collation compares."""

    #: Table of `collations.bin`; "": by its code points.
    table: str
    #: Levels that count: 1 letters, 2 accents, 3 case.
    levels: tuple[int, ...] = (1,)
    #: Whether trailing spaces count for nothing.
    pads: bool = True

    @property
    def compares(self) -> str:
        """What counts, for people."""
        counted = {1: "letters", 2: "accents", 3: "case"}
        return ", ".join(counted[level] for level in self.levels) if self.table else "every character"


_LEVELS = {"ai_ci": (1,), "as_ci": (1, 2), "ai_cs": (1, 3), "as_cs": (1, 2, 3)}
_UNICODE_SETS = ("utf8mb4", "utf8mb3", "utf8")


def _supported() -> dict[str, Collation]:
    found = {"binary": Collation("", pads=False), "utf8mb4_0900_bin": Collation("", pads=False)}
    for characters in (*_UNICODE_SETS, "latin1", "ascii"):
        found[f"{characters}_bin"] = Collation("")
        found[f"{characters}_nopad_bin"] = Collation("", pads=False)
    for characters in _UNICODE_SETS:
        for name, table in {"general": "general", "unicode": "uca400", "unicode_520": "uca520"}.items():
            found[f"{characters}_{name}_ci"] = Collation(table)
            found[f"{characters}_{name}_nopad_ci"] = Collation(table, pads=False)
    for strength in ("ai_ci", "as_ci", "as_cs"):
        found[f"utf8mb4_0900_{strength}"] = Collation("uca900", _LEVELS[strength], pads=False)
    for strength, levels in _LEVELS.items():
        for characters in ("", "utf8mb4_", "utf8mb3_"):
            found[f"{characters}uca1400_{strength}"] = Collation("uca1400", levels)
            if strength != "ai_cs":  # its weights tell accents at the end of a text apart, its comparison does not
                found[f"{characters}uca1400_nopad_{strength}"] = Collation("uca1400", levels, pads=False)
    for name, table in {
        "latin1_swedish": "latin1_swedish", "latin1_general": "latin1_general", "latin1_german1": "latin1_german1",
        "ascii_general": "general",
    }.items():  # fmt: skip
        found[f"{name}_ci"] = Collation(table)
    found["latin1_general_cs"] = Collation("")
    return found


SUPPORTED: Mapping[str, Collation] = _supported()
"""`{name: how it compares}` of every collation that can be folded."""


def refusal(name: str) -> str | None:
    """Why texts of this collation (in lower case) cannot be folded; None when they can."""
    if name in SUPPORTED:
        return None
    return (
        f'the collation "{name}" is not one whose equal texts are known here; leave `collate …` out to compare '
        "byte by byte, or give the column a collation of docs/types.md"
    )


@cache
def folded(name: str) -> Fold | None:
    """
    A function whose results are equal exactly where the collation calls the texts equal; None: where the texts are.

    Raises:
        KeyError: when `refusal` says why.

    >>> folded("utf8mb4_0900_ai_ci")("Ångström")
    'angstrom'
    """
    return fold_of(SUPPORTED[name])


def fold_of(known: Collation) -> Fold | None:
    """As `folded`, for what it is known to be."""
    if not known.table:
        return _unpadded if known.pads else None
    table = _tables()[known.table]
    levels = [_level(table, level, known.pads) for level in known.levels]
    if len(levels) == 1:
        return levels[0]
    return lambda text: BETWEEN.join([level(text) for level in levels])


def _unpadded(text: str) -> str:
    return text.rstrip(" ")


@cache
def _tables() -> dict[str, Any]:
    """`{table: {"1": {"from": characters, "to": [text of each]}, …}}`, see `tests.changes.weights`."""
    packed = resources.files(__package__).joinpath("collations.bin").read_bytes()
    found: dict[str, Any] = json.loads(lzma.decompress(packed))
    return found


def _level(table: dict[str, Any], level: int, pads: bool) -> Fold:
    """The weights of one level as text, those at the end that a space has too left off where it pads."""
    kept = table[str(level)]
    weights = dict(zip(map(ord, kept["from"]), kept["to"], strict=True))
    if kept["syllables"]:
        _add_syllables(weights, kept["usual"])
    beyond, together, pad = kept["beyond"], kept["together"], kept["pad"]

    def fold(text: str) -> str:
        if beyond is not None:
            text = _BEYOND_BMP.sub(beyond, text)
        return text.translate(lookup)

    lookup = weights if kept["usual"] is None else _Usually(weights, kept["usual"])
    whole = _with_sequences(fold, together) if together else fold
    return (lambda text: whole(text).rstrip(pad)) if pads else whole


class _Usually(dict[int, str]):
    """Weights of a level on which most characters have the same one."""

    def __init__(self, weights: Mapping[int, str], usual: str) -> None:
        super().__init__(weights)
        self._usual = usual

    def __missing__(self, character: int) -> str:
        return self._usual


def _add_syllables(weights: dict[int, str], usual: str | None) -> None:
    """The syllables of Hangul, each with the weights of its two or three letters."""
    for syllable in range(_FIRST_SYLLABLE, _AFTER_SYLLABLES):
        index = syllable - _FIRST_SYLLABLE
        letters = [0x1100 + index // 588, 0x1161 + index % 588 // 28, *([0x11A7 + index % 28] if index % 28 else [])]
        weights[syllable] = "".join(weights.get(letter, usual or chr(letter)) for letter in letters)


def _with_sequences(fold: Fold, together: Mapping[str, str]) -> Fold:
    """Characters that have a weight together which is not that of each of them; the longest sequence counts."""
    longest_first = sorted(together, key=len, reverse=True)
    sequence = re.compile("|".join(map(re.escape, longest_first)))

    def whole(text: str) -> str:
        parts, place = [], 0
        for found in sequence.finditer(text):
            parts += [fold(text[place : found.start()]), together[found[0]]]
            place = found.end()
        return "".join([*parts, fold(text[place:])])

    return whole
