"""
The last bytes of a document: its version, and its length.

`_sync: {v: [generation, offset], at}` says at which offset of its keyed partition the document stands, so a reader can
tell that it never goes back (invariant 3), and when it was written.
"""

from __future__ import annotations

import struct

_INT32 = struct.Struct("<i")
#: `_sync` as BSON: v as array of int32 and int64, at as date; 59 bytes, all of fixed size.
_SYNC = struct.Struct("<7sI3s I 3si 3sq B 4sqB")
_VERSION_BYTES = 4 + 3 + 4 + 3 + 8 + 1
_SYNC_BYTES = 4 + 3 + _VERSION_BYTES + 4 + 8 + 1


def versioned(elements: bytes, generation: int, offset: int, at_ms: int) -> bytes:
    """The whole BSON document of rendered elements."""
    # length · elements · 0x03 "_sync" … · 0x00
    sync = _SYNC.pack(
        b"\x03_sync\x00", _SYNC_BYTES, b"\x04v\x00", _VERSION_BYTES, b"\x100\x00", generation, b"\x121\x00", offset, 0,
        b"\x09at\x00", at_ms, 0,
    )  # fmt: skip
    return b"".join((_INT32.pack(len(elements) + len(sync) + 5), elements, sync, b"\x00"))
