"""
Run a program that dies with the thread that started it: `python -I -S tether.py PARENT_PID PROGRAM [ARGUMENT…]`.

A file of its own, started as a program and replaced by the server (`exec`), because the kernel forgets the wish to die
at `fork` and Python code between `fork` and `exec` of a threaded parent can deadlock.  It imports nothing of ours.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys

#: From <linux/prctl.h>: the signal this process gets when the thread that made it ends, kept across `exec`.
PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask for death with the parent, then become the program."""
    parent, program, *arguments = sys.argv[1:]
    with contextlib.suppress(AttributeError):  # no prctl outside Linux: there only an orderly end stops the servers
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(parent):  # it died before we could ask: nobody would ever stop this server
        raise SystemExit(1)
    os.execvp(program, [program, *arguments])  # noqa: S606


if __name__ == "__main__":
    main()
