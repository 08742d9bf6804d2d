"""
A source and a collection in memory, as far as `verify` asks them; values as a server prints them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

Row = dict[str, str | None]
_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument, tz_aware=True)
_SELECT = re.compile(r"SELECT (?P<shown>.*) FROM `(?P<base>\w+)`\.`(?P<table>\w+)` ?(?P<clause>.*)", re.DOTALL)


class Source:
    """A connection with tables by `db.table`, their rows in key order; every key is the column `id`."""

    def __init__(self, tables: Mapping[str, Sequence[Row]], refusing: Mapping[str, Exception] | None = None) -> None:
        """`refusing`: `{a word of a statement: what it raises}`."""
        self._tables, self._refusing = tables, refusing or {}
        self._found: list[tuple[str | None, ...]] = []
        self.decoders: dict[int, Any] = {}

    @contextmanager
    def cursor(self) -> Iterator[Source]:
        """It is its own."""
        yield self

    def execute(self, query: str, args: Sequence[Any] = ()) -> None:
        """Answers what `rows` asks, and takes everything else."""
        for word, error in self._refusing.items():
            if word in query:
                raise error
        if (asked := _SELECT.fullmatch(query)) is None:
            return
        rows = list(self._tables[f"{asked['base']}.{asked['table']}"])
        given = [str(one) for one in args]
        if "COUNT" in asked["shown"]:
            self._found = [(str(len(rows)),)]
            return
        if by := re.match(r"WHERE \(`(\w+)`\) IN", asked["clause"]):
            rows = [row for row in rows if any(_same(str(row[by[1]]), one) for one in given)]
        elif given:
            last = [place for place, row in enumerate(rows) if _same(str(row["id"]), given[0])]
            rows = rows[last[0] + 1 :] if last else []
        if limit := re.search(r"LIMIT (\d+)", asked["clause"]):
            rows = rows[: int(limit[1])]
        shown = re.findall(r"`(\w+)`", asked["shown"])
        self._found = [tuple(row[column] for column in shown) for row in rows]

    def fetchall(self) -> Sequence[tuple[str | None, ...]]:
        """The rows of the last query."""
        return self._found

    def fetchone(self) -> tuple[str, str]:
        """Time zone and modes of the session."""
        return "SYSTEM", ""


def _same(printed: str, asked: str) -> bool:
    return asked in (printed, f"{printed} 00:00:00.000000")


class Collection:
    """Documents by `_id`."""

    def __init__(self, *documents: dict[str, Any]) -> None:
        self._documents = documents

    def with_options(self, **_options: object) -> Collection:
        """Documents come raw whatever is asked for."""
        return self

    def count_documents(self, _filter: object) -> int:
        """All of them."""
        return len(self._documents)

    def find(self, wanted: Mapping[str, Any], _shown: object = None) -> list[RawBSONDocument]:
        """Those of the `_id`s, or all."""
        bson.encode(dict(wanted))  # as the driver does
        ids = wanted["_id"]["$in"] if "_id" in wanted else None
        there = [one for one in self._documents if ids is None or one["_id"] in ids]
        return [RawBSONDocument(bson.encode(one), _RAW) for one in there]
