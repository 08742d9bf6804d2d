"""
All looks at once: one that fails or hangs hides nothing of the others; and what is looked at on this machine.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncsvc.doctor import local
from syncsvc.doctor.examine import examine
from syncsvc.doctor.finding import Finding, ok
from syncsvc.errors import Unreachable
from syncsvc.settings import Settings


def _fine() -> list[Finding]:
    return [ok("kafka.reachable", "k", "3 brokers")]


def _away() -> Iterator[Finding]:
    yield ok("mongo.version", "m", "7.0")
    raise Unreachable(code="mongo.unreachable", where="m", what="no primary answers", fix="start it")


def _odd() -> list[Finding]:
    raise KeyError("a value of a row")


def test_a_look_that_fails_keeps_what_it_had_and_hides_no_other() -> None:
    """In the order of the looks; an error that nobody knows is told by its kind alone."""
    found = examine([("mongo", "m", _away), ("source", "s", _odd), ("kafka", "k", _fine)], 10)

    assert [(finding.check, str(finding.state)) for finding in found] == [
        ("mongo.version", "ok"), ("mongo.unreachable", "unreachable"), ("source.unexpected", "fail"),
        ("kafka.reachable", "ok"),
    ]  # fmt: skip
    assert "value of a row" not in str(found)


def test_a_look_that_hangs_ends_with_the_deadline() -> None:
    """The others are told, it counts as unreachable."""
    release = threading.Event()

    def hanging() -> Iterator[Finding]:
        yield ok("source.version", "s", "8.4")
        release.wait(60)

    try:
        found = examine([("source", "s", hanging), ("kafka", "k", _fine)], 0.2)
    finally:
        release.set()

    assert [(finding.check, str(finding.state)) for finding in found] == [
        ("source.version", "ok"), ("source.slow", "unreachable"), ("kafka.reachable", "ok"),
    ]  # fmt: skip


@pytest.mark.parametrize(("kind", "state"), [("ext4", "ok"), ("tmpfs", "warn"), ("nfs4", "fail"), ("cifs", "fail")])
def test_a_state_folder_belongs_on_a_local_disk(tmp_path: Path, kind: str, state: str) -> None:
    """Memory costs memory, and the locks of the cache do not hold over a network."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "21 1 8:1 / / rw,relatime shared:1 - overlay overlay rw\n"
        f"22 21 0:30 / {tmp_path.resolve()} rw,relatime shared:2 - {kind} somewhere rw\n"
    )
    found = {one.check: one for one in local.look(Settings(state_dir=tmp_path / "state"), mounts)}

    assert found["local.file_system"].state == state
    assert found["local.state_dir"].state == "ok"
    assert not (tmp_path / "state").exists(), "nothing is made to find out"


def test_a_state_folder_that_cannot_be_written_fails(tmp_path: Path) -> None:
    """Also where a file stands in its way."""
    blocked = tmp_path / "file"
    blocked.write_text("")

    assert local.writable(blocked / "state", blocked).state == "fail"


@pytest.mark.parametrize(("gib", "state"), [(10, "ok"), (0.5, "warn"), (0.01, "fail")])
def test_a_full_disk_is_told_before_the_cache_needs_it(gib: float, state: str) -> None:
    """A worker whose cache cannot grow ends."""
    assert local.space(Path("/state"), int(gib * local.GIB)).state == state
