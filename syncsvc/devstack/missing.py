"""
The one way the development stack says that a server cannot be had on this machine.

A missing server is an outcome of its own, never a silent skip: a test run or a demo without its broker must be seen
to have no broker.  Everything else that goes wrong with a server is a plain `errors.Unreachable`.
"""

from __future__ import annotations

from syncsvc import errors


class ServerMissing(errors.Unreachable):
    """A server, or a program it needs, is neither on this machine nor to be fetched; `fix` says how to get it."""

    def __init__(self, *, server: str, what: str, fix: str) -> None:
        super().__init__(code="devstack.server_missing", where=server, what=what, fix=fix)
