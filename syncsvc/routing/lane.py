"""
A role as the router uses it: where a row of the table lives in it, and what is held of it there.

Part of `router`, one a role of the table.  A row for which `where` is not true lives nowhere, so a row that stops
matching leaves by the same way as one that moves.
"""

from __future__ import annotations

from collections.abc import Sequence

from syncsvc.expressions import row_function
from syncsvc.routing.plan import Role
from syncsvc.routing.slot import Encoder, Folds, Row, key_of


class Lane:
    """How to address and encode a row in one role."""

    def __init__(self, role: Role, columns: Sequence[str], key: Sequence[str], folds: Folds) -> None:
        #: Of the role.
        self.number = role.number
        self._node = bytes((role.node,))
        self._key = key_of(columns, role.address, folds)
        self._where = None if role.where is None else row_function(role.where, columns)
        self._slot = Encoder(role, columns, folds)
        self._by_identity = key_of(key, role.address, folds) if set(role.address) <= set(key) else None

    def address(self, row: Row) -> bytes | None:
        """Where the row lives; None: nowhere."""
        if self._where is not None and self._where(row) is not True:
            return None
        found = self._key(row)
        return None if found is None else self._node + found

    def placed(self, row: Row, stamped: bytes, ended: bytes) -> tuple[bytes | None, bytes]:
        """`(address, slot)`; no slot where there is no address."""
        address = self.address(row)
        return address, b"" if address is None else self._slot(row, stamped, ended)

    def address_of_identity(self, values: Row) -> bytes | None:
        """Where the row of this primary key lives, as far as that can be told from the key."""
        found = self._by_identity(values) if self._by_identity else None
        return None if found is None else self._node + found
