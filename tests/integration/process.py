"""
A worker process for the tests: `python -m tests.integration.process SESSION_SECONDS FILE`.

It is `syncsvc run FILE`, but Kafka notices sooner that the process was killed or frozen; the other settings come from
the environment as always.
"""

from __future__ import annotations

import dataclasses
import sys

from syncsvc import cli
from syncsvc.wiring import worker


def main(session_seconds: str, path: str) -> int:
    """Runs until told to stop; returns the exit code."""
    usual = worker.engine_settings
    worker.engine_settings = lambda settings: dataclasses.replace(
        usual(settings), session_timeout_seconds=float(session_seconds)
    )
    return cli.main(["run", path])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
