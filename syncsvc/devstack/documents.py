"""
What the MongoDB of a running stack holds, for people without a client of their own (`syncsvc dev documents`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from bson import json_util
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from syncsvc import errors


def first(environment: Mapping[str, str], collection: str, limit: int) -> Iterator[str]:
    """
    The first documents by `_id`, as relaxed Extended JSON with a line for each field of the document.

    Args:
        environment: of the stack, as `syncsvc dev env` prints it.
        collection: or view.
        limit: most documents.

    Raises:
        Unreachable: `devstack.no_mongod`, the stack has none, or it does not answer.
    """
    address = environment.get("SYNCSVC_MONGO_URI", "")
    try:
        with MongoClient[dict[str, object]](address, serverSelectionTimeoutMS=5000) as client:
            database = client[environment.get("SYNCSVC_MONGO_DATABASE", "")]
            for found in database[collection].find().sort("_id", 1).limit(limit):
                found.pop("_sync", None)  # ours, not the reader's
                yield _written(found)
    except (PyMongoError, ValueError) as error:
        raise errors.Unreachable(
            code="devstack.no_mongod", where="syncsvc dev", what=f"MongoDB does not answer: {type(error).__name__}",
            fix="start it anew:  syncsvc dev down,  then  syncsvc dev up",
        ) from None  # fmt: skip


def _written(document: dict[str, object]) -> str:
    """A field a line; what does not fit into one is broken once more."""
    whole = json.loads(json_util.dumps(document, json_options=json_util.RELAXED_JSON_OPTIONS))
    lines = []
    for name, value in whole.items():
        text = json.dumps(value, ensure_ascii=False)
        if len(text) > 100 and isinstance(value, list):
            inner = ",\n".join(f"    {json.dumps(one, ensure_ascii=False)}" for one in value)
            text = f"[\n{inner}\n  ]"
        lines.append(f"  {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}"
