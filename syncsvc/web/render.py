"""
The inside of the page, from a fleet: header, workers, overview; `section` has what belongs to one pipeline.

The same text is sent as the first page and, every second, as the stream's `board`; the script only moves differences
into the document.  So the page is complete without its script, and nothing is formatted in two languages.  Everything
that comes from outside goes through `_text`.
"""

from __future__ import annotations

import time
from html import escape as _text

from syncsvc.telemetry.fleet import Fleet, FleetPipeline, Seen
from syncsvc.telemetry.status import Status
from syncsvc.web import section, words
from syncsvc.web.actions import Viewer
from syncsvc.web.feed import Feed

#: The others are told of every two seconds; when nothing could be read for so long, MongoDB is away.
UNREAD_SECONDS = 10.0


def board(feed: Feed, viewer: Viewer) -> str:
    """Everything between the skip link and the footer; says so when the service has no status."""
    fleet = feed.latest
    if fleet is None:
        return (
            '<div data-title="no status - syncsvc"><header><h1>syncsvc</h1></header><main id="main" tabindex="-1">'
            '<p class="note bad" role="alert">The worker cannot give its status now.</p></main></div>'
        )
    pipelines = feed.pipelines
    sections = "".join(section.section(one, feed, viewer, fleet) for one in pipelines)
    empty = "" if sections else '<div class="card empty"><h2>No pipeline</h2><p>No worker runs one yet.</p></div>'
    return (
        f'<div data-title="{_title(pipelines)}">{_header(fleet, pipelines, feed.at, viewer)}'
        f'<main id="main" tabindex="-1"><div>{_notes(fleet)}</div><div>{_overview(pipelines)}</div>'
        f"{sections}{empty}{_workers(fleet)}</main></div>"
    )


def _title(pipelines: list[FleetPipeline]) -> str:
    """What the browser's tab says: the oldest pipeline."""
    if not pipelines:
        return "syncsvc"
    return f"{words.freshness(_worst(pipelines))} - syncsvc"


def _worst(pipelines: list[FleetPipeline]) -> float | None:
    known = [one.whole.freshness_seconds for one in pipelines]
    return None if None in known else max(seconds for seconds in known if seconds is not None)


def _header(fleet: Fleet, pipelines: list[FleetPipeline], now: float, viewer: Viewer) -> str:
    own = fleet.own
    return (
        f'<header><h1><span class="logo" aria-hidden="true"></span>syncsvc</h1>{_verdict(pipelines)}'
        f'<dl class="worker"><div><dt>answered by</dt><dd>{_text(own.instance)}</dd></div>'
        f"<div><dt>running</dt><dd>{_running(own, now)}</dd></div>"
        f"<div><dt>as of</dt><dd>{time.strftime('%H:%M:%S', time.gmtime(now))} UTC</dd></div></dl>"
        f"{_session(viewer)}</header>"
    )


def _verdict(pipelines: list[FleetPipeline]) -> str:
    """One sentence for who looks for a second only."""
    copying = sum(1 for one in pipelines if one.whole.state == "snapshotting" and one.workers)
    behind = [
        one for one in pipelines
        if section.grade(one) not in ("fresh", "within") and not (one.whole.state == "snapshotting" and one.workers)
    ]  # fmt: skip
    parked = sum(one.whole.parked for one in pipelines)
    if not pipelines:
        said, tone = "no pipeline", "busy"
    elif behind:
        said, tone = f"{_names(behind)} {words.BEHIND[max(map(section.grade, behind), key=words.ORDER.index)]}", "warn"
        tone = "bad" if any(section.grade(one) == "bad" for one in behind) else tone
    elif copying == len(pipelines):
        said, tone = "documents are made for the first time", "busy"
    else:
        said, tone = "every pipeline meets its objective", "good"
    held = f", {words.plural(parked, 'key')} parked" if parked else ""
    return f'<p class="verdict {"warn" if held and tone == "good" else tone}">{said}{held}</p>'


def _names(pipelines: list[FleetPipeline]) -> str:
    if len(pipelines) == 1:
        return f"{_text(pipelines[0].whole.name)} is"
    return f"{len(pipelines)} pipelines are"


def _running(status: Status, now: float) -> str:
    since = now - status.started_at
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(status.started_at))
    # Minutes are enough, and nothing moves every second that says nothing.
    return f'<time datetime="{started}">{words.coarse(since)}</time>'


def _session(viewer: Viewer) -> str:
    if viewer.form_token:
        return (
            '<form class="session" method="post" action="/sign-out">'
            f'<input type="hidden" name="form" value="{viewer.form_token}">'
            '<span class="soft">signed in</span> <button class="plain">Sign out</button></form>'
        )
    if viewer.may_sign_in:
        return (
            '<details class="session" id="session"><summary>Sign in</summary>'
            '<form method="post" action="/sign-in"><label for="token">Token</label>'
            '<input id="token" name="token" type="password" required autocomplete="current-password">'
            "<button>Sign in</button></form></details>"
        )
    return '<p class="session soft">read-only</p>'


def _notes(fleet: Fleet) -> str:
    if fleet.unread_seconds < UNREAD_SECONDS:
        return ""
    return (
        '<p class="note warn" role="status">MongoDB does not answer: nothing is known of the other workers for '
        f"{words.coarse(fleet.unread_seconds)}.</p>"
    )


def _overview(pipelines: list[FleetPipeline]) -> str:
    """All pipelines in one table, where there are several."""
    if len(pipelines) < 2:
        return ""
    rows = "".join(_row(one) for one in pipelines)
    return (
        '<div class="card"><div class="scroll" tabindex="0" role="region" aria-label="All pipelines"><table>'
        '<caption class="sr">All pipelines</caption><thead><tr><th scope="col">Pipeline</th><th scope="col">State</th>'
        '<th scope="col" class="n">Freshness</th><th scope="col" class="n">Lag</th>'
        '<th scope="col" class="n">Documents/s</th><th scope="col" class="n">Parked</th>'
        f'<th scope="col" class="n">Workers</th></tr></thead><tbody>{rows}</tbody></table></div></div>'
    )


def _row(one: FleetPipeline) -> str:
    whole = one.whole
    tone, word = section.state(one)
    name = f"{_text(whole.name)} <span class=soft>g{whole.generation}</span>"
    return (
        f'<tr><th scope="row"><a href="#{section.anchor(whole)}">{name}</a></th>'
        f'<td><i class="dot {section.grade(one)}"></i><span class="{tone}">{_text(word)}</span></td>'
        f'<td class="n">{words.freshness(whole.freshness_seconds)}</td><td class="n">{words.count(whole.lag)}</td>'
        f'<td class="n">{words.rate(whole.documents_per_second)}</td><td class="n">{words.count(whole.parked)}</td>'
        f'<td class="n">{one.workers}</td></tr>'
    )


def _workers(fleet: Fleet) -> str:
    workers = fleet.workers()
    alive = sum(1 for one in workers if one.alive)
    gone = len(workers) - alive
    silent = f", {gone} silent" if gone else ""
    return (
        f'<section class="card" aria-labelledby="workers"><div class="head"><h2 id="workers">Workers</h2>'
        f'<p class="target">{alive} alive{silent}</p></div>'
        f'<ul class="fleet">{"".join(map(_worker, workers))}</ul></section>'
    )


def _worker(one: Seen) -> str:
    if one.own:
        said = "answers this page"
    elif one.alive:
        said = "heard of within 10 s"
    else:
        said = f"no sign of life for {words.coarse(one.age_seconds)}"
    about = "told in a form this version cannot read"
    if one.status is not None:
        owned = sum(len(pipeline.partitions) for pipeline in one.status.pipelines)
        about = f"version {_text(one.status.version)}, " + (
            words.plural(owned, "partition") if one.alive else f"had {words.plural(owned, 'partition')}"
        )
    tone = "alive" if one.alive else "gone"
    return (
        f'<li class="{tone}"><b><i class="dot {"fresh" if one.alive else "bad"}"></i>{_text(one.instance)}</b>'
        f'<span class="soft">{about}</span><span class="{"soft" if one.alive else "bad"}">{said}</span></li>'
    )
