"""The benchmark's meters find the processes that they are to measure."""

from __future__ import annotations

import os
import socket

import pytest

from benchmarks import processes


def test_a_server_is_found_while_it_closes_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that deletes a topic closes hundreds while we look; it was taken for gone then, and the run ended."""
    real = os.readlink

    def closed_meanwhile(path: os.PathLike[str]) -> str:
        if str(path).endswith("/0"):
            raise FileNotFoundError(path)
        return real(path)

    monkeypatch.setattr(os, "readlink", closed_meanwhile)
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert processes.listener(server.getsockname()[1]) == os.getpid()


def test_a_port_without_a_server_is_told() -> None:
    """By its number."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with pytest.raises(LookupError, match=str(port)):
        processes.listener(port)
