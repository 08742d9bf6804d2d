"""
What the C library does with memory that was given back: every thread of a worker takes from the same.

glibc gives each thread an arena of its own, and what one of them has freed is of no use to the others: the buffers of
a large transaction stay with the committer's thread.  Ours hardly ever run at the same time, so they do not wait for
each other.  Refuses nothing: under another C library nothing is said.
"""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8  # from <malloc.h>


def share_one_arena() -> bool:
    """To be called before threads are started; whether the C library could be told."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_M_ARENA_MAX, 1))
