"""
What every server of the stack can do: start, stop, be killed, be started again on the same port and data.

A subclass gives its command line, how to see that it answers, and what to do once it does.
"""

from __future__ import annotations

import abc
import collections
import os
import random
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from syncsvc import errors
from syncsvc.devstack import cache, children

HOST = "127.0.0.1"
#: Below the range from which the kernel gives ports to outgoing connections (32768 and up on Linux): the port of a
#: server that was killed stays free until it is started again.
PORTS = range(20_000, 32_000)
#: How many ports a process holds: more than its servers and workers at a time, far fewer than files it may open.
HELD = 256
_held: collections.deque[socket.socket] = collections.deque()


def free_port() -> int:
    """A port of the loopback interface on which nothing listens, and which no process is given after this one."""
    pick = random.SystemRandom()
    while True:
        port = pick.choice(PORTS)
        if hold(port):
            return port


def hold(port: int) -> bool:
    """
    Keep a port for a server of ours until this process ends; False: someone else has it, or it is held already.

    Between the choice of a port and the moment a server listens on it lie seconds in which another choice, here or in
    another process, would find it free too.  A socket bound without SO_REUSEADDR is alone on its port; one that has
    the option stands in the way of nobody who has it and listens, as every server does.
    """
    holder = socket.socket()
    try:
        holder.bind((HOST, port))
    except OSError:
        holder.close()
        return False
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _held.append(holder)
    if len(_held) > HELD:
        _held.popleft().close()
    return True


def is_free(port: int) -> bool:
    """Whether a server can listen on this port of the loopback interface now."""
    with socket.socket() as probe:
        # As servers do: connections of a server that has ended linger for a minute and are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


class Server(abc.ABC):
    """
    One server: a program, a folder with its data and its log, and a port.

    Args:
        folder: made when it does not exist; everything the server writes is in it.
        port: None: a free one.
    """

    #: How it is called in messages.
    name: ClassVar[str]
    #: Longest start that is still waited for: ten times what a slow machine takes.
    start_seconds: ClassVar[float] = 120.0
    #: How long `stop` waits before it kills.
    stop_seconds: ClassVar[float] = 15.0

    def __init__(self, store: cache.Cache, folder: Path, port: int | None = None) -> None:
        self.store = store
        self.folder = folder.absolute()
        self.port = port or free_port()
        self.log = self.folder / f"{self.name}.log"
        self._child: children.Child | None = None

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._child.pid if self.running and self._child else None

    @property
    def running(self) -> bool:
        """Whether the process is there; it may not answer yet."""
        return self._child is not None and self._child.exit_code is None

    def start(self) -> None:
        """
        Start it and wait until it answers; nothing when it runs already.

        Raises:
            ServerMissing: it is not on this machine and cannot be fetched.
            Unreachable: its port is taken; it ended or did not answer: the last lines of its log are in the message.
        """
        if self.running:
            return
        self._prepare()
        self.folder.mkdir(parents=True, exist_ok=True)
        if not is_free(self.port):  # its answers would be taken for those of the server we start
            what = f"something else listens on {self.address}"
            fix = "end it, or start the stack in another folder: a server keeps the port it had in its folder"
            raise errors.Unreachable(code="devstack.port_taken", where=self.name, what=what, fix=fix)
        started = time.monotonic()
        self._child = self.store.nursery.spawn(
            self.name, self._command(), log=self.log, env=self._environment(), cwd=self.folder
        )
        self.store.nursery.wait_until(self._answers, self._child, self.start_seconds)
        self._settle()
        self.store.progress(f"{self.name}: answers on {self.address} after {time.monotonic() - started:.1f} s")

    def stop(self) -> None:
        """Ask it to end and wait; killed when it takes longer than `stop_seconds`."""
        if self._child is not None:
            self._child.stop(self.stop_seconds)

    def kill(self) -> None:
        """End it as a power cut would; its data and its port stay."""
        if self._child is not None:
            self._child.kill()

    def restart(self) -> None:
        """Stop and start, on the same port and data."""
        self.stop()
        self.start()

    def signal(self, number: int) -> None:
        """Send a signal, for fault tests: SIGSTOP freezes it, SIGCONT lets it go on."""
        if (pid := self.pid) is not None:
            os.kill(pid, number)

    @abc.abstractmethod
    def _prepare(self) -> None:
        """Fetch what is missing and lay out the data folder; before every start, cheap when done."""

    @abc.abstractmethod
    def _command(self) -> Sequence[str]:
        """Program and arguments."""

    @abc.abstractmethod
    def _answers(self) -> bool:
        """Whether it speaks its protocol; quick, never raises for a refused connection."""

    def _settle(self) -> None:
        """What is done once it answers and before `start` returns."""
        return

    def _environment(self) -> Mapping[str, str]:
        return {}
