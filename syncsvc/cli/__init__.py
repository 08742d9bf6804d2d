"""
The command line: one module a command, each a thin layer over what the service, the tests and the demo call too.

Every expected failure ends as its problems and its exit code (`ending`); every command speaks table or JSON (`output`).
Modules are imported where a command needs them, so that `--help` and completion are quick.
"""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code.  The entry point `syncsvc`; see `app.main`."""
    from syncsvc.cli import app

    return app.main(arguments)
