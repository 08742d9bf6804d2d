"""
Run pipelines: the entry that the command line, the containers and the benchmarks share.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Sequence

from syncsvc.errors import UsageFault
from syncsvc.mapping.model import Pipeline
from syncsvc.settings import Settings
from syncsvc.telemetry.logs import setup_logging
from syncsvc.wiring import memory
from syncsvc.wiring.worker import Worker

GC_ALLOCATIONS = 50_000  # objects between two collections of the youngest generation; Python's default is 700

#: Longest time that the committer's thread, which MongoDB has answered, waits for the folds of the loop, in seconds;
#: Python's default of 5 ms is paid for each of the four commands of a transaction.
SWITCH_SECONDS = 0.0005


def run(pipelines: Sequence[Pipeline], settings: Settings) -> int:
    """
    Runs pipelines in this process until TERM or INT; returns the exit code.

    Raises:
        SyncError: when it cannot start: MongoDB is not there, the port is in use, a pipeline is given twice.
    """
    names = [pipeline.name for pipeline in pipelines]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise UsageFault(
            code="run.same_name",
            where=", ".join(pipeline.path for pipeline in pipelines if pipeline.name in doubled),
            what=f"pipeline {doubled[0]} is given more than once",
            fix="give each file once; two generations of a pipeline run in two processes",
        )
    setup_logging(settings.log_level, "text" if settings.log_format == "text" else "json")

    # What the imports made stays; of the rest next to nothing is cyclic, while a collection looks at every entry of
    # every step's changes.
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS, 20, 100)
    sys.setswitchinterval(SWITCH_SECONDS)
    memory.share_one_arena()

    async def serve() -> int:
        return await Worker(pipelines, settings).run()

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(serve())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it is installed (extra `fast`): a fifth less CPU in live flow; the same behaviour without it."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
