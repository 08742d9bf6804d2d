"""
What of LMDB's file a process holds resident, and that it is given back.

A page of a mapped file that was touched once counts as memory of the process for as long as the kernel has memory
enough, also when it is of no use any more: a page that has changed since is read from LMDB's own copy.  Given back it
stays in the kernel's cache, and the next touch brings it and the 15 around it for 1 to 2 us.  Knows nothing of keys.
Refuses nothing: where the map is not found (no Linux) the pages stay.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_MADV_DONTNEED = 4  # from <bits/mman-linux.h>; of a file that is mapped to be shared it forgets the place, not the data
_MAPS = Path("/proc/self/maps")


class ResidentFile:
    """One mapped file, from the opening of its environment to just before its end; for the thread that uses that."""

    def __init__(self, path: Path) -> None:
        self._path = os.path.realpath(path)
        self._madvise = getattr(ctypes.CDLL(None), "madvise", None)
        self.moved()

    def moved(self) -> None:
        """Another map begins: it was made, or has grown."""
        self._address = self._length = 0
        for line in _MAPS.read_text().splitlines() if _MAPS.exists() else ():
            if line.endswith(f" {self._path}"):
                first, last = (int(bound, 16) for bound in line.split(" ", 1)[0].split("-"))
                self._address, self._length = first, last - first

    def ends(self) -> None:
        """The addresses are somebody else's from here on."""
        self._length = 0

    def give_back(self) -> None:
        """Takes the pages out of what the process holds; what is in them stays as it is."""
        if self._length and self._madvise is not None:
            self._madvise(ctypes.c_void_p(self._address), ctypes.c_size_t(self._length), _MADV_DONTNEED)
