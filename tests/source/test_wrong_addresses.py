"""
An address at which something else answers, or that is none: one problem that says which, never a fault of syncsvc.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from syncsvc.changes.connector import connector_config
from syncsvc.doctor import connector, source
from syncsvc.errors import SyncError, Unreachable
from syncsvc.settings import Settings
from syncsvc.source import connection, connectors
from tests.cli.conftest import Run
from tests.cli.conftest import run as run  # the fixture
from tests.source.strangers import stranger
from tests.verify import world

WANTED = connector_config(
    name="syncsvc-meetup", kind="mysql", pipelines=[world.pipeline()], host="db", port=3306, user="u",
    password="s3cret", kafka_bootstrap="kafka:9092", server_id=7,
)  # fmt: skip
ASKING: list[Callable[[str], Any]] = [
    lambda url: connectors.config(url, "c"),
    lambda url: connectors.status(url, "c"),
    lambda url: connectors.objections(url, WANTED),
]


def http(body: str) -> bytes:
    """An answer with this body."""
    return f"HTTP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


@pytest.mark.parametrize("asking", ASKING, ids=["config", "status", "objections"])
@pytest.mark.parametrize(
    "says",
    [
        pytest.param(b"J\x00\x00\x00\x0a8.4.3\x00", id="a database's greeting"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 99\r\n\r\n{", id="half an answer"),
        pytest.param(http("<html></html>"), id="a page"),
        pytest.param(http("[]"), id="a list"),
        pytest.param(http('"up"'), id="a text"),
        pytest.param(http('{"connector": [], "tasks": [1], "configs": [{}], "a": {}}'), id="other names"),
    ],
)
def test_a_connect_address_of_another_service_is_told(asking: Callable[[str], Any], says: bytes) -> None:
    """As Connect that does not answer, with the setting to look at; nothing of what was said in another protocol."""
    with stranger(says) as place, pytest.raises(Unreachable, match="SYNCSVC_CONNECT_URL") as error:
        asking(f"http://{place}")

    assert error.value.problems[0].code == "connect.unreachable"
    assert "\x00" not in str(error.value)


@pytest.mark.parametrize(
    "url", ["connect", "http://h:abc", "http://127.0.0.1:99999", "http://a..b:8083", "http://h h", "http://[::1", "http://"]
)
def test_a_connect_address_that_is_none_is_told(url: str) -> None:
    """The same problem, with what is wrong with it."""
    with pytest.raises(Unreachable) as error:
        connectors.config(url, "c")

    problem = error.value.problems[0]
    assert (problem.code, problem.where) == ("connect.unreachable", url)
    assert not problem.what.endswith(": ")


def test_an_answer_of_connect_is_taken_as_it_is() -> None:
    """The shapes that Connect documents."""
    status = '{"name": "c", "connector": {"state": "RUNNING"}, "tasks": [{"id": 0, "state": "FAILED"}]}'
    judged = '{"configs": [{"definition": {}, "value": {"name": "a", "errors": ["no"]}}, '
    judged += '{"definition": {}, "value": {"name": "b", "errors": []}}]}'
    with stranger(http('{"a": "b"}')) as config, stranger(http(status)) as running, stranger(http(judged)) as plugin:
        assert connectors.config(f"http://{config}", "c") == {"a": "b"}
        assert (connectors.status(f"http://{running}", "c") or {})["tasks"] == [{"id": 0, "state": "FAILED"}]
        assert connectors.objections(f"http://{plugin}", WANTED) == {"a": ["no"]}


def test_the_doctor_tells_a_wrong_connect_address_as_such() -> None:
    """Where it is asked for the connectors themselves; where only their users matter, it hides nothing."""
    with stranger(b"J\x00\x00\x00\x0a8.4.3\x00") as place:
        settings = Settings(connect_url=f"http://{place}", source_dsn="mysql://u:p@127.0.0.1:9/meetup")
        ((_, look),) = source.looks([world.pipeline()], settings)

        assert look._users_of_connectors() == set()
        with pytest.raises(SyncError, match="Kafka Connect"):
            list(connector.look([world.pipeline()], settings))


@pytest.mark.parametrize(
    "dsn",
    ["mysql://u:p%C5%82%F0%9F%98%80@127.0.0.1:9/meetup", "mysql://u:pł@127.0.0.1:9/meetup", "mysql://u:p@a..b/meetup",
     "mysql://u:p@{}/meetup".format("a" * 70)],
    ids=["a password beyond latin-1", "the same unquoted", "an empty label", "a label that is too long"],
)  # fmt: skip
def test_a_source_that_cannot_be_reached_is_told_whatever_stands_in_the_dsn(dsn: str) -> None:
    """The ordinary problem."""
    with pytest.raises(Unreachable) as error:
        connection.connect(dsn)

    assert error.value.problems[0].code == "source.unreachable"


def test_a_password_goes_to_the_server_as_utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the server has stored it."""
    given: dict[str, Any] = {}

    class Opened:
        """Takes what it is given."""

    def connect(**arguments: Any) -> Opened:
        given.update(arguments)
        return Opened()

    monkeypatch.setattr(connection.pymysql, "connect", connect)
    opened: Any = connection.connect("mysql://u:%C5%82%C3%A9@h/d")

    assert given["password"] == "łé".encode()
    assert (given["read_timeout"], opened._read_timeout) == (connection.CONNECT_SECONDS, connection.READ_SECONDS)


def test_a_port_that_takes_connections_and_says_nothing_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the time for connecting, not that for an answer."""
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.2)
    began = time.monotonic()
    with stranger(after=b"never") as place, pytest.raises(Unreachable) as error:
        connection.connect(f"mysql://u:p@{place}/d")

    assert error.value.problems[0].code == "source.unreachable"
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "says",
    [b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x01\x00\x00\x00\x0a",
     b"\x02\x00\x00\x00\xff\x00", b"\x03\x00\x00\x00\x0a5\x00", b"-ERR unknown\r\n"],
    ids=["ssh", "http", "a greeting without anything", "an error without a number", "half a greeting", "redis"],
)  # fmt: skip
def test_a_source_address_of_another_service_is_told(says: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a source that does not answer."""
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.5)
    with stranger(says) as place, pytest.raises(Unreachable) as error:
        connection.connect(f"mysql://u:p@{place}/d")

    assert error.value.problems[0].code == "source.unreachable"


@pytest.mark.parametrize("words", [["verify"], ["validate", "--live"], ["preview", "--key", "1"]])
def test_commands_end_with_4(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    """A person reads which server, and no traceback."""
    file = tmp_path / "meetings.yaml"
    file.write_text(world.MAPPING)
    monkeypatch.setenv("SYNCSVC_SOURCE_DSN", "mysql://u:p%C5%82@a..b/meetup")

    outcome = run(words[0], file, *words[1:], "-o", "json")

    assert (outcome.code, outcome.codes) == (4, ["source.unreachable"])
    assert not re.search("fault of syncsvc", outcome.out)
