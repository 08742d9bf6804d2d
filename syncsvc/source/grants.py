"""
What a user of the source may do, read from what SHOW GRANTS prints.

Pure.  Takes the lines of both servers: global rights, rights on a database or a table, and MySQL's partial revokes.
Rights on single columns count as none, because the connector reads whole rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_LINE = re.compile(
    r"^(?P<verb>GRANT|REVOKE) (?P<rights>.+?) ON (?:TABLE |)(?P<object>\S+?\.\S+) (?:TO|FROM) ", re.IGNORECASE
)
_OF_COLUMNS = re.compile(r"\w[\w ]* \([^)]*\)")
#: Names under which servers print the same right.
_SAME = {"BINLOG MONITOR": "REPLICATION CLIENT", "REPLICATION REPLICA": "REPLICATION SLAVE", "ALL": "ALL PRIVILEGES"}


@dataclass(frozen=True, slots=True)
class _Grant:
    rights: frozenset[str]
    #: `*` for every database; `%` and `_` are patterns unless escaped.
    database: str
    #: `*` for every table.
    table: str

    def covers(self, right: str, database: str | None, table: str | None) -> bool:
        if right not in self.rights and "ALL PRIVILEGES" not in self.rights:
            return False
        if database is None or self.database == "*":
            return self.database == "*"
        return _like(self.database, database) and self.table in ("*", table)


@dataclass(frozen=True, slots=True)
class Grants:
    """Everything a user may do."""

    given: tuple[_Grant, ...]
    revoked: tuple[_Grant, ...] = ()

    def allow(self, right: str, where: str | None = None) -> bool:
        """
        Whether the user has a right.

        Args:
            right: `SELECT`, `REPLICATION CLIENT`, …
            where: `db.table`, or `db.*` for all of it; None: everywhere on the server.
        """
        database, table = (None, None) if where is None else tuple(where.split(".", 1))
        if database is not None and any(grant.covers(right, database, table) for grant in self.revoked):
            return any(g.covers(right, database, table) for g in self.given if g.database != "*")
        return any(grant.covers(right, database, table) for grant in self.given)


def parsed(lines: Iterable[str]) -> Grants:
    """The grants in lines of SHOW GRANTS; what follows TO is not looked at, it may hold a hash of the password."""
    found: dict[str, list[_Grant]] = {"GRANT": [], "REVOKE": []}
    for line in lines:
        told = _LINE.match(line)
        if told is None:
            continue  # a role or a proxy
        rights = _OF_COLUMNS.sub("", told["rights"]).upper().split(",")
        database, table = (part.strip("`") for part in re.split(r"\.(?=`|\*|\w+$)", told["object"], maxsplit=1))
        names = frozenset(_SAME.get(name, name) for name in map(str.strip, rights) if name)
        found[told["verb"].upper()].append(_Grant(names, database.replace("``", "`"), table.replace("``", "`")))
    return Grants(tuple(found["GRANT"]), tuple(found["REVOKE"]))


def _like(pattern: str, name: str) -> bool:
    """Whether a database's name fits the pattern of a grant."""
    parts = re.findall(r"\\.|.", pattern)
    text = "".join({"%": ".*", "_": "."}.get(part) or re.escape(part.removeprefix("\\") or "\\") for part in parts)
    return re.fullmatch(text, name) is not None
