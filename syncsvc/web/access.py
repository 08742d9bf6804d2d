"""
Who may decide something on the page: whoever knows the token in the file that the settings name; without it nobody.

A program sends the token as `Authorization: Bearer`.  A person types it once and gets a cookie; a form then has to
carry a token made from that cookie, which a page of another site can neither read nor guess.  Cookie and form token are
signed with the file's token and nothing is stored, so any worker accepts what another has signed, and a new token in
the file (it is read again each time) ends all sessions.  The token itself is never sent back, shown or logged.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from syncsvc.errors import UsageFault

#: Shorter ones can be guessed.
LEAST_CHARACTERS = 16
#: A working day; then the token is asked for again.
SESSION_SECONDS = 8 * 3600


class Access:
    """
    Checks of tokens.

    Args:
        file: holds the token; None: the page is read-only.
        clock: Unix seconds.

    Raises:
        UsageFault: `web.token_file` or `web.weak_token`: better no start than a page that is not as protected as meant.
    """

    def __init__(self, file: Path | None, clock: Callable[[], float] = time.time) -> None:
        self._file, self._clock = file, clock
        if file is not None:
            _read(file)

    @property
    def possible(self) -> bool:
        """Whether there is a token at all."""
        return self._file is not None

    def knows(self, token: str) -> bool:
        """Whether this is the token."""
        expected = self._token()
        return expected is not None and _same(token, expected)

    def bearer(self, authorization: str) -> bool:
        """Whether an `Authorization` header carries the token."""
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and self.knows(token.strip())

    def begin(self) -> str:
        """A new session, as the cookie's value."""
        body = f"{int(self._clock()) + SESSION_SECONDS}.{secrets.token_hex(16)}"
        return f"{body}.{self._signed('session', body)}"

    def holds(self, cookie: str) -> bool:
        """Whether a cookie is a session of ours that is not over."""
        body, _, signature = cookie.rpartition(".")
        until = body.partition(".")[0]
        expected = self._signed("session", body)
        if not expected or not _same(signature, expected):
            return False
        return self._clock() < int(until)

    def form_token(self, cookie: str) -> str:
        """What forms of a session carry."""
        return self._signed("form", cookie)

    def form_holds(self, cookie: str, token: str) -> bool:
        """Whether a form was made for this session."""
        return self.holds(cookie) and _same(token, self.form_token(cookie))

    def _signed(self, purpose: str, text: str) -> str:
        """Empty when there is no token."""
        token = self._token()
        return "" if token is None else hmac.digest(token.encode(), _bytes(f"{purpose}:{text}"), "sha256").hex()

    def _token(self) -> str | None:
        try:
            return None if self._file is None else _read(self._file)
        except UsageFault:
            return None  # taken away while we run: nobody may decide


def _same(one: str, other: str) -> bool:
    """In a time that does not tell how much of it is right."""
    return hmac.compare_digest(_bytes(one), _bytes(other))


def _bytes(text: str) -> bytes:
    # Headers may hold anything; aiohttp gives what is not text as surrogates.
    return text.encode("utf-8", "surrogateescape")


def _read(file: Path) -> str:
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageFault(
            code="web.token_file", where=f"SYNCSVC_HTTP_TOKEN_FILE={file}",
            what=f"the file cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}",
            fix="mount it readable for this user, or unset the variable: the page is read-only then",
        ) from None  # fmt: skip
    if len(token) < LEAST_CHARACTERS:
        raise UsageFault(
            code="web.weak_token", where=f"SYNCSVC_HTTP_TOKEN_FILE={file}",
            what=f"the token has {len(token)} characters, fewer than {LEAST_CHARACTERS}",
            fix="write a long random one into it:  openssl rand -hex 32",
        )  # fmt: skip
    return token
