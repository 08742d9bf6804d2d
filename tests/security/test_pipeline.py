"""
A whole pipeline with nothing but the rights of `deploy/security`, on a broker and a mongod that allow nothing by
themselves; and what a worker says where one right is missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import confluent_kafka.admin as confluent
import pytest

from syncsvc.devstack import cache
from tests.integration.stage import Stage
from tests.integration.waiting import wait_until
from tests.security.guarded import ADMIN, ADMIN_PASSWORD, DEPLOY, GuardedKafka, GuardedMongod

pytestmark = pytest.mark.servers


class GuardedStage(Stage):
    """A pipeline whose workers log in; the test itself comes in as an administrator."""

    def __init__(self, kafka: GuardedKafka, mongod: GuardedMongod, nursery: Any, folder: Path) -> None:
        login = f"mongodb://{ADMIN}:{ADMIN_PASSWORD}@{mongod.address}/?replicaSet=rs0&tls=true"
        inside: Any = SimpleNamespace(uri=f"{login}&tlsCAFile={mongod.authority.file}")
        super().__init__(kafka, inside, nursery, folder, 7, meetings=20, partitions=2, source_partitions=1)
        self._kafka, self._mongod = kafka, mongod
        self.passwords = {name: folder / name for name in ("kafka", "mongo")}
        self.renew("kafka", "of-kafka")
        self._role()
        self.renew("mongo", "of-mongo")

    def write_mapping(self, generation: int = 1, title_type: str = "varchar(200)") -> None:
        """Published as a view, the default, which needs more rights than a plain collection."""
        super().write_mapping(generation, title_type)
        self.mapping.write_text(self.mapping.read_text().replace("publish: direct", "publish: view"))

    def begin(self) -> None:
        """The connector's snapshot is in the source topics."""
        self.logs.make(self.logs.sources, self.source_partitions)
        self.logs.publish(self.meetup.snapshot())

    def environment(self) -> dict[str, str]:
        """Settings of a worker: TLS, users, and passwords in files."""
        authority = str(self._mongod.authority.file)
        return super().environment() | {
            "SYNCSVC_KAFKA_BOOTSTRAP": self._kafka.secure,
            "SYNCSVC_KAFKA_CA_FILE": authority,
            "SYNCSVC_KAFKA_USERNAME": self.name,
            "SYNCSVC_KAFKA_PASSWORD_FILE": str(self.passwords["kafka"]),
            "SYNCSVC_MONGO_URI": f"{self._mongod.uri}&authSource={self.name}",
            "SYNCSVC_MONGO_CA_FILE": authority,
            "SYNCSVC_MONGO_USERNAME": "syncsvc",
            "SYNCSVC_MONGO_PASSWORD_FILE": str(self.passwords["mongo"]),
        }

    def renew(self, of: str, password: str) -> None:
        """Another password, in the server and in the mounted file."""
        if of == "kafka":
            self._kafka.user(self.name, password)
        else:
            known = self.database.command("usersInfo", "syncsvc")["users"]
            self.database.command("updateUser" if known else "createUser", "syncsvc", pwd=password, roles=["syncsvc"])
        self.passwords[of].write_text(f"{password}\n")

    def allow(self, what: str) -> None:
        """Runs the script for administrators, with Kafka's own tool."""
        self._kafka.allow(self.folder / "tool", what, f"User:{self.name}", self.name, self.name)

    def _role(self, *, without: str = "") -> None:
        """The role of the file, for this database; an action may be left out."""
        role = json.loads((DEPLOY / "mongodb-role.json").read_text().replace('"meetup"', f'"{self.name}"'))
        (privilege,) = role["privileges"]
        privilege["actions"] = [action for action in privilege["actions"] if action != without]
        if without:
            del role["roles"]
            role = {"updateRole": role.pop("createRole"), **role}
        self.database.command(role)

    def forbid(self, action: str) -> None:
        """Takes one action out of the role."""
        self._role(without=action)

    def disallow(self, kind: confluent.ResourceType, name: str, operation: confluent.AclOperation) -> None:
        """Takes one ACL away."""
        gone = confluent.AclBindingFilter(
            kind, name, confluent.ResourcePatternType.ANY, f"User:{self.name}", None, operation,
            confluent.AclPermissionType.ALLOW,
        )  # fmt: skip
        admin = self._kafka.admin()
        (removed,) = admin.delete_acls([gone]).values()
        assert len(removed.result(30)) == 1


Make = Callable[[], GuardedStage]


@pytest.fixture
def make(kafka: GuardedKafka, mongod: GuardedMongod, store: cache.Cache, tmp_path: Path) -> Iterator[Make]:
    """Sets up a pipeline with the rights of a worker that also makes its topics."""
    made: list[GuardedStage] = []

    def one() -> GuardedStage:
        stage = GuardedStage(kafka, mongod, store.nursery, tmp_path)
        made.append(stage)
        stage.allow("apply")
        return stage

    yield one
    for stage in made:
        stage.close()


def test_the_service_runs_with_the_rights_that_are_written_out_and_nothing_more(make: Make) -> None:
    """First copy, changes, a second generation; over TLS, with passwords in files.  What readers see is the join."""
    stage = make()
    stage.begin()
    worker = stage.worker()
    worker.start()
    stage.settle()
    stage.change(40)
    stage.settle()
    told = stage.command("status", str(stage.mapping))
    assert worker.leave() == 0
    stage.write_mapping(generation=2)
    worker.start()
    wait_until(lambda: stage.published() == "meetings__g2", worker.tail)

    assert worker.leave() == 0
    assert stage.shown() == stage.meetup.documents()
    assert told.returncode == 0, told.stderr
    assert "forbidden" not in worker.log.read_text()


TOPIC, GROUP = confluent.ResourceType.TOPIC, confluent.ResourceType.GROUP
READ, WRITE = confluent.AclOperation.READ, confluent.AclOperation.WRITE


@pytest.mark.parametrize(
    ("without", "code"),
    [
        (lambda stage: stage.disallow(TOPIC, f"{stage.name}.", READ), "kafka.forbidden"),
        (lambda stage: stage.disallow(TOPIC, f"syncsvc.{stage.name}.", WRITE), "kafka.forbidden"),
        (lambda stage: stage.disallow(GROUP, f"syncsvc.{stage.name}.", READ), "kafka.forbidden"),
        (lambda stage: stage.forbid("update"), "mongo.forbidden"),
        (lambda stage: stage.forbid("insert"), "mongo.forbidden"),
        (lambda stage: stage.forbid("find"), "mongo.forbidden"),
        (lambda stage: stage.forbid("createCollection"), "mongo.forbidden"),
        (lambda stage: stage.forbid("listCollections"), "mongo.forbidden"),
    ],
    ids=["read sources", "write keyed", "group", "update", "insert", "find", "create", "list"],
)
def test_one_right_less_ends_the_worker_with_the_right_that_is_missing(
    make: Make, without: Callable[[GuardedStage], None], code: str
) -> None:
    """Exit code 4, with a code and a fix where the log goes; it does not go on half."""
    stage = make()
    stage.begin()
    without(stage)
    worker = stage.worker()
    worker.start()

    assert worker.ended() == 4, worker.tail()
    assert code in worker.log.read_text(), worker.tail()


@pytest.mark.parametrize("of", ["kafka", "mongo"])
def test_a_changed_password_makes_the_worker_leave_to_be_started_again(make: Make, of: str) -> None:
    """It says which, ends in good order with a code of its own, and its successor goes on with the new password."""
    stage = make()
    stage.begin()
    worker = stage.worker()
    worker.start()
    stage.settle()
    worker.wanted = False
    stage.renew(of, "n3w")
    wait_until(lambda: not worker.running, worker.tail)

    assert worker.ended() == 75
    assert f"SYNCSVC_{of.upper()}_PASSWORD_FILE" in worker.log.read_text()
    assert "n3w" not in worker.log.read_text()
    worker.start()
    stage.change(20)
    stage.settle()
