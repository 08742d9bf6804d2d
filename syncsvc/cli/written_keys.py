"""
Canonical key bytes (`keys`) as a person writes the values: for messages and reports, never for comparing.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from syncsvc.keys import end_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INTEGER_ZERO = 0x14
_SHORT = 8  # bytes of an integer up to which its tag tells the length
_EXPONENT_BIAS = 0x8000


def values(data: bytes, components: int) -> list[str]:
    """
    The values of a canonical key, as text.

    >>> from syncsvc.keys import canonical
    >>> values(canonical((-300, "d001", b"\\x00\\xff")), 3)
    ['-300', 'd001', '0x00ff']
    """
    found, at = [], 0
    for _ in range(components):
        end = end_of(data, at, 1)
        found.append(_value(data[at:end]))
        at = end
    return found


def _value(data: bytes) -> str:
    tag, body = data[0], data[1:]
    if tag == 0x00:
        return "null"
    if tag in (0x01, 0x02):
        raw = body[:-1].replace(b"\x01\x01", b"\x00").replace(b"\x01\x02", b"\x01")
        return f"0x{raw.hex()}" if tag == 0x01 else raw.decode("utf-8", "replace")
    if tag == 0x21:
        return _float(body)
    if tag == 0x30:
        return str(_decimal(body))
    if tag == 0x31:
        return _moment(int(_value(body)))
    return str(_integer(data))


def _integer(data: bytes) -> int:
    size, body = data[0] - _INTEGER_ZERO, data[1:] if abs(data[0] - _INTEGER_ZERO) <= _SHORT else data[2:]
    number = int.from_bytes(body, "big")
    return number if size >= 0 else number - (1 << 8 * len(body)) + 1


def _decimal(body: bytes) -> Decimal:
    if body[0] == 2:
        return Decimal(0)
    plain = body[1:] if body[0] == 3 else bytes(255 - byte for byte in body[1:])
    exponent = struct.unpack_from(">H", plain)[0] - _EXPONENT_BIAS
    digits = plain[2:-1].decode()
    number = Decimal(digits).scaleb(exponent - len(digits) + 1)
    return number if body[0] == 3 else -number


def _float(body: bytes) -> str:
    bits = int.from_bytes(body, "big")
    bits = bits ^ (1 << 63) if bits >> 63 else bits ^ ((1 << 64) - 1)
    return str(struct.unpack(">d", bits.to_bytes(8, "big"))[0])


def _moment(micros: int) -> str:
    moment = _EPOCH + timedelta(microseconds=micros)
    text = moment.replace(tzinfo=None).isoformat(" ")
    return text.removesuffix(" 00:00:00")
