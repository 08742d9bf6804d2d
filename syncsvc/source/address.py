"""
A source DSN taken apart: `mysql://user:password@host:port/database`.

Refuses what is not of this form without repeating it, for it holds a password.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from syncsvc.errors import UsageFault

SETTING = "SYNCSVC_SOURCE_DSN"
DEFAULT_PORT = 3306
_SCHEMES = ("mysql", "mariadb")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the source is and who asks."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    #: None: none is chosen.
    database: str | None

    @property
    def where(self) -> str:
        """For messages: `user@host:port/database`."""
        return f"{self.user}@{self.host}:{self.port}/{self.database or ''}"


def parsed(dsn: str | None) -> Address:
    """
    The parts of a DSN.

    Raises:
        UsageFault: `source.no_dsn`, `source.bad_dsn`.
    """
    if not dsn:
        raise UsageFault(
            code="source.no_dsn",
            where=SETTING,
            what="the source database is not named",
            fix=f"export {SETTING}=mysql://user:password@host:3306/database",
        )
    try:
        parts = urlsplit(dsn)
        port = parts.port or DEFAULT_PORT
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in _SCHEMES or not parts.hostname or not parts.username:
        raise UsageFault(
            code="source.bad_dsn",
            where=SETTING,
            what="it is not of the form  mysql://user:password@host:port/database",
            fix="write it in this form; characters like @ or / in the password as %40 or %2F",
        )
    password, database = unquote(parts.password or ""), unquote(parts.path.strip("/")) or None
    return Address(parts.hostname, port, unquote(parts.username), password, database)
