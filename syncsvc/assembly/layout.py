"""
Where a joiner keeps what: the state keys of one keyed partition.

Every key begins with a letter that names its kind; addresses end where they end (see `keys`), so a prefix of a kind and
an address finds exactly what belongs to that address.  The layout is part of the stored format (invariant 6): changing
it means raising `FORMAT`, which the generation document records.
"""

from __future__ import annotations

import struct

FORMAT = 3

SLOT = b"S"  #: S address role identity -> slot: rows at their home (documents and relays)
SUBSCRIBER = b"B"  #: B relay partition -> id of the partition's subscription
LOCAL = b"L"  #: L relay -> id, how far it is answered; L relay role identity -> slot: this partition's copy of a relay
HOLDER = b"R"  #: R relay holder -> count: which documents (D address) or local copies (L relay) refer to a relay
HIGH_WATER = b"H"  #: H sender -> place and index of the newest record applied from it
WALK = b"W"  #: W relay -> stamp, again, cursor: holders still to be made due after a relay changed
PENDING = b"P"  #: P address -> oldest ms, identities: a document waits before it is written (`waiting`)
PARKED = b"X"  #: X address -> reason, identities: a document whose writes have stopped
FLOOR = b"F"  #: F table -> stamp: rows of the table that are older are gone
ROUND = b"M"  #: M level -> bitmap of the senders whose end mark has arrived
COPIED = b"E"  #: E -> offset at which the first copy had everything
CURSOR = b"C"  #: C -> last address written by the first copy; absent before and after

HELD_BY_DOCUMENT, HELD_BY_COPY = b"D", b"L"

U16 = struct.Struct(">H")
U32 = struct.Struct(">I")
COPY_HEAD = struct.Struct(">QB")  # subscription id, and one of:
AWAITED, ANSWERED, IN_PARTS = range(3)  # IN_PARTS: some of an answer is here, and more of it on the way


def row_key(kind: bytes, address: bytes, role: int, identity: bytes) -> bytes:
    """Key of a slot at its home (`SLOT`) or in a local copy (`LOCAL`)."""
    return kind + address + U16.pack(role) + identity


def is_answered(subscription: int, answer: int, copied_to: int) -> bool:
    """
    Whether a copy is shown as it is, by its `COPY_HEAD`: of an answer in parts all is shown, or nothing.

    Args:
        copied_to: subscriptions up to this place count as answered, if nothing has come yet: the first copy is over.
    """
    return answer == ANSWERED or (answer == AWAITED and subscription <= copied_to)
