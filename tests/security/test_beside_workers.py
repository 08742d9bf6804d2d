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

import confluent_kafka.admin as confluent
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


def test_one_right_less_and_the_lag_exporter_says_so(stage: Beside) -> None:
    """Exit code 4; no lag is shown that was not seen."""
    stage.become("exporter", "mongodb-exporter-role.json", "exporter {user} {name} {name}")
    assert stage.who is not None
    gone = confluent.AclBindingFilter(
        confluent.ResourceType.GROUP, f"syncsvc.{stage.name}.", confluent.ResourcePatternType.ANY,
        f"User:{stage.who[0]}", None, confluent.AclOperation.DESCRIBE, confluent.AclPermissionType.ALLOW,
    )  # fmt: skip
    admin = stage._kafka.admin()
    (removed,) = admin.delete_acls([gone]).values()
    assert len(removed.result(30)) == 1

    told = stage.command("lag-exporter", str(stage.mapping), "--once")

    assert told.returncode == 4
    assert "kafka.forbidden" in told.stderr


def test_an_operator_rebuilds_and_drops_with_rights_of_its_own(stage: Beside) -> None:
    """`rebuild`, the switch by workers that may less, `--drop-old`: with an operator's role and the ACLs for it."""
    worker = stage.worker()
    worker.start()
    wait_until(lambda: stage.published() == "meetings__g1", worker.tail)
    assert worker.leave() == 0
    stage.become("operator", "mongodb-operator-role.json", "apply {user} {name} {name}", "drop {user} {name}")

    raised = stage.command("rebuild", str(stage.mapping), "--yes", "-o", "json")
    assert raised.returncode == 0, raised.stdout + raised.stderr
    room = json.loads(raised.stdout)["room"]
    assert room["documents"] > 0
    assert room["free"] > 0
    worker.start()  # made before the operator was: with a worker's rights
    wait_until(lambda: stage.published() == "meetings__g2", worker.tail)
    dropped = stage.command("rebuild", str(stage.mapping), "--drop-old", "--yes", "-o", "json")

    assert dropped.returncode == 0, dropped.stdout + dropped.stderr
    assert f"syncsvc.{stage.name}.g1.keyed" not in stage.logs.there()
    assert "meetings__g1" not in stage.database.list_collection_names()
    assert worker.leave() == 0
    assert stage.shown() == stage.meetup.documents()
