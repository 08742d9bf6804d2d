"""
What the C library does with memory that was given back: a worker's peak is short, and should not stay.

Fetches, segments and transactions are blocks of a megabyte and more.  glibc takes the first of them from the kernel and
gives it back; from then on it takes blocks of that size, up to 32 MiB, from its heap, where whatever is small and lives
on keeps them.  Refuses nothing: under another C library nothing is said.
"""

from __future__ import annotations

import ctypes

#: glibc's own first bounds, in bytes: larger blocks go back to the kernel when they are free, and so does the end of
#: the heap.  Said aloud they no longer grow; a fifth less memory at the same CPU time (docs/performance.md).
BLOCK_BYTES = 128 << 10

#: From <malloc.h>.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def give_back_blocks() -> bool:
    """Large blocks go back to the kernel, always; whether the C library could be told."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    taken = [mallopt(option, BLOCK_BYTES) for option in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD)]
    return all(taken)
