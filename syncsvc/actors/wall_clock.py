"""
The time of day as the records and documents of all workers are told it.
"""

from __future__ import annotations

import time


def now_ms() -> int:
    """Wall clock in milliseconds."""
    return int(time.time() * 1000)
