"""The stored form of changes: what is written is read, and what was written stays readable."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncsvc.errors import Drift
from syncsvc.state import segments

CHANGES = st.dictionaries(st.binary(min_size=1, max_size=600), st.none() | st.binary(max_size=300))
GOLDEN = Path(__file__).parent / "golden" / "segment.1.hex"
GOLDEN_CHANGES = {b"row/1": b"\x05\x00\x00\x00\x00", b"gone": None, b"empty": b"", b"l" * 600: b"long"}


@given(CHANGES)
def test_every_change_comes_back_in_order(changes: dict[bytes, bytes | None]) -> None:
    """Puts, deletions and empty values are kept apart."""
    assert list(segments.decode(segments.encode(changes))) == list(changes.items())


@given(st.lists(CHANGES, max_size=4))
def test_segments_joined_are_one_segment(many: list[dict[bytes, bytes | None]]) -> None:
    """The blobs of one step may stand one behind the other."""
    joined = b"".join(map(segments.encode, many))

    assert list(segments.decode(joined)) == [entry for changes in many for entry in changes.items()]


def test_format_1_stays_readable() -> None:
    """Invariant 6: the golden file was written once and is never written again."""
    assert dict(segments.decode(bytes.fromhex(GOLDEN.read_text()))) == GOLDEN_CHANGES


def test_format_1_is_what_is_written() -> None:
    """A change of the bytes needs a new number and a new golden file."""
    assert segments.encode(GOLDEN_CHANGES) == bytes.fromhex(GOLDEN.read_text())


def test_a_newer_format_is_refused() -> None:
    """An older syncsvc never guesses at what a newer one wrote."""
    with pytest.raises(Drift, match=r"state\.newer_format"):
        list(segments.decode(bytes((segments.FORMAT + 1,)) + b"whatever"))


@pytest.mark.parametrize("length", [1, 4, 20, 30])
def test_a_cut_segment_is_refused(length: int) -> None:
    """Half a segment is never half applied."""
    blob = segments.encode({b"key": b"value" * 4, b"other": b"x"})

    with pytest.raises(Drift, match=r"state\.broken_segment"):
        list(segments.decode(blob[:length]))
