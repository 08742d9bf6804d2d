"""
A stack in the foreground: up until Ctrl-C, a SIGTERM, a closed terminal, or the unexpected end of one of its servers.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from types import FrameType

from syncsvc import errors
from syncsvc.devstack import children, stack

#: Between two looks whether all servers still run.
LOOK_AGAIN_SECONDS = 0.5


def run_until_interrupted(
    servers: stack.Stack, ready: Callable[[stack.Stack], None], *, down: Callable[[], None] = lambda: None
) -> None:
    """
    Start a stack, call `ready`, and keep it up; returns after it was stopped on demand.

    A second Ctrl-C while it stops kills what is left.  To be called in the main thread.

    Args:
        ready: called once, when every server answers.
        down: called when the end is asked for, before the servers are stopped.

    Raises:
        Unreachable: a server did not start (as `Stack.start`), or ended by itself: `devstack.server_ended`.
    """
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        with servers:
            ready(servers)
            while True:
                _check(servers)
                time.sleep(LOOK_AGAIN_SECONDS)
    except KeyboardInterrupt:
        down()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _check(servers: stack.Stack) -> None:
    for one in servers.servers:
        if not one.running:
            what = f"{one.name} ended by itself; it said:\n{children.tail(one.log)}"
            fix = "start the stack again; data of a named folder is kept"
            raise errors.Unreachable(code="devstack.server_ended", where=one.address, what=what, fix=fix)
