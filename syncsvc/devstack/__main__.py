"""
The stack by itself: `python -m syncsvc.devstack up [--sql mariadb|mysql] [--folder PATH]`, `env`, `down`.

Prints the environment as shell lines and stays until Ctrl-C.  `syncsvc dev` offers the same with the service around it.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from syncsvc import errors
from syncsvc.devstack import folders, foreground, stack


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m syncsvc.devstack", description=__doc__)
    parser.add_argument("command", choices=["up", "env", "down"])
    parser.add_argument("--sql", choices=[*stack.SQL_SERVERS], default=None, help="kind of source database")
    parser.add_argument("--folder", type=Path, default=folders.default(), help="for data and logs, kept")
    given = parser.parse_args(arguments)
    try:
        return _run(given)
    except errors.SyncError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _run(given: argparse.Namespace) -> int:
    if given.command == "up":
        servers = stack.Stack(given.folder, sql=given.sql, progress=_say)
        foreground.run_until_interrupted(servers, lambda up: _print(up.env()), down=lambda: _say("stopping"))
        return 0
    if given.command == "env":
        found = folders.environment(given.folder)
        if found is not None:
            _print(found)
        return 0 if found is not None else errors.Unreachable.exit_code
    folders.end(given.folder)
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _print(environment: Mapping[str, str]) -> None:
    for name, text in environment.items():
        print(f"export {name}={shlex.quote(text)}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
