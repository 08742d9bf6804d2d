"""
Shapes of MySQL and MariaDB as GeoJSON: the connector's well-known binary (WKB) taken apart.

Used by `columns` for GEOMETRY and its kinds.  The coordinates are the stored X and Y, in this order, and that is what
GeoJSON wants: MySQL keeps the shapes of a geographic reference system with the longitude first, whatever order its text
functions read and show (`ST_GeomFromText('POINT(48.1 11.5)', 4326)` is stored as X 11.5, Y 48.1), and the connector
sends what is stored.  MariaDB knows no axes: X is what the application wrote first, so it must be the longitude.
Reference systems other than 0 (none) and 4326 (WGS 84) are refused value by value, because GeoJSON has only that one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from syncsvc.changes.values import NotHeld

SHAPES = (
    "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
    "geometrycollection", "geomcollection",
)  # fmt: skip
"""Names of the column types."""
WGS84 = 4326
_DEEPEST = 30  # levels of collections within collections; MongoDB takes no more than 100 levels of anything


class Shape(Struct, gc=False):
    """What the connector sends; a point has its coordinates beside it, which are those of the binary."""

    wkb: bytes
    #: Number of the reference system; None for 0.
    srid: int | None = None


def to_geojson(shape: Shape) -> dict[str, Any]:
    """
    The GeoJSON object of a shape, with the coordinates as they are stored.

    Raises:
        NotHeld: for another reference system than 0 and 4326, and for bytes that are not a shape.
    """
    if shape.srid not in (None, 0, WGS84):
        raise NotHeld(f"a shape in reference system {shape.srid}; GeoJSON has {WGS84} only")
    source = _Bytes(shape.wkb)
    try:
        found = _shape(source, _DEEPEST)
    except (struct.error, KeyError):
        raise NotHeld("not the binary form of a shape") from None
    if source.place != len(shape.wkb):
        raise NotHeld("not the binary form of a shape")
    return found


class _Bytes:
    """Bytes with a place that moves on; each shape says its own order of bytes."""

    def __init__(self, content: bytes) -> None:
        self._content, self.place = content, 0
        self._order = "<"

    def header(self) -> int:
        """Number of the kind of the shape that begins here."""
        self._order = {0: ">", 1: "<"}[self._take("B")[0]]
        return int(self._take("I")[0])

    def count(self) -> int:
        """How many parts follow."""
        return int(self._take("I")[0])

    def positions(self, count: int) -> list[list[float]]:
        """This many X and Y."""
        if count * 16 > len(self._content):  # before anything of that size is made
            raise NotHeld("not the binary form of a shape")
        flat = self._take(f"{2 * count}d")
        return [list(pair) for pair in zip(flat[::2], flat[1::2], strict=True)]

    def _take(self, form: str) -> tuple[Any, ...]:
        found = struct.unpack_from(self._order + form, self._content, self.place)
        self.place += struct.calcsize(self._order + form)
        return found


def _shape(source: _Bytes, levels: int) -> dict[str, Any]:
    if not levels:
        raise NotHeld("collections nested too deep")
    name, content = _KINDS[source.header()]
    return content(source, name, levels)


def _point(source: _Bytes, name: str, levels: int) -> dict[str, Any]:
    return {"type": name, "coordinates": source.positions(1)[0]}


def _line(source: _Bytes, name: str, levels: int) -> dict[str, Any]:
    return {"type": name, "coordinates": source.positions(source.count())}


def _polygon(source: _Bytes, name: str, levels: int) -> dict[str, Any]:
    return {"type": name, "coordinates": [source.positions(source.count()) for _ in range(source.count())]}


def _many(source: _Bytes, name: str, levels: int) -> dict[str, Any]:
    return {"type": name, "coordinates": [_shape(source, levels - 1)["coordinates"] for _ in range(source.count())]}


def _collection(source: _Bytes, name: str, levels: int) -> dict[str, Any]:
    return {"type": name, "geometries": [_shape(source, levels - 1) for _ in range(source.count())]}


_KINDS: dict[int, tuple[str, Callable[[_Bytes, str, int], dict[str, Any]]]] = {
    1: ("Point", _point),
    2: ("LineString", _line),
    3: ("Polygon", _polygon),
    4: ("MultiPoint", _many),
    5: ("MultiLineString", _many),
    6: ("MultiPolygon", _many),
    7: ("GeometryCollection", _collection),
}
