"""Ports for servers: each is given once, whoever asks, long before anything listens on it."""

import socket
import subprocess
import sys

import pytest

from syncsvc.devstack import server

#: Few enough that a choice without memory repeats itself at once.
FEW = range(20_000, 20_100)


def listens(port: int) -> None:
    """What a server does."""
    with socket.create_server((server.HOST, port)) as listening:
        socket.create_connection(listening.getsockname(), timeout=5).close()


def test_no_port_is_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kafka's port for its controller is not Connect's, though both begin to listen seconds later."""
    monkeypatch.setattr(server, "PORTS", FEW)
    given = [server.free_port() for _ in range(40)]
    assert len(set(given)) == len(given)


def test_another_process_is_not_given_it_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two stacks that start side by side do not meet."""
    monkeypatch.setattr(server, "PORTS", FEW)
    port = server.free_port()
    program = f"from syncsvc.devstack import server; print(server.hold({port}))"
    asked = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == "False"


def test_the_server_it_is_for_listens_on_it_again_and_again() -> None:
    """Held is not in use: a server starts on it, and once more after its end."""
    port = server.free_port()
    assert server.is_free(port)
    listens(port)
    listens(port)


def test_nobody_answers_on_a_port_that_is_held() -> None:
    """Until its server is there a connection is refused, as by a machine without one."""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.HOST, server.free_port()), timeout=5)


def test_what_is_held_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that asks without end keeps the newest; the oldest is anybody's again."""
    monkeypatch.setattr(server, "HELD", len(server._held) + 1)
    first = server.free_port()
    assert not server.hold(first)
    before = len(server._held)
    for _ in range(before):
        server.free_port()
    assert len(server._held) == before
    assert server.hold(first)
