"""
Answers to what a person or a program did: a small page, or JSON.

Problems are told by their code and a sentence of ours: their own text may name a key or quote a value, which belongs
to the command and not to a page.
"""

from __future__ import annotations

from html import escape as _text

from aiohttp import web

from syncsvc.errors import SyncError

DONE = {"retry": "Tried again, and it is parked no more.", "skip": "Skipped: everything goes on without it."}
TOLD = {
    "parked.again": "It was tried and parked again: the cause is still there.",
    "parked.still_unreadable": "The record cannot be read now either.",
    "parked.not_a_row": "It tells of tables, not of a row: have them read again where rows went, then skip it.",
    "parked.pending": "The decision is in the log, but no worker has acted on it yet. Nothing has to be sent again.",
    "parked.unknown": "It is not parked any more.",
    "parked.not_here": "This worker does not run the pipeline now; open the page of one that does.",
    "parked.no_generation": "The generation does not exist any more.",
}
OTHERWISE = "It could not be done; syncsvc parked on the command line says why."


def page(text: str, tone: str, *, status: int = 200, detail: str = "") -> web.Response:
    """See `html`."""
    return web.Response(text=html(text, tone, detail), content_type="text/html", status=status)


def html(text: str, tone: str, detail: str = "") -> str:
    """One sentence, and the way back."""
    below = f"<p><code>{_text(detail)}</code></p>" if detail else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>syncsvc</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="stylesheet" href="/page.css">'
        '<link rel="icon" href="/icon.svg" type="image/svg+xml"></head><body class="answer"><main id="main">'
        f'<h1><span class="logo" aria-hidden="true"></span>syncsvc</h1><p class="note {tone}">{_text(text)}</p>{below}'
        '<p><a href="/">Back to the page</a></p></main></body></html>'
    )


def done(action: str, program: bool) -> web.Response:
    """It was carried out, and a worker has acted on it."""
    return web.json_response({"ok": True, "action": action}) if program else page(DONE[action], "good")


def problem(action: str, error: SyncError, program: bool) -> web.Response:
    """It was not; 202 when it is still under way."""
    code = error.problems[0].code
    status = 202 if code == "parked.pending" else 409
    text = TOLD.get(code, OTHERWISE)
    if program:
        return web.json_response({"ok": False, "action": action, "code": code, "what": text}, status=status)
    return page(text, "warn", status=status, detail=code)
