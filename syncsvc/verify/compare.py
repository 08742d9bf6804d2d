"""
Compare every document of a collection with the SQL join, chunk by chunk of root keys, and re-check what lags.

The judge of invariant 11 (convergence): after quiet, documents equal the SQL join.  Reads only.  Memory is bounded by a
chunk and by the number of differences.  While changes flow a document may be behind for a moment: with `wait_seconds`
what differs is looked at again until it is equal or the time is over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import bson
from bson.codec_options import CodecOptions
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument

from syncsvc.mapping.model import Pipeline
from syncsvc.verify import difference, session
from syncsvc.verify.oracle import Key, Oracle
from syncsvc.verify.report import Difference, Report

#: Called with `(documents compared, documents in all)`.
Progress = Callable[[int, int], None]

CHUNK_DOCUMENTS = 500
DETAILED_DIFFERENCES = 20  # that keep their place and values; of the others the key is enough
LOOK_AGAIN_SECONDS = 0.2
VERSION = "_sync"  # ours, not the join's

_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument, tz_aware=True)
_AWARE: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
#: `{key of the root row: what is wrong}`; an `_id` that no row can have stands for itself, as bytes.
_Found = dict[Key | bytes, Difference]


def compare(
    pipeline: Pipeline,
    connection: Any | Mapping[str, Any],
    collection: Any,
    *,
    wait_seconds: float = 0.0,
    progress: Progress | None = None,
    chunk: int = CHUNK_DOCUMENTS,
) -> Report:
    """
    Compare all documents of a generation with the rows they are joined from.

    Args:
        connection: a `pymysql.Connection` to the source, a transaction open on it is ended; or, where tables come from
            several servers, one for each: `{topic prefix: connection}`.
        collection: a `pymongo` collection, the pipeline's `target_collection` (or its view).
        wait_seconds: how long to look again at what differs.
        progress: called after every chunk.
        chunk: documents compared at a time.
    """
    began = time.monotonic()
    with session.sources(pipeline, connection) as cursors:
        check = _Check(pipeline, cursors, collection.with_options(codec_options=_RAW), chunk)
        documents, wrong = check.everything(progress)
        until = began + wait_seconds
        while wrong and (left := until - time.monotonic()) > 0:
            time.sleep(min(LOOK_AGAIN_SECONDS, left))
            wrong = check.again(wrong)
    kinds = [found.kind for found in wrong.values()]
    return Report(
        documents=documents,
        missing=kinds.count("missing"),
        extra=kinds.count("extra"),
        different=kinds.count("different"),
        seconds=time.monotonic() - began,
        differences=tuple(islice(wrong.values(), DETAILED_DIFFERENCES)),
    )


class _Check:
    """One comparison under way."""

    def __init__(self, pipeline: Pipeline, cursors: Mapping[str, Any], collection: Any, chunk: int) -> None:
        self._oracle, self._cursors = Oracle(pipeline, cursors), cursors
        self._collection, self._chunk = collection, chunk
        #: Whether other fields of a document belong to the application, and a document without version wholly.
        self._shared = pipeline.write == "merge"
        self._ours: dict[str, Any] = {VERSION: {"$exists": True}} if self._shared else {}

    def everything(self, progress: Progress | None) -> tuple[int, _Found]:
        """Documents there should be, and what is wrong."""
        wrong: _Found = {}
        rows_read = wanted = documents_found = 0
        total = self._oracle.count() if progress else 0
        last = None
        while True:
            with session.snapshot(self._cursors.values()):
                rows = self._oracle.rows_after(last, self._chunk)
                expected = self._oracle.documents(rows)
            if not rows:
                break
            last = rows[-1]
            rows_read += len(rows)
            wanted += len(expected)
            documents_found += self._judge(expected, wrong)
            if progress:
                progress(rows_read, max(total, rows_read))
        # Documents found for rows are all there are, unless there are more: only then they are read a second time.
        if self._collection.count_documents(self._ours) != documents_found:
            self._extras(wrong)
        return wanted, wrong

    def again(self, before: _Found) -> _Found:
        """What is still wrong of what was."""
        wrong: _Found = {}
        for some in _chunks([found.id for found in before.values()], self._chunk):
            expected = self._expected(some)
            self._judge(expected, wrong)
            self._without_row(some, {key for key, _ in expected}, wrong)
        return wrong

    def _judge(self, expected: Sequence[tuple[Key, dict[str, Any]]], wrong: _Found) -> int:
        """Adds what is wrong with the documents of these rows; returns how many documents there are."""
        encoded: list[tuple[Key, Any, bytes]] = []
        for key, document in expected:
            try:
                encoded.append((key, document["_id"], bson.encode(document)))
            except (BSONError, OverflowError) as error:
                path, why = difference.first_unheld(document) or ("", "")
                what = why or f"the row has a value that no document can hold ({type(error).__name__})"
                wrong[key] = Difference("different", document["_id"], path, what)
        names = {name for _, document in expected for name in document} if self._shared else None
        there = self._documents([identity for _, identity, _ in encoded], names)
        for key, identity, body in encoded:
            found = there.get(key)
            if found is None:
                wrong[key] = Difference("missing", identity)
            elif found != body:
                parted = self._parted(identity, body, found, detailed=len(wrong) < DETAILED_DIFFERENCES)
                if parted is not None:
                    wrong[key] = parted
        return len(there)

    def _expected(self, ids: Sequence[Any]) -> list[tuple[Key, dict[str, Any]]]:
        """The documents there should be of these `_id`s, as of one moment."""
        with session.snapshot(self._cursors.values()):
            return self._oracle.documents(self._oracle.rows_of(ids))

    def _documents(self, ids: Sequence[Any], names: set[str] | None) -> dict[Key, bytes]:
        """`{key: BSON without _sync}` of the documents that exist, with these fields only unless `names` is None."""
        found = {}
        for document in self._collection.find({"_id": {"$in": ids}, **self._ours}):
            key = self._oracle.key_of_id(_decoded_id(document))
            if key is not None:
                found[key] = _ours_of(document.raw, names)
        return found

    @staticmethod
    def _parted(identity: Any, expected: bytes, found: bytes, *, detailed: bool) -> Difference | None:
        """The difference of two encoded documents; None when only the order of their fields differs."""
        place = difference.first_difference(bson.decode(expected, _AWARE), bson.decode(found, _AWARE))
        if place is None:
            return None
        if not detailed:
            return Difference("different", identity)
        path, one, other = place
        return Difference("different", identity, path, difference.described(one, other), one, other)

    def _extras(self, wrong: _Found) -> None:
        """Adds the documents that have no row."""
        found = self._collection.find(self._ours, {"_id": 1})
        for some in _chunks(map(_decoded_id, found), self._chunk):
            self._without_row(some, {key for key, _ in self._expected(some)}, wrong, known=True)

    def _without_row(self, ids: Sequence[Any], keys: set[Key], wrong: _Found, *, known: bool = False) -> None:
        """Adds those of the `_id`s that have no row; unless `known`, only if they have a document."""
        gone = [identity for identity in ids if self._oracle.key_of_id(identity) not in keys]
        extra = [identity for identity in gone if difference.first_unheld(identity) is None]  # no document has it
        if extra and not known:
            found = self._collection.find({"_id": {"$in": extra}, **self._ours}, {"_id": 1})
            extra = [_decoded_id(document) for document in found]
        for identity in extra:
            key = self._oracle.key_of_id(identity)
            wrong[bson.encode({"": identity}) if key is None else key] = Difference("extra", identity)


def _decoded_id(document: RawBSONDocument) -> Any:
    # Of the whole document only the id is decoded, and as a dict where it is a document itself.
    identity = document["_id"]
    return bson.decode(identity.raw, _AWARE) if isinstance(identity, RawBSONDocument) else identity


def _ours_of(raw: bytes, names: set[str] | None) -> bytes:
    """The document without its `_sync`, and without what belongs to the application, as BSON."""
    document = bson.decode(raw, _AWARE)
    document.pop(VERSION, None)
    return bson.encode(document if names is None else {name: document[name] for name in document if name in names})


def _chunks(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
