"""The cache: made once, whole or not there."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from syncsvc.devstack import cache


def test_a_folder_is_made_once(own_store: cache.Cache) -> None:
    """The second wish finds it there."""
    calls = []

    def make(stage: Path) -> None:
        calls.append(stage)
        (stage / "jar").write_text("jar")

    first = own_store.folder("thing-1", make)
    assert own_store.folder("thing-1", make) == first
    assert (first / "jar").read_text() == "jar"
    assert len(calls) == 1


def test_a_failed_attempt_leaves_no_folder_and_the_next_one_starts_clean(own_store: cache.Cache) -> None:
    """Half of a download is never taken for the whole."""

    def broken(stage: Path) -> None:
        (stage / "half").touch()
        raise OSError("network down")

    with pytest.raises(OSError, match="network down"):
        own_store.folder("thing-1", broken)
    found = own_store.folder("thing-1", lambda stage: (stage / "jar").touch())
    assert sorted(path.name for path in found.iterdir()) == ["complete", "jar"]


def test_a_killed_attempt_is_made_again(own_store: cache.Cache, tmp_path: Path) -> None:
    """The lock of a killed process is free, and its stage folder is not trusted."""
    program = f"""
import pathlib, time
from syncsvc.devstack import cache, children
def make(stage):
    (stage / "half").touch()
    print("half", flush=True)
    time.sleep(600)
cache.Cache(children.Nursery(), lambda line: None, pathlib.Path({str(own_store.root)!r})).folder("thing-1", make)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        other.stdout.readline()
        other.kill()
    found = own_store.folder("thing-1", lambda stage: (stage / "jar").touch())
    assert sorted(path.name for path in found.iterdir()) == ["complete", "jar"]


def test_two_that_want_the_same_folder_make_it_once(own_store: cache.Cache) -> None:
    """The second waits for the first; threads here, the lock is the same between processes."""
    inside, go = threading.Event(), threading.Event()
    calls = []

    def make(stage: Path) -> None:
        calls.append(stage)
        inside.set()
        assert go.wait(30)

    threads = [threading.Thread(target=own_store.folder, args=("thing-1", make)) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert inside.wait(30)
    go.set()
    for thread in threads:
        thread.join(30)
    assert len(calls) == 1


def test_the_folder_can_be_chosen_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """`SYNCSVC_CACHE` first, then the XDG folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/xdg")
    monkeypatch.delenv("SYNCSVC_CACHE", raising=False)
    assert cache.default_root() == Path("/var/xdg/syncsvc")
    monkeypatch.setenv("SYNCSVC_CACHE", "/var/own")
    assert cache.default_root() == Path("/var/own")


def test_bytes_on_the_way_are_shown(own_store: cache.Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long download is seen to move."""
    said: list[str] = []
    own_store.progress = said.append
    monkeypatch.setattr(cache, "REPORT_SECONDS", 0.0)
    (tmp_path / "part").write_bytes(bytes(2_500_000))
    own_store.watch("thing", tmp_path)()
    assert said[0].startswith("thing: 2.5 MB so far")
