"""
What a person or a program with the token may do through the port: sign in, sign out, decide about a parked key.

Each request is refused with 403 unless there is a token and it is shown: as bearer, or by a form of a session that was
begun here and comes from this site.  A decision goes the one way there is, through the log (`wiring.desk`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from syncsvc.errors import SyncError
from syncsvc.web import answers
from syncsvc.web.access import SESSION_SECONDS, Access

COOKIE = "syncsvc_session"
ACTIONS = ("retry", "skip")
#: After a wrong token nobody's next one is looked at for so long, seconds.
PAUSE_SECONDS = 0.5
#: As the mapping has it; a number of thousands of digits is none.
_GENERATION = re.compile(r"[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class Decision:
    """About one parked key."""

    pipeline: str
    generation: int
    #: See `telemetry.status.ParkedStatus.handle`.
    handle: str
    #: One of ACTIONS.
    action: str

    @property
    def where(self) -> str:
        """For messages."""
        return f"{self.pipeline}/g{self.generation}, parked key {self.handle}"


#: Carries a decision out, in a thread of its own; raises SyncError.
Decide = Callable[[Decision], None]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at the page."""

    #: There is a token, so signing in is possible.
    may_sign_in: bool = False
    #: What forms must carry; "" for who has not signed in.
    form_token: str = ""


class Actions:
    """The handlers of everything that is not a GET."""

    def __init__(self, access: Access, decide: Decide) -> None:
        self._access, self._decide = access, decide
        self._guessing = asyncio.Lock()

    def viewer(self, request: web.Request) -> Viewer:
        """Of a request for the page."""
        cookie = request.cookies.get(COOKIE, "")
        signed_in = self._access.possible and self._access.holds(cookie)
        return Viewer(self._access.possible, self._access.form_token(cookie) if signed_in else "")

    async def sign_in(self, request: web.Request) -> web.Response:
        """Form field `token`; then back to the page with a cookie."""
        self._refuse_strangers(request)
        token = (await _fields(request)).get("token", "")
        async with self._guessing:
            if not self._access.knows(token):
                await asyncio.sleep(PAUSE_SECONDS)
                return answers.page("This is not the token.", "bad", status=403)
        response = web.Response(status=303, headers={"Location": "/"})
        tls = request.secure or request.headers.get("X-Forwarded-Proto") == "https"
        response.set_cookie(
            COOKIE, self._access.begin(), max_age=SESSION_SECONDS, httponly=True, samesite="Strict", secure=tls
        )
        return response

    async def sign_out(self, request: web.Request) -> web.Response:
        """Back to the page without the cookie."""
        self._refuse_strangers(request)
        self._check_form(request, await _fields(request))
        response = web.Response(status=303, headers={"Location": "/"})
        response.del_cookie(COOKIE)
        return response

    async def parked(self, request: web.Request) -> web.Response:
        """Fields `pipeline`, `generation`, `handle`, `action`; JSON for a bearer, a page for a form."""
        program = "Authorization" in request.headers
        if program:
            await self._check_bearer(request)
        else:
            self._refuse_strangers(request)
        fields = await _fields(request)
        if not program:
            self._check_form(request, fields)
        decision = _decision(fields)
        try:
            await asyncio.to_thread(self._decide, decision)
        except SyncError as error:
            return answers.problem(decision.action, error, program)
        return answers.done(decision.action, program)

    async def _check_bearer(self, request: web.Request) -> None:
        async with self._guessing:
            if self._access.bearer(request.headers["Authorization"]):
                return
            if self._access.possible:
                await asyncio.sleep(PAUSE_SECONDS)
        raise _forbidden("the token is missing, wrong, or this worker has none")

    def _refuse_strangers(self, request: web.Request) -> None:
        """Without a token everything is; with one, what a page of another site sends."""
        if not self._access.possible:
            raise _forbidden("this page is read-only: SYNCSVC_HTTP_TOKEN_FILE is not set")
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin", "")
        if not (site == "same-origin" if site else not origin or _host(origin) == request.host):
            raise _forbidden("the request comes from another site")

    def _check_form(self, request: web.Request, fields: Mapping[str, str]) -> None:
        if not self._access.form_holds(request.cookies.get(COOKIE, ""), fields.get("form", "")):
            raise _forbidden("the session is over, or the form is not of this session: sign in again")


async def _fields(request: web.Request) -> dict[str, str]:
    """The fields of a form; 400 for a body that is none, whoever sent it: that is no failure of ours to log."""
    try:
        return {key: str(value) for key, value in (await request.post()).items()}
    except (web.HTTPException, OSError):
        raise  # too large, or the sender is gone
    except Exception as error:  # charset, boundary, compression: the library has an exception of its own for each
        raise web.HTTPBadRequest(text="the body is no form\n") from error


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _decision(fields: Mapping[str, str]) -> Decision:
    action, generation = fields.get("action", ""), fields.get("generation", "")
    if action not in ACTIONS or not _GENERATION.fullmatch(generation):
        raise web.HTTPBadRequest(text="wanted: pipeline, generation, handle, action=retry or skip\n")
    return Decision(fields.get("pipeline", ""), int(generation), fields.get("handle", ""), action)


def _forbidden(why: str) -> web.HTTPForbidden:
    return web.HTTPForbidden(text=answers.html(f"Refused: {why}.", "bad"), content_type="text/html")
