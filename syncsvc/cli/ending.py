"""
How a command ends: stable exit codes, problems instead of tracebacks, quiet on Ctrl-C and on a closed pipe.

    0 ok · 1 a check failed · 2 wrong usage or mapping · 3 drift · 4 a server cannot be reached · 130 interrupted

Problems go to stderr, or with `--output json` as `{"problems": [...]}` to stdout, so a pipe always gets one document.
"""

from __future__ import annotations

import errno
import io
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import typer

from syncsvc.errors import Problem, SyncError, UsageFault

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
UNEXPECTED = 1


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for JSON; also when the rest of it is wrong."""
    return "json" in (after for word, after in pairwise(arguments) if word in ("--output", "-o")) or any(
        word in ("--output=json", "-ojson") for word in arguments
    )


def run(command: Callable[[], Any], *, debug: bool, as_json: bool) -> int:
    """Run a command and tell how it ended; the exit code."""
    _make_writable()
    code, problems = _outcome(command, debug=debug)
    try:
        _tell(problems, as_json=as_json)
        sys.stdout.flush()
    except BrokenPipeError:
        _write_nowhere()  # whoever read has enough; the exit code stays what it is
    except OSError as error:
        _write_nowhere()
        _tell((_unwritable(error),), as_json=False)
        code = code or UNEXPECTED
    return code


def _outcome(command: Callable[[], Any], *, debug: bool) -> tuple[int, Sequence[Problem]]:
    """Exit code, and what is to be told."""
    try:
        outcome = command()
        return outcome if isinstance(outcome, int) else 0, ()
    except SyncError as error:
        return error.exit_code, error.problems
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED, ()
    except BrokenPipeError:
        return 0, ()
    except Exception as error:  # the last line of defence: a person sees one line, not our stack
        if (message := _usage(error)) is not None:
            problem = Problem("usage.wrong", "command line", message, "syncsvc --help, or syncsvc COMMAND --help")
            return UsageFault.exit_code, (problem,)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            return UNEXPECTED, (_unwritable(error),)
        return UNEXPECTED, (_unexpected(error, debug=debug),)


def _make_writable() -> None:
    """
    A stream that was closed (`>&-`) swallows what is written, as it does for other programs.

    Where the encoding of a terminal or a pipe lacks a character, its number is written in place of a traceback.
    """
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115  as long as we live
        elif name == "stdout" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # as stderr has it from the start


def _write_nowhere() -> None:
    """Nothing may be written to stdout any more, not even at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _usage(error: Exception) -> str | None:
    """What typer says of a command line it does not understand; None for any other error."""
    told = getattr(error, "format_message", None)
    return str(told()) if callable(told) and getattr(error, "exit_code", None) == UsageFault.exit_code else None


def _unexpected(error: Exception, *, debug: bool) -> Problem:
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    fix = "this is a fault of syncsvc: report it with the output of the same command and --debug"
    return Problem("unexpected", "syncsvc", what, fix)


def _unwritable(error: OSError) -> Problem:
    what = f"what was found cannot be written: {error.strerror or type(error).__name__}"
    return Problem("output.unwritable", "output", what, "make room where it is written to, or write it elsewhere")


def _tell(problems: Sequence[Problem], *, as_json: bool) -> None:
    if as_json and problems:
        print(json.dumps({"problems": [problem.as_dict() for problem in problems]}, indent=2))
        return
    for problem in problems:
        print(problem.render(), file=sys.stderr)
    if len(problems) > 1:
        print(f"{len(problems)} problems", file=sys.stderr)
