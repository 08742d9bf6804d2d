"""
A source DSN taken apart: `mysql://user:password@host:port/database`, with `?ssl_ca=file` for TLS.

Refuses what is not of this form without repeating it, for it holds a password.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from syncsvc import tls
from syncsvc.errors import UsageFault

SETTING = "SYNCSVC_SOURCE_DSN"
DEFAULT_PORT = 3306
_SCHEMES = ("mysql", "mariadb")
_FILES = ("ssl_ca", "ssl_cert", "ssl_key")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the source is and who asks."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    #: None: none is chosen.
    database: str | None
    #: With any of them TLS is spoken: `ssl_ca`, `ssl_cert` and `ssl_key` behind the question mark.
    tls: tls.Files = tls.NONE

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
            what="it is not of the form  mysql://user:password@host:port/database?ssl_ca=file",
            fix="write it in this form; characters like @ or / in the password as %40 or %2F; the user may come from "
            "SYNCSVC_SOURCE_USERNAME",
        )
    password, database = unquote(parts.password or ""), unquote(parts.path.strip("/")) or None
    return Address(parts.hostname, port, unquote(parts.username), password, database, _files(parts.query))


def _files(query: str) -> tls.Files:
    """
    The certificates that a DSN names.

    Anything else is refused: `ssl_mode=disabled`, say, would be passed over in silence.
    """
    given = parse_qs(query, keep_blank_values=True)
    if strange := sorted(given.keys() - set(_FILES)):
        raise UsageFault(
            code="source.bad_dsn",
            where=SETTING,
            what=f"it has options that are not known here: {', '.join(strange)}",
            fix=f"use {', '.join(_FILES)}, each with the path of a PEM file",
        )
    return tls.Files(*(Path(given[name][-1]) if name in given else None for name in _FILES))
