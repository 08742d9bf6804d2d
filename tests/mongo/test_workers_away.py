"""What workers tell each other while MongoDB is away: it holds nobody up."""

from __future__ import annotations

import time

import pymongo
import pytest

from syncsvc.mongo import workers
from syncsvc.mongo.client import SELECTION_SECONDS, Mongo


def test_the_last_word_of_a_worker_does_not_wait_for_an_election(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop is to be over before Kubernetes ends the pod; the word is not needed, for silence tells the same."""
    monkeypatch.setattr(workers, "QUICK_SECONDS", 0.2)
    client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(
        "mongodb://127.0.0.1:1/", serverSelectionTimeoutMS=int(SELECTION_SECONDS * 1000)
    )
    mongo, began = Mongo(client, client["meetup"], "127.0.0.1:1/meetup"), time.monotonic()

    with pytest.raises(pymongo.errors.PyMongoError):
        workers.tell(mongo, "one", {})
    workers.leave(mongo, "one")

    mongo.close()
    assert time.monotonic() - began < SELECTION_SECONDS / 3
