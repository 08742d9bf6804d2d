"""
What of LMDB's files a process holds resident, and that it is given back.

A page of a mapped file that was touched once counts as memory of the process, and those around it with it, for as long
as the kernel has memory enough.  Given back they stay in the kernel's cache: nothing is read from the disk, and the
next touch brings them again for 1 to 3 us.  So they are given back when they are too many, and not sooner.  All
files of the process count together, and all are used by one thread.  Knows nothing of keys.  Refuses nothing: where
the maps are not found (no Linux) the pages stay.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from weakref import WeakSet

#: A quarter of the files may stay, but always so much and never more.
LEAST_BYTES, MOST_BYTES = 8 << 20, 64 << 20

_MADV_DONTNEED = 4  # from <bits/mman-linux.h>; of a file that is mapped to be shared it forgets the place, not the data
_MAPS, _STATM = Path("/proc/self/maps"), Path("/proc/self/statm")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class ResidentFile:
    """One mapped file, from the opening of its environment to just before its end."""

    def __init__(self, path: Path) -> None:
        self._path = os.path.realpath(path)
        self._madvise = getattr(ctypes.CDLL(None), "madvise", None)
        #: Of the whole file; its store tells them.
        self.bytes = 0
        _FILES.add(self)
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
        _FILES.discard(self)

    def give_back(self) -> None:
        """Takes the pages out of what the process holds; what is in them stays as it is."""
        if self._length and self._madvise is not None:
            self._madvise(ctypes.c_void_p(self._address), ctypes.c_size_t(self._length), _MADV_DONTNEED)


def look() -> None:
    """Gives back the pages of all files when they are too many."""
    global _others
    if _file_bytes() - _others > min(MOST_BYTES, max(LEAST_BYTES, total_bytes() // 4)):
        for file in _FILES:
            file.give_back()
        _others = _file_bytes()


def total_bytes() -> int:
    """How large all files are together."""
    return sum(file.bytes for file in _FILES)


def _file_bytes() -> int:
    """What the process holds of files, those of programs and libraries too."""
    return int(_STATM.read_text().split()[2]) * _PAGE_BYTES if _STATM.exists() else 0


#: Files that are open.  One whose store was dropped without an end is gone with it, before its addresses are reused.
_FILES: WeakSet[ResidentFile] = WeakSet()
#: What of other files was held when the pages were last given back.
_others = 0
