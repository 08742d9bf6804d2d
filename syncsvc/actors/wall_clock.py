"""
The time of day as the records and documents of all workers are told it, and time that only passes.
"""

from __future__ import annotations

import time


def now_ms() -> int:
    """Wall clock in milliseconds."""
    return int(time.time() * 1000)


def passed_ms() -> int:
    """Milliseconds of a clock that nobody sets, for what waits in this process: the time of day may go back an hour."""
    return int(time.monotonic() * 1000)
