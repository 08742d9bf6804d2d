"""No secret shows: not on the page, in metrics, in logs at their loudest, in what commands print, or in errors."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from syncsvc.devstack import cache, server
from syncsvc.settings import PREFIX, Settings
from tests.integration.waiting import PATIENCE_SECONDS
from tests.integration.worker import ROOT
from tests.security.authority import Authority
from tests.security.guarded import GuardedKafka, GuardedMongod
from tests.security.test_pipeline import GuardedStage

pytestmark = pytest.mark.servers
PAGES = ("/", "/metrics", "/live", "/ready", "/api/status", "/nothing-is-here")
COMMANDS = (
    ("status",), ("status", "--output", "json"), ("plan",), ("apply",), ("verify",), ("validate", "--live"),
    ("preview", "--key", "1"), ("parked", "list"),
)  # fmt: skip


@pytest.fixture
def stage(kafka: GuardedKafka, mongod: GuardedMongod, store: cache.Cache, tmp_path: Path) -> Iterator[GuardedStage]:
    """A pipeline whose passwords are canaries."""
    made = GuardedStage(kafka, mongod, store.nursery, tmp_path)
    made.renew("kafka", "c4nary-kafka")
    made.renew("mongo", "c4nary-mongo")
    yield made
    made.close()


def secrets(stage: GuardedStage, authority: Authority) -> dict[str, str]:
    """Every setting that holds or names a secret, with a canary; those that a worker needs are right."""
    nowhere = f"{server.HOST}:{server.free_port()}"
    pair = authority.issue("canary", hosts=())
    login = stage.environment()["SYNCSVC_MONGO_URI"].replace("mongodb://", "mongodb://syncsvc:c4nary-mongo@")
    contents = {
        "MONGO_URI_FILE": login,
        "SOURCE_DSN_FILE": f"mysql://{nowhere}/meetup",
        "SOURCE_PASSWORD_FILE": "c4nary-source",
        "SCHEMA_REGISTRY_CREDENTIALS_FILE": "ann:c4nary-registry",
        "HTTP_TOKEN_FILE": "c4nary-token-of-the-page-0123456789abcdef0123456789",
        "CONNECTOR_SETTINGS_FILE": "sasl.jaas.config=c4nary-jaas",
    }
    given = {"MONGO_URI": login, "SOURCE_DSN": f"mysql://ann:c4nary-dsn@{nowhere}/meetup", "SOURCE_USERNAME": "ann"}
    given |= {"SCHEMA_REGISTRY_URL": f"https://{nowhere}", "CONNECT_URL": f"http://{nowhere}", "LOG_LEVEL": "debug"}
    for name, text in contents.items():
        file = stage.folder / name
        file.write_text(text)
        given[name] = str(file)
    for server_name in ("KAFKA", "MONGO", "SOURCE", "SCHEMA_REGISTRY"):
        given |= {f"{server_name}_CERTIFICATE_FILE": str(pair.certificate), f"{server_name}_KEY_FILE": str(pair.key)}
    return stage.environment() | {f"{PREFIX}{name}": text for name, text in given.items()}


def canaries(authority: Authority) -> list[str]:
    """What must not show: every password begins so, and the lines of a private key."""
    key = (authority.folder / f"{authority.name}.canary.key").read_text().splitlines()[1:-1]
    return ["c4nary", *key]


def test_every_setting_that_holds_a_secret_has_a_canary(stage: GuardedStage, authority: Authority) -> None:
    """A new setting of this kind is in this test, or it fails."""
    words = ("password", "dsn", "uri", "credentials", "key_file", "connector_settings", "token", "secret")
    secret = {PREFIX + one.name.upper() for one in fields(Settings) if any(word in one.name for word in words)}

    assert secret - secrets(stage, authority).keys() == set()


def test_no_secret_shows_anywhere(stage: GuardedStage, authority: Authority) -> None:
    """A real start at the loudest level, every address of the port, and commands that work or fail."""
    environment = secrets(stage, authority)
    stage.allow("apply")
    stage.begin()
    worker = stage.worker()
    worker.environment |= environment
    worker.start()
    stage.settle()
    shown = {path: worker.page(path) for path in PAGES}
    for words in COMMANDS:
        command = [sys.executable, "-m", "syncsvc.cli", "--debug", *words, str(stage.mapping)]
        ran = subprocess.run(
            command, env={**os.environ, **environment}, cwd=ROOT, timeout=PATIENCE_SECONDS, text=True,
            capture_output=True,
        )  # fmt: skip
        shown[" ".join(words)] = ran.stdout + ran.stderr
    assert worker.leave() == 0
    shown["log"] = worker.log.read_text()

    assert all(shown[name] for name in ("/", "/metrics", "/api/status", "status", "log"))
    assert "batch_committed" in shown["log"]
    assert [(name, found) for name, text in shown.items() for found in canaries(authority) if found in text] == []
    assert "c4nary" in environment["SYNCSVC_MONGO_URI"]


@pytest.mark.parametrize("setting", ["KAFKA_PASSWORD_FILE", "MONGO_URI_FILE"])
def test_no_secret_shows_in_a_refusal(stage: GuardedStage, authority: Authority, setting: str) -> None:
    """A wrong password is the moment in which messages are read and sent around."""
    environment = secrets(stage, authority)
    wrong = stage.folder / "wrong"
    wrong.write_text(Path(environment[PREFIX + setting]).read_text().replace("c4nary", "wr0ng-c4nary"))
    worker = stage.worker()
    worker.environment |= environment | {PREFIX + setting: str(wrong), "SYNCSVC_MONGO_USERNAME": ""}
    worker.start()

    assert worker.ended() == 4, worker.tail()
    assert "c4nary" not in worker.log.read_text()
