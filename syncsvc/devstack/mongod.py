"""
mongod as a replica set of one node, the smallest that has transactions.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from syncsvc import errors
from syncsvc.devstack import cache, probes, server, wheels

REPLICA_SET = "rs0"
#: Numbers of server errors, from MongoDB's error_codes.yml.
NOT_YET_INITIALIZED, ALREADY_INITIALIZED, INVALID_REPLICA_SET_CONFIG = 94, 23, 93


class Mongod(server.Server):
    """
    One mongod.

    Args:
        standalone: no replica set; only to show that it is refused.
        cache_gb: memory of the storage engine, 0.25 or more.
        arguments: added to the command line, for example `["--keyFile", "…"]`.
    """

    name: ClassVar[str] = "mongod"

    def __init__(
        self,
        store: cache.Cache,
        folder: Path,
        port: int | None = None,
        *,
        standalone: bool = False,
        cache_gb: float = 0.5,
        arguments: Sequence[str] = (),
    ) -> None:
        super().__init__(store, folder, port)
        self.standalone = standalone
        self.cache_gb = cache_gb
        self.arguments = tuple(arguments)
        self._program = Path()

    @property
    def uri(self) -> str:
        """Connection string."""
        # directConnection: the driver skips the search for other members, and a set that a restart on another port
        # has renamed is still found.
        options = "directConnection=true" if self.standalone else f"replicaSet={REPLICA_SET}"
        return f"mongodb://{self.address}/?{options}"

    def _prepare(self) -> None:
        self._program = wheels.mongod(self.store)
        (self.folder / "data").mkdir(parents=True, exist_ok=True)

    def _command(self) -> Sequence[str]:
        command = [str(self._program), "--dbpath", str(self.folder / "data"), "--port", str(self.port)]
        command += ["--bind_ip", server.HOST, "--nounixsocket", "--wiredTigerCacheSizeGB", str(self.cache_gb)]
        # A signal would otherwise keep the primary 15 s in "quiesce" for clients that have another member to go to.
        command += ["--setParameter", "shutdownTimeoutMillisForSignaledShutdown=0"]
        command += ["--setParameter", "diagnosticDataCollectionEnabled=false"]
        command += self.arguments
        return command if self.standalone else [*command, "--replSet", REPLICA_SET, "--oplogSize", "512"]

    def _answers(self) -> bool:
        try:
            return probes.mongo(server.HOST, self.port, {"ping": 1}).get("ok") == 1
        except OSError:
            return False

    def _settle(self) -> None:
        if self.standalone:
            return
        assert self._child is not None
        self._be_a_replica_set()
        self.store.nursery.wait_until(self._takes_writes, self._child, self.start_seconds)

    def _be_a_replica_set(self) -> None:
        config = {"_id": REPLICA_SET, "version": 1, "members": [{"_id": 0, "host": self.address}]}
        status = self._ask({"replSetGetStatus": 1})
        if status.get("code") == NOT_YET_INITIALIZED:
            answer = self._ask({"replSetInitiate": config})
        elif status.get("code") == INVALID_REPLICA_SET_CONFIG:  # the data was made on another port
            answer = self._ask({"replSetReconfig": {**config, "version": 1_000_000}, "force": True})
        else:
            return
        if answer.get("ok") != 1 and answer.get("code") != ALREADY_INITIALIZED:
            what = f"mongod does not become a replica set: {answer.get('errmsg')}"
            raise errors.Unreachable(code="devstack.replica_set", where=self.address, what=what, fix=f"read {self.log}")

    def _takes_writes(self) -> bool:
        return bool(self._ask({"hello": 1}).get("isWritablePrimary"))

    def _ask(self, command: dict[str, object]) -> dict[str, object]:
        try:
            return probes.mongo(server.HOST, self.port, command)
        except OSError as error:
            return {"ok": 0, "errmsg": str(error)}
