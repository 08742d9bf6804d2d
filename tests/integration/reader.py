"""
A reader that watches a collection through a change stream and complains about what it must never see.

It goes on from its resume token whatever happens to the server.  Never seen may be: a version `_sync.v` that does not
grow, a deleted document that comes back with an older one, a row that goes back to an earlier edition, and a document
whose rows were never so.
"""

from __future__ import annotations

import threading
from typing import Any

import pymongo
from pymongo import errors
from pymongo.collection import Collection

from tests.integration.meetup import APPLICATION, MEETING, USER, Meetup

MARKER = "the end of the test"
LOOK_SECONDS = 0.1


class Reader:
    """Watches from its making on, in a thread of its own."""

    def __init__(self, uri: str, database: str, collection: str, meetup: Meetup) -> None:
        self._client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(uri)
        self._collection = self._client[database][collection]
        self._meetup = meetup
        self._versions: dict[Any, tuple[int, int]] = {}
        self._editions: dict[tuple[Any, str, int], int] = {}
        self._token: Any = None
        self._over = threading.Event()
        #: What must never be seen, as sentences.
        self.complaints: list[str] = []
        #: Changes seen.
        self.changes = 0
        began = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(began,), daemon=True)
        self._thread.start()
        began.wait()

    def finish(self) -> None:
        """Reads everything written so far, and leaves; call it once, when nobody writes any more."""
        self._collection.insert_one({"_id": MARKER})
        self._thread.join(60)
        assert not self._thread.is_alive(), "the reader did not come to the end"
        self._collection.delete_one({"_id": MARKER})
        self._client.close()

    def leave(self) -> None:
        """Stops watching, wherever it stands."""
        self._over.set()
        self._thread.join()
        self._client.close()

    def _run(self, began: threading.Event) -> None:
        while not self._over.is_set():
            try:
                self._watch(self._collection, began)
            except errors.PyMongoError:
                self._over.wait(LOOK_SECONDS)  # the server is away; go on from the token

    def _watch(self, collection: Collection[dict[str, Any]], began: threading.Event) -> None:
        with collection.watch(resume_after=self._token, max_await_time_ms=int(LOOK_SECONDS * 1000)) as stream:
            began.set()
            while not self._over.is_set():
                change = stream.try_next()
                self._token = stream.resume_token
                if change is not None:
                    self._look_at(change)

    def _look_at(self, change: dict[str, Any]) -> None:
        kind, identity = change["operationType"], change.get("documentKey", {}).get("_id")
        if identity == MARKER:
            self._over.set()
            return
        self.changes += 1
        if kind == "delete":
            return  # its version stays known: it may come back, but only with a newer one
        if kind not in ("insert", "replace"):
            self.complaints.append(f"{identity}: unexpected {kind}")
            return
        document = change["fullDocument"]
        version = tuple(document.pop("_sync")["v"])
        if version < self._versions.get(identity, (0, 0)):
            self.complaints.append(f"{identity}: {kind} of version {version} after {self._versions[identity]}")
        self._versions[identity] = version
        self._explain(identity, document)

    def _explain(self, identity: Any, document: dict[str, Any]) -> None:
        applications = document.pop("applications")
        if document.pop("application_count") != len(applications):
            self.complaints.append(f"{identity}: the count is not that of the applications")
        if applications != sorted(applications, key=lambda row: (-row["applied_at"], row["id"])):
            self.complaints.append(f"{identity}: the applications are out of order")
        self._row(identity, MEETING, {"id": document.pop("_id"), **document})
        for application in applications:
            user = application.pop("user")
            self._row(identity, APPLICATION, application)
            if application["meeting_id"] != identity:
                self.complaints.append(f"{identity}: shows application {application['id']} of another meeting")
            if user is not None:  # none is right while the look-up is on its way
                self._row(identity, USER, user)
                if user["id"] != application["user_id"]:
                    self.complaints.append(f"{identity}: application {application['id']} shows another's user")

    def _row(self, identity: Any, table: str, row: dict[str, Any]) -> None:
        place = (identity, table, row["id"])
        if self._meetup.seen_at.get((table, row["id"], row["edition"])) != row:
            self.complaints.append(f"{identity}: {table} {row['id']} never was {row}")
        if row["edition"] < self._editions.get(place, 0):
            self.complaints.append(
                f"{identity}: {table} {row['id']} went back from edition {self._editions[place]} to {row['edition']}"
            )
        self._editions[place] = row["edition"]
