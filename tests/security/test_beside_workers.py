"""
What runs beside a pipeline with the rights of `deploy/security` and nothing more: heartbeats, lag exporter, commands.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure

from syncsvc.devstack import cache
from tests.integration.waiting import wait_until
from tests.security.guarded import DEPLOY, GuardedKafka, GuardedMongod
from tests.security.test_pipeline import READ, TOPIC, GuardedStage

pytestmark = pytest.mark.servers


class Beside(GuardedStage):
    """A pipeline in which commands may come as somebody else than its workers."""

    #: `(user of Kafka, user of MongoDB)` of commands and workers; None: those of a worker.
    who: tuple[str, str] | None = None

    def environment(self) -> dict[str, str]:
        """As `who`."""
        found = super().environment()
        if self.who is not None:
            kafka, mongo = self.who
            passwords = {"SYNCSVC_KAFKA_PASSWORD_FILE": kafka, "SYNCSVC_MONGO_PASSWORD_FILE": mongo}
            found |= {"SYNCSVC_KAFKA_USERNAME": kafka, "SYNCSVC_MONGO_USERNAME": mongo}
            found |= {name: str(self.folder / f"of-{user}") for name, user in passwords.items()}
        return found

    def become(self, user: str, role: str, *acls: str) -> None:
        """A new user on both sides: the role of a file, and the ACLs of these words, with `{user}` and `{name}`."""
        kafka = f"{self.name}-{user}"
        for one in (kafka, user):
            (self.folder / f"of-{one}").write_text(f"password-{one}")
        self._kafka.user(kafka, f"password-{kafka}")
        for words in acls:
            self._kafka.allow(self.folder / "tool", *words.format(user=f"User:{kafka}", name=self.name).split())
        made = json.loads((DEPLOY / role).read_text().replace('"meetup"', f'"{self.name}"'))
        self.database.command(made)
        self.database.command("createUser", user, pwd=f"password-{user}", roles=[made["createRole"]])
        self.who = kafka, user

    @contextlib.contextmanager
    def as_mongo(self, user: str) -> Iterator[Database[dict[str, Any]]]:
        """The database as that user sees it."""
        with MongoClient[dict[str, Any]](
            self._mongod.uri, username=user, password=f"password-{user}", authSource=self.name, tls=True,
            tlsCAFile=str(self._mongod.authority.file),
        ) as opened:  # fmt: skip
            yield opened[self.name]


@pytest.fixture
def stage(kafka: GuardedKafka, mongod: GuardedMongod, store: cache.Cache, tmp_path: Path) -> Iterator[Beside]:
    """A pipeline with the rights of a worker that also makes its topics."""
    made = Beside(kafka, mongod, store.nursery, tmp_path)
    made.allow("apply")
    made.begin()
    yield made
    made.close()


def test_a_worker_hears_the_connector_with_its_rights(stage: Beside) -> None:
    """An idle source is told from a broken one; without that right it would look like one that sends nothing."""
    heartbeats = f"__debezium-heartbeat.{stage.name}"
    stage.logs.make([heartbeats], 1)
    stage.logs.beat()
    worker = stage.worker()
    worker.start()
    sample = re.compile(rf'^syncsvc_source_heartbeat_timestamp_seconds{{[^}}]*source="{stage.name}"[^}}]*}} 1\.', re.M)
    wait_until(lambda: sample.search(worker.page("/metrics")), worker.tail)
    assert worker.leave() == 0

    stage.disallow(TOPIC, heartbeats, READ)
    worker.start()
    stage.change(20)
    stage.settle()
    assert not sample.search(worker.page("/metrics"))


def _lag(text: str, group: str) -> set[str]:
    return set(re.findall(rf'^kafka_consumergroup_group_lag{{[^}}]*group="{group}"[^}}]*}} (\S+)', text, re.M))


@pytest.mark.parametrize(
    ("acl", "words"),
    [
        ("exporter {user} {name} {name}", lambda stage: [str(stage.mapping)]),
        ("exporter {user}", lambda stage: [str(stage.mapping), "--group", f"{stage.name}.*"]),
    ],
    ids=["a pipeline", "every group"],
)
def test_the_lag_exporter_works_with_rights_of_its_own(
    stage: Beside, acl: str, words: Callable[[Beside], list[str]]
) -> None:
    """It sees the lag of every partition; it may read neither records nor documents, and change nothing."""
    worker = stage.worker()
    worker.start()
    stage.settle()
    stage.become("exporter", "mongodb-exporter-role.json", acl)

    told = stage.command("lag-exporter", *words(stage), "--once")

    assert told.returncode == 0, told.stderr
    assert _lag(told.stdout, f"syncsvc.{stage.name}.g1") == {"0.0"}
    assert re.search(r"^kafka_lag_exporter_up{.*} 1\.0$", told.stdout, re.M)
    refused = stage.command("status", str(stage.mapping), "-o", "json")
    assert (refused.returncode, "kafka.forbidden" in refused.stdout) == (4, True)
    with stage.as_mongo("exporter") as database:
        for forbidden in (database["meetings__g1"].find_one, database["syncsvc_generations"].find_one):
            with pytest.raises(OperationFailure, match="not authorized"):
                forbidden()
        with pytest.raises(OperationFailure, match="not authorized"):
            database["syncsvc_fences"].delete_many({})
