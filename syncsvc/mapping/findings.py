"""
Problems of one file, collected while it is read, each with its line and column.

Every step of `load` adds here and goes on, so that a person sees everything that is wrong in one run.  Also keeps the
place of every key and value, by path, so that a later step (the checks, the comparison with a server) can point at a
line without knowing YAML.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from syncsvc.errors import Problem

#: Characters of a text of the file that a message repeats, and names that it lists: it is to be read by a person.
MOST_QUOTED, MOST_LISTED = 80, 50
#: Way to a value: `("embed", "applications", "on")`; list items by their index from 0.
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file."""

    #: From 1.
    line: int
    #: From 1, in characters.
    column: int


@dataclass(frozen=True, slots=True)
class Places:
    """Where every key and every value of one file stands."""

    #: The file as it was named.
    file: str
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    #: Of every character of an expression and of its end, where that can be told.
    letters: dict[Path, tuple[Place, ...]] = field(default_factory=dict)
    #: Expressions as they are written.
    texts: dict[Path, str] = field(default_factory=dict)

    def of_key(self, path: Path) -> Place:
        """Place of the key at `path`, or of the nearest key above it when that one is not written (a default)."""
        return self._nearest(self.keys, path)

    def of_value(self, path: Path) -> Place:
        """Place of the value at `path`, or of the key of what contains it when it is not written."""
        return self.values[path] if path in self.values else self._nearest(self.keys, path)

    def of_letter(self, path: Path, at: int) -> Place:
        """Place of character `at` (from 0) of the expression at `path`, or of the whole value."""
        letters = self.letters.get(path, ())
        return letters[min(max(at, 0), len(letters) - 1)] if letters else self.of_value(path)

    def where(self, place: Place) -> str:
        """`file:line:column`."""
        return f"{self.file}:{place.line}:{place.column}"

    @staticmethod
    def _nearest(known: Mapping[Path, Place], path: Path) -> Place:
        while path and path not in known:
            path = path[:-1]
        return known.get(path, Place(1, 1))


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong with one file so far."""

    places: Places
    #: In the order they were found; looked up, because a large file that is wrong in every line has tens of thousands.
    _found: dict[tuple[Place, Problem], None] = field(default_factory=dict)

    def add(self, place: Place, code: str, what: str, fix: str) -> None:
        """One problem; said twice about the same place, it is kept once."""
        self._found[place, Problem(code, self.places.where(place), what, fix)] = None

    def problems(self) -> tuple[Problem, ...]:
        """In the order of the file."""
        return tuple(problem for _, problem in sorted(self._found, key=lambda found: found[0]))


def quoted(text: str) -> str:
    """A text of the file in a message: its beginning, and nothing in it that a terminal would obey."""
    shown = "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text[:MOST_QUOTED])
    return f'"{shown}{"…" if len(text) > MOST_QUOTED else ""}"'


def nearest(word: str, known: Collection[str]) -> str | None:
    """The known name that `word` most looks like, whatever its case; None when nothing is near."""
    by_folded = {name.casefold(): name for name in reversed(list(known))}
    # Two letters changed round in a word of three are a third of it: `di` is near `id`.
    cutoff = 0.6 if len(word) > 3 else 0.5
    close = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=cutoff)
    return by_folded[close[0]] if close else None


def suggestion(word: str, known: Collection[str], nothing_known: str) -> str:
    """A fix: `did you mean "x"?`, or all that is known, or `nothing_known`."""
    near = nearest(word, known)
    if near is not None:
        return f'did you mean "{near}"?'
    more = f", … {len(known) - MOST_LISTED} more" if len(known) > MOST_LISTED else ""
    return f"known: {', '.join(list(known)[:MOST_LISTED])}{more}" if known else nothing_known
