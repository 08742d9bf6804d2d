"""
What the driver tells about itself: how long commands take, and how many connections there are.

The driver calls these from the thread that does the work, so they only hand numbers on; they see a command's name and
never its content.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from pymongo import monitoring

#: `observe(command, "ok" or "failed", seconds)`.
Observe = Callable[[str, str, float], None]
#: `resized(connections, of those in use)`.
Resized = Callable[[int, int], None]


class CommandTimes(monitoring.CommandListener):
    """Hands on how long each command took, from sending it to its answer."""

    def __init__(self, observe: Observe) -> None:
        self._observe = observe

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Nothing: the end of a command carries its duration."""

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """The server answered; single writes may still have been refused inside."""
        self._observe(event.command_name, "ok", event.duration_micros / 1e6)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """The server refused the command, or the connection broke."""
        self._observe(event.command_name, "failed", event.duration_micros / 1e6)


class PoolSize(monitoring.ConnectionPoolListener):
    """Counts the connections of all pools of a client."""

    def __init__(self, resized: Resized) -> None:
        self._resized = resized
        self._lock = threading.Lock()
        self._open = self._in_use = 0

    def _change(self, opened: int, taken: int) -> None:
        with self._lock:
            self._open += opened
            self._in_use += taken
            self._resized(self._open, self._in_use)

    def connection_created(self, event: monitoring.ConnectionCreatedEvent) -> None:
        """One more."""
        self._change(1, 0)

    def connection_closed(self, event: monitoring.ConnectionClosedEvent) -> None:
        """One less."""
        self._change(-1, 0)

    def connection_checked_out(self, event: monitoring.ConnectionCheckedOutEvent) -> None:
        """A thread uses one."""
        self._change(0, 1)

    def connection_checked_in(self, event: monitoring.ConnectionCheckedInEvent) -> None:
        """It gave it back."""
        self._change(0, -1)

    def connection_check_out_started(self, event: monitoring.ConnectionCheckOutStartedEvent) -> None:
        """Nothing."""

    def connection_check_out_failed(self, event: monitoring.ConnectionCheckOutFailedEvent) -> None:
        """Nothing."""

    def connection_ready(self, event: monitoring.ConnectionReadyEvent) -> None:
        """Nothing."""

    def pool_created(self, event: monitoring.PoolCreatedEvent) -> None:
        """Nothing."""

    def pool_ready(self, event: monitoring.PoolReadyEvent) -> None:
        """Nothing."""

    def pool_cleared(self, event: monitoring.PoolClearedEvent) -> None:
        """Nothing."""

    def pool_closed(self, event: monitoring.PoolClosedEvent) -> None:
        """Nothing."""
