"""
`syncsvc run`: a worker in this process, or some worker processes that live and end together.
"""

from __future__ import annotations

from typing import Annotated

import typer

from syncsvc.cli import pipelines
from syncsvc.cli.output import Files

Workers = Annotated[
    int, typer.Option("--workers", min=1, help="Processes; each takes the next port behind SYNCSVC_HTTP_PORT.")
]


def run(files: Files, workers: Workers = 1) -> int:
    """Keep the documents true until TERM or Ctrl-C."""
    from syncsvc import settings

    loaded, given = pipelines.load(files, one_process=True), settings.read()
    if workers > 1:
        from syncsvc.cli import workers as processes

        return processes.run(files, given, workers)
    from syncsvc import service

    return service.run(loaded, given)
