"""
Commands that look at a pipeline that runs: `offsets`, `trace` and `status --watch` on a terminal.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bson import Int64
from pymongo import MongoClient

from syncsvc import mapping
from syncsvc.devstack.stack import Stack
from tests.cli.conftest import Run, spawn
from tests.verify import world

pytestmark = pytest.mark.servers
NAME = "followed"


@pytest.fixture(scope="module")
def running(servers: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A mapping file that a worker keeps true; its first copy is over."""
    servers.sql.execute(*world.SCHEMA, *world.ROWS)
    folder = tmp_path_factory.mktemp("following")
    file = folder / "followed.yaml"
    text = world.MAPPING.replace("pipeline: meetings", f"pipeline: {NAME}\npartitions: 3")
    text = text.replace("collection: meetings", f"collection: {NAME}")
    file.write_text(text.replace("topic_prefix: meetup", f"topic_prefix: {NAME}"))
    environment = {**servers.env(), "SYNCSVC_HTTP_PORT": "0"}
    applied = spawn("apply", file, env=environment)
    assert applied.code == 0, applied.err
    with (folder / "worker.log").open("w") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "syncsvc.cli", "run", str(file)], env={**os.environ, **environment},
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        with MongoClient[dict[str, Any]](servers.mongod.uri) as opened:
            database = opened["meetup"]
            _until(lambda: database[f"{NAME}__g1"].count_documents({}) == 3 and worker.poll() is None)
            fences = database["syncsvc_fences"]
            _until(lambda: fences.count_documents({"_id": re.compile(f"^{NAME}/g1/"), "copied": True}) >= 4)
        yield file
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(60)


def _until(holds: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)  # between two looks at the condition


@pytest.fixture
def followed(running: Path, servers: Stack, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file, and the environment of a command."""
    for name, value in servers.env().items():
        monkeypatch.setenv(name, value)
    return running


def test_offsets_tell_log_fence_and_group(run: Run, followed: Path) -> None:
    """Begin, end, what is durable, what lag tools see; caught up is lag 0."""
    pipeline = mapping.load(followed)

    def partitions() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = run("offsets", followed, "-o", "json").json["pipelines"][0]["partitions"]
        return [one for one in found if one["stage"] == "joiner"]

    _until(lambda: all(one["lag"] == 0 and one["committed"] == one["fence"] for one in partitions()))
    keyed = partitions()
    assert [one["partition"] for one in keyed] == [0, 1, 2]
    assert all(one["begin"] == 0 < one["end"] == one["fence"] for one in keyed)
    told = run("offsets", followed)
    assert (told.code, f"consumer group {pipeline.group}" in told.out) == (0, True)


def test_a_fence_outside_its_log_is_told(run: Run, followed: Path, servers: Stack) -> None:
    """Exit code 3: a worker could not go on from there.  Shown on a generation that nobody runs."""
    other = followed.with_name("beyond.yaml")
    text = followed.read_text().replace(f"pipeline: {NAME}", "pipeline: beyond")
    other.write_text(text.replace(f"collection: {NAME}", "collection: beyond"))
    assert run("apply", other).code == 0
    with MongoClient[dict[str, Any]](servers.mongod.uri) as opened:
        opened["meetup"]["syncsvc_fences"].insert_one(
            {"_id": "beyond/g1/joiner/1", "epoch": Int64(1), "seq": Int64(1), "base": Int64(1), "offset": Int64(7)}
        )

    outcome = run("offsets", other)

    assert outcome.code == 3
    assert "BEYOND THE END" in outcome.out


def test_a_document_is_followed_through_every_hop(run: Run, followed: Path, servers: Stack) -> None:
    """The records of its rows, where they were sent, the keyed records, the fence, the stored version; no values."""
    servers.sql.execute("UPDATE meetup.application SET label = 'S3cret' WHERE id = 11")

    def found() -> dict[str, Any]:
        body: dict[str, Any] = run("trace", followed, "--key", 1, "-o", "json").json
        return body

    _until(lambda: any(one["operation"] == "update" for one in found()["source"]))
    (update,) = [one for one in found()["source"] if one["operation"] == "update"]
    assert (update["table"], update["key"]) == ("meetup.application", {"id": "11"})
    assert re.fullmatch(r"binlog\.\d+:\d+", update["position"])
    caused = [one for one in found()["keyed"] if one["sender"] == update["where"]]
    _until(lambda: any(one["sender"] == update["where"] for one in found()["keyed"]))
    caused = [one for one in found()["keyed"] if one["sender"] == update["where"]]
    assert [one["kind"] for one in caused] == ["put"]
    remembered = {(one["table"], one["key"]["id"]): one["addresses"] for one in found()["remembered"]}
    ((collection, key, number),) = remembered["meetup.application", "11"]
    assert (collection, key) == (f"{NAME}__g1", "1")
    assert remembered["meetup.user", "1"][0][0] == "relay of meetup.user"
    keyed_offset = int(caused[0]["where"].rpartition("@")[2])
    _until(lambda: found()["documents"][0]["version"][1] > keyed_offset)
    (fence,) = found()["fences"]
    assert fence["where"] == f"syncsvc.{NAME}.g1.keyed[{number}]"
    assert fence["offset"] > keyed_offset
    (document,) = found()["documents"]
    assert (document["rows"], document["parked"]) == (8, None)
    told = run("trace", followed, "--key", 1)
    assert (told.code, "5 documents" in told.out, "S3cret" in told.out) == (0, True, False)


def test_a_row_is_followed_to_where_it_is(run: Run, followed: Path) -> None:
    """A row that documents look up is at a relay, with the partitions that subscribed."""
    body = run("trace", followed, "--table", "meetup.user", "--key", 2, "-o", "json").json

    assert [one["operation"] for one in body["source"]] == ["snapshot"]
    places = [address[:2] for one in body["remembered"] for address in one["addresses"]]
    assert places == [["relay of meetup.user", "2"]]
    assert {"put", "subscribe", "answer"} <= {one["kind"] for one in body["keyed"]}


def test_a_key_without_a_trace_ends_with_1(run: Run, followed: Path) -> None:
    """And a table that the mapping does not read is a usage fault."""
    assert run("trace", followed, "--key", 4711, "-o", "json").code == 1
    assert run("trace", followed, "--key", 1, "--table", "meetup.nothing", "-o", "json").code == 2


def test_following_takes_nothing_from_the_worker(run: Run, followed: Path, servers: Stack) -> None:
    """Fences keep their epochs, and no group or topic appears."""
    with MongoClient[dict[str, Any]](servers.mongod.uri) as opened:

        def epochs() -> dict[str, int]:
            found = opened["meetup"]["syncsvc_fences"].find({"_id": re.compile(f"^{NAME}/")})
            return {fence["_id"]: fence["epoch"] for fence in found}

        before = epochs()
        for words in (["offsets", followed], ["trace", followed, "--key", 2], ["doctor", followed]):
            run(*words)

        assert epochs() == before


def test_a_terminal_is_followed_when_it_changes_and_left_as_it_was(followed: Path) -> None:
    """The view is drawn on the other screen, narrower after a resize; Ctrl-C ends it quietly with 130."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm-256color"
        words = [sys.executable, "-m", "syncsvc.cli", "status", str(followed), "--watch", "--every", "0.3"]
        os.execv(sys.executable, words)
    shown = b""

    def read_until(wanted: bytes) -> None:
        nonlocal shown
        end = time.monotonic() + 60
        while wanted not in shown:
            assert time.monotonic() < end, shown[-2000:]
            if select.select([terminal], [], [], 0.5)[0]:
                shown += os.read(terminal, 65536)

    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 110, 0, 0))
        read_until(b"Ctrl-C ends")
        assert b"\x1b[?1049h" in shown
        assert f"syncsvc.{NAME}.g1.keyed".encode() in shown

        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 40, 0, 0))
        os.kill(child, signal.SIGWINCH)
        shown = b""
        read_until("…".encode())

        shown = b""
        os.write(terminal, b"\x03")
        read_until(b"\x1b[?1049l")
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        status = os.waitpid(child, 0)[1]
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 130
    assert b"\x1b[?25h" in shown, "the cursor is back"
    assert b"Traceback" not in shown
