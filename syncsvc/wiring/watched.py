"""
Tasks that nobody awaits, and whose death must be heard all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


def watched(work: Coroutine[Any, Any, None], failed: Callable[[BaseException], None]) -> asyncio.Task[None]:
    """
    A task beside the way of the records: an error in it ends the process as one in an actor does.

    Without this the figures it brings would stand still, and look true, until somebody wonders.

    Args:
        failed: gets the error; not called when the task is cancelled or ends by itself.
    """

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            failed(error)

    task = asyncio.create_task(work)
    task.add_done_callback(ended)
    return task
