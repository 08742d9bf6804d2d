"""
Durations as people say them.
"""

from __future__ import annotations


def words(seconds: float) -> str:
    """
    A duration in two units at most.

    >>> words(0.42), words(203), words(7500), words(200_000)
    ('0.4 s', '3m 23s', '2h 5m', '2d 7h')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours}h"
    return f"{hours}h {minutes}m" if hours else f"{minutes}m {rest}s"
