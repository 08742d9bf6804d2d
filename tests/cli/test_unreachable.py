"""
A server that is not there, or does not let us in: one problem that says which, and exit code 4.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from syncsvc.devstack.stack import Stack
from syncsvc.source import connection
from tests.cli.conftest import Run

NOBODY = "127.0.0.1:9"  # the discard port: nothing listens there


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which nothing answers."""
    monkeypatch.setenv("SYNCSVC_KAFKA_BOOTSTRAP", NOBODY)
    monkeypatch.setenv("SYNCSVC_MONGO_URI", f"mongodb://{NOBODY}/?serverSelectionTimeoutMS=200")
    monkeypatch.setenv("SYNCSVC_CONNECT_URL", f"http://{NOBODY}")
    monkeypatch.setenv("SYNCSVC_SOURCE_DSN", f"mysql://u:secret@{NOBODY}/meetup")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["validate", "FILE", "--live"], "source.unreachable"),
        (["verify", "FILE"], "source.unreachable"),
        (["plan", "FILE"], "mongo.unreachable"),
        (["apply", "FILE"], "mongo.unreachable"),
        (["status", "FILE"], "mongo.unreachable"),
        (["status", "FILE", "--watch"], "mongo.unreachable"),
        (["offsets", "FILE"], "mongo.unreachable"),
        (["trace", "FILE", "--key", "1"], "mongo.unreachable"),
        (["parked", "list"], "mongo.unreachable"),
        (["parked", "show", "x"], "mongo.unreachable"),
        (["dev", "env", "--folder", "FILE.stack"], "devstack.not_up"),
    ],
)
def test_nobody_answers(run: Run, file: Path, words: list[str], code: str) -> None:
    """Which server it is, never its password, and the setting to look at."""
    outcome = run(*(word.replace("FILE", str(file)) for word in words), "-o", "json")

    assert outcome.code == 4
    assert outcome.codes == [code]
    assert "secret" not in outcome.out


def test_the_doctor_tells_all_servers_that_are_away_at_once(run: Run, file: Path) -> None:
    """Exit code 4, each of them by its name, this machine all the same, and no password."""
    outcome = run("doctor", file, "-o", "json")

    away = {finding["area"] for finding in outcome.json["findings"] if finding["state"] == "unreachable"}
    assert (outcome.code, away) == (4, {"source", "connector", "kafka", "mongo"})
    assert any(finding["area"] == "local" for finding in outcome.json["findings"])
    assert "secret" not in outcome.out


@pytest.mark.parametrize(
    "dsn", ["", "meetup", "postgres://u:secret@h/d", "mysql://u:secret@h:port/d", "mysql://:secret@h/d"]
)
def test_a_source_that_is_not_named_rightly_is_a_usage_fault(
    run: Run, file: Path, monkeypatch: pytest.MonkeyPatch, dsn: str
) -> None:
    """The form is told, what was given is not: it holds a password."""
    monkeypatch.setenv("SYNCSVC_SOURCE_DSN", dsn)

    outcome = run("verify", file, "-o", "json")

    assert outcome.code == 2
    assert outcome.codes[0] in ("source.no_dsn", "source.bad_dsn")
    assert "secret" not in outcome.out


@pytest.mark.servers
@pytest.mark.parametrize(
    ("was", "is_", "code"),
    [(":loopback@", ":wrong@", "source.refused"), ("/meetup", "/nothing", "source.no_database")],
)
def test_the_source_does_not_let_us_in(
    run: Run, servers: Stack, file: Path, monkeypatch: pytest.MonkeyPatch, was: str, is_: str, code: str
) -> None:
    """A wrong password and a database that is not there are told apart."""
    monkeypatch.setenv("SYNCSVC_SOURCE_DSN", servers.sql.dsn.replace(was, is_))

    outcome = run("verify", file, "-o", "json")

    assert outcome.code == 4
    assert outcome.codes == [code]
    assert "wrong" not in outcome.out


@pytest.mark.servers
def test_a_password_of_any_letters_lets_us_in_and_an_answer_may_take_longer_than_the_login(
    servers: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server keeps a password as UTF-8; a count of a large table takes minutes."""
    servers.sql.execute(
        "CREATE USER IF NOT EXISTS far IDENTIFIED BY 'pł😀'",
        "CREATE USER IF NOT EXISTS far@localhost IDENTIFIED BY 'pł😀'",
    )
    place = servers.sql.dsn.rpartition("@")[2].partition("/")[0]
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.5)

    with closing(connection.connect(f"mysql://far:p%C5%82%F0%9F%98%80@{place}")) as opened, opened.cursor() as cursor:
        cursor.execute("SELECT SLEEP(1)")
        assert cursor.fetchall() == ((0,),)


@pytest.mark.servers
@pytest.mark.parametrize(
    ("command", "variable", "code"),
    [
        ("plan", "SYNCSVC_KAFKA_BOOTSTRAP", "kafka.unreachable"),
        ("status", "SYNCSVC_KAFKA_BOOTSTRAP", "kafka.unreachable"),
        ("plan", "SYNCSVC_CONNECT_URL", "connect.unreachable"),
        ("validate", "SYNCSVC_CONNECT_URL", "connect.unreachable"),
    ],
)
def test_one_server_of_several_is_missing(
    run: Run, stack: Stack, file: Path, monkeypatch: pytest.MonkeyPatch, command: str, variable: str, code: str
) -> None:
    """The one that is missing is named."""
    monkeypatch.setenv(variable, f"http://{NOBODY}" if "URL" in variable else NOBODY)

    outcome = run(command, file, *(["--live"] if command == "validate" else []), "-o", "json")

    assert outcome.code == 4
    assert outcome.codes == [code]
