"""
`syncsvc lag-exporter`: lag for Prometheus from outside, under the names that boards of kafka-lag-exporter know.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from pathlib import Path
from typing import Annotated

import typer

from syncsvc.cli import pipelines, target
from syncsvc.errors import UsageFault

Mappings = Annotated[list[Path] | None, typer.Argument(metavar="[FILE...]", help="Pipelines, by their fences.")]
Patterns = Annotated[
    list[str] | None, typer.Option("--group", metavar="REGEX", help="Further groups, by their commits; repeatable.")
]
Cluster = Annotated[str, typer.Option("--cluster", help="Value of the label cluster_name.")]
Every = Annotated[float, typer.Option("--every", min=1.0, metavar="SECONDS", help="Pause between two looks.")]
Once = Annotated[bool, typer.Option("--once", help="Look once, print what a scrape would show, and end.")]


def lag_exporter(
    files: Mappings = None,
    groups: Patterns = None,
    cluster: Cluster = "kafka",
    every: Every = 30.0,
    once: Once = False,
) -> int:
    """Serve the lag of pipelines and consumer groups as metrics; works with all workers down."""
    from syncsvc import settings
    from syncsvc.lagexporter.exporter import Exporter
    from syncsvc.lagexporter.watch import Watch
    from syncsvc.telemetry.logs import setup_logging
    from syncsvc.wiring.connections import engine_settings
    from syncsvc.wiring.credentials import Secrets

    given = settings.read()
    secrets = Secrets(given)
    loaded = pipelines.load(files) if files else []
    patterns = [_pattern(text) for text in groups or ([] if files else [".*"])]
    setup_logging(given.log_level, "text" if given.log_format == "text" else "json")
    with contextlib.ExitStack() as stack:
        mongo = stack.enter_context(contextlib.closing(target.open_mongo(given))) if loaded else None
        exporter = Exporter(
            Watch(loaded, patterns, mongo), engine_settings(given), cluster=cluster, every=every, secrets=secrets
        )
        if once:
            print(asyncio.run(exporter.once()), end="")
            return 0
        return asyncio.run(exporter.run(given.http_host, given.http_port))


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise UsageFault(
            code="lag_exporter.bad_pattern",
            where=f"--group {text}",
            what=f"it is not a regular expression: {error}",
            fix="quote characters with a meaning of their own, for example  meetings\\.g1",
        ) from None
