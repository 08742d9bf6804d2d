"""The fixtures of `tests.mongo.server`, for every test of this folder."""

from tests.mongo.server import committer, mongo, mongod, store

__all__ = ["committer", "mongo", "mongod", "store"]
