"""Folded keys: equal exactly where the collation calls the texts equal; what cannot be folded is refused by name."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncsvc.changes import collation
from tests.changes import weights

FOLDED = sorted(name for name, known in collation.SUPPORTED.items() if known.table)
TEXTS = 6_000


@pytest.mark.parametrize(
    ("name", "one", "other", "equal"),
    [
        ("utf8mb4_0900_ai_ci", "Müller", "mu\u0308LLER", True),
        ("utf8mb4_0900_ai_ci", "straße", "STRASSE", True),
        ("utf8mb4_0900_ai_ci", "a", "a ", False),
        ("utf8mb4_0900_ai_ci", "😀", "😁", False),
        ("utf8mb4_0900_ai_ci", "\ud55c\uae00", "\u1112\u1161\u11ab\u1100\u1173\u11af", True),
        ("utf8mb4_0900_as_ci", "é", "É", True),
        ("utf8mb4_0900_as_ci", "é", "e", False),
        ("utf8mb4_0900_as_cs", "é", "e\u0301", True),
        ("utf8mb4_0900_as_cs", "é", "É", False),
        ("utf8mb4_unicode_ci", "ß", "ss", True),
        ("utf8mb4_unicode_ci", "a", "A  ", True),
        ("utf8mb4_unicode_ci", "😀", "😁", True),
        ("utf8mb4_unicode_520_ci", "😀", "😁", False),
        ("utf8mb4_general_ci", "ß", "ss", False),
        ("utf8mb4_general_ci", "ß", "s", True),
        ("utf8mb4_general_ci", "é", "E ", True),
        ("utf8mb4_general_ci", "e\u0301", "é", False),
        ("utf8mb4_general_nopad_ci", "é", "E ", False),
        ("utf8mb4_uca1400_ai_ci", "Ångström", "angstrom ", True),
        ("utf8mb4_uca1400_as_ci", "é ", "É", True),
        ("utf8mb4_uca1400_ai_cs", "é", "e", True),
        ("utf8mb4_uca1400_ai_cs", "e", "E", False),
        ("latin1_swedish_ci", "Ü", "y", True),
        ("latin1_swedish_ci", "ö", "o", False),
        ("latin1_german1_ci", "ö", "O", True),
        ("ascii_general_ci", "Ab", "aB ", True),
        ("utf8mb4_bin", "a", "a ", True),
        ("utf8mb4_bin", "a", "A", False),
    ],
)
def test_folded_texts_are_equal_where_the_collation_says_so(name, one, other, equal):
    """Letters, accents, case, expansions and trailing spaces, each as its collation has them."""
    fold = collation.folded(name)

    assert fold is not None
    assert (fold(one) == fold(other)) is equal


@pytest.mark.parametrize("name", ["binary", "utf8mb4_0900_bin", "utf8mb4_nopad_bin"])
def test_where_every_byte_counts_nothing_is_folded(name):
    """None, so that nothing is called for each key."""
    assert collation.folded(name) is None


@pytest.mark.parametrize(
    "name",
    ["utf8mb4_de_pb_0900_ai_ci", "uca1400_nopad_ai_cs", "utf8mb4_swedish_ci", "big5_chinese_ci", "no_such_ci"],
)
def test_a_collation_that_is_not_known_exactly_is_refused_by_name(name):
    """With what to do; never folded by something that is like it."""
    found = collation.refusal(name)

    assert found is not None
    assert name in found


@pytest.mark.parametrize("name", FOLDED)
@given(text=st.text(max_size=20))
def test_every_text_can_be_folded_and_stored(name, text):
    """Total, and again a text in UTF-8."""
    fold = collation.folded(name)

    assert fold is not None
    assert fold(text).encode() is not None


def test_the_file_of_weights_is_small():
    """It is part of the package."""
    assert weights.FILE.stat().st_size < 64 * 1024


@pytest.mark.servers
@pytest.mark.parametrize("kind", weights.SERVERS)
def test_the_server_calls_equal_what_folds_to_the_same(kind):
    """
    Every character there is, and random texts of characters that are like each other, by their weights in the server;
    and by its `=` whether spaces and what is like them count at the end.
    """
    with weights.asked(kind) as cursor:
        cursor.execute("SELECT COLLATION_NAME FROM information_schema.COLLATIONS")
        there = {name.lower() for (name,) in cursor.fetchall()}
        of_every_set = [name for name in there if name.startswith("uca1400_")]  # MariaDB's, told without the set
        there |= {f"{characters}_{name}" for name in of_every_set for characters in ("utf8mb4", "utf8mb3")}
        assert len(there & {*FOLDED}) > 10
        plain = ["", "a", "A", "~", " b"]
        unlike: dict[str, list[object]] = {
            name: found
            for name, known in collation.SUPPORTED.items()
            if name in there and name != "binary" and not known.table and (found := unlike_ends(cursor, name, plain))
        }
        for name in sorted(there & {*FOLDED}):
            some = texts(name, random.Random(name))
            whole = {} if name.startswith(("utf8mb3", "utf8_", "ascii")) else weights.weights(cursor, name)
            compared = weights.together_weights(cursor, name, some)
            found = unlike_weights(name, compared | {chr(code): weight for code, weight in whole.items()})
            if found := found + unlike_ends(cursor, name, some[:: TEXTS // 500]):
                unlike[name] = found[:5]
        assert unlike == {}


def unlike_weights(name: str, by_text: dict[str, bytes]) -> list[object]:
    """Texts of one weight have one folded text, and of different weights different ones."""
    fold = collation.fold_of(replace(collation.SUPPORTED[name], pads=False))  # a weight does not tell whether ends pad
    assert fold is not None
    folded_to, weighing = defaultdict(set), defaultdict(set)
    for text, weight in by_text.items():
        folded_to[weight].add(fold(text))
        weighing[fold(text)].add(weight)
    return [item for found in (folded_to, weighing) for item in found.items() if len(item[1]) > 1]


def unlike_ends(cursor, name: str, some: list[str]) -> list[object]:
    """Ends of texts count as the server says."""
    fold = collation.folded(name) or str
    tails = [" ", "   ", "\t", "a"] if name.startswith("ascii") else [" ", "   ", "\t", "a", "\xa0", " \xa0"]
    tails += [] if name.startswith(("ascii", "latin1")) else ["\u0301", " \u0301", "\u2003", "\u200b"]
    pairs = [(text, text + tail) for text in [*some, "", "a"] for tail in tails]
    return [
        pair
        for pair, same in zip(pairs, weights.equal(cursor, name, pairs), strict=True)
        if (fold(pair[0]) == fold(pair[1])) is not same
    ]


def texts(name: str, chance: random.Random) -> list[str]:
    """Texts of few characters each, many of which are equal to another."""
    known = collation.SUPPORTED[name]
    if name.startswith(("latin1", "ascii")):
        letters = [chr(code) for code in weights.LATIN1 if code < 0x80 or name.startswith("latin1")]
    else:
        tables = collation._tables()[known.table]
        letters = list(tables["1"]["from"]) + [chr(code) for code in range(0x20, 0x7F)] * 20
        letters += [part for text in tables["1"]["together"] for part in (*text, text)] * 3
        more = (*range(0x1100, 0x1200), *range(0xAC00, 0xAC40), 0x301, 0x308, 0x4E00, 0x17000)
        letters += [chr(code) for code in more] * 3
        if not name.startswith("utf8mb4"):
            letters = [letter for letter in letters if max(letter) < "\U00010000"]
    found = {"".join(chance.choices(letters, k=chance.randint(1, 5))) for _ in range(TEXTS)}
    return sorted(found)
