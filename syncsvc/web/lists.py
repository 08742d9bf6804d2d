"""The lists of a pipeline's section: how long its stages take, and what is parked."""

from __future__ import annotations

from html import escape as _text

from syncsvc.telemetry.recent import END_TO_END, Timing
from syncsvc.telemetry.status import ParkedStatus, PipelineStatus
from syncsvc.web import chart, words
from syncsvc.web.actions import Viewer

#: Parked keys listed on the page; the rest is for the command.
MOST_PARKED = 50
#: Stages by the name the metrics give them.
STAGES = {
    "capture": ("capture", "database to Kafka"),
    "broker": ("broker", "Kafka to here"),
    "queue": ("queue", "keyed topic to its owner"),
    "join": ("join", "fold and render"),
    "apply": ("apply", "one transaction"),
    "commit": ("commit", "one transaction"),
    END_TO_END: ("end to end", "commit to visible"),
}


def timings(whole: PipelineStatus) -> str:
    """Median and tails of each stage in the last minute, with a bar on a common scale."""
    found = list(whole.timings)
    if any(timing.name == "apply" for timing in found):
        found = [timing for timing in found if timing.name != "commit"]  # the same, of both stages together
    if not any(timing.events for timing in found):
        return '<h3>Stage latencies</h3><p class="soft nothing-yet">Nothing was changed in the last minute.</p>'
    rows = "".join(map(_timing, found))
    name = _text(whole.name)
    return (
        f'<h3 id="t-{name}-g{whole.generation}">Stage latencies <span class="soft">last minute</span></h3>'
        f'<div class="scroll" tabindex="0" role="region" aria-labelledby="t-{name}-g{whole.generation}">'
        f'<table class="timings"><caption class="sr">Latencies of {name}, by stage</caption><thead><tr>'
        '<th scope="col">Stage</th><th scope="col" class="n">median</th><th scope="col" class="n">95 %</th>'
        '<th scope="col" class="n">99 %</th><td class="wide soft">1 ms to 100 s</td></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _timing(timing: Timing) -> str:
    title, meaning = STAGES.get(timing.name, (timing.name, ""))
    quantiles = [timing.quantile(share) for share in (0.5, 0.95, 0.99)]
    cells = "".join(f'<td class="n">{words.short(seconds)}</td>' for seconds in quantiles)
    bar = chart.bar(*(seconds for seconds in quantiles if seconds is not None)) if timing.events else ""
    return (
        f'<tr><th scope="row">{_text(title)} <span class="soft">{meaning}</span></th>{cells}'
        f'<td class="wide">{bar}</td></tr>'
    )


def parked(whole: PipelineStatus, now: float, viewer: Viewer, runs_here: bool) -> str:
    """The oldest parked keys with place, reason and age, and what can be done; nothing when there are none."""
    if not whole.parked:
        return ""
    shown = whole.parked_list[:MOST_PARKED]
    acting = bool(viewer.form_token) and runs_here
    rows = "".join(_parked(key, whole, now, viewer if acting else None) for key in shown)
    more = f" The oldest {len(shown)} are shown." if len(shown) < whole.parked else ""
    last = '<th scope="col">Decide</th>' if acting else ""
    name = _text(whole.name)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="Parked keys of {name}">'
        f"<table><caption><b>Parked keys</b> are held back until a person decides; everything else goes on.{more} "
        f"<code>syncsvc parked list --pipeline {name}</code> shows their ids.</caption><thead><tr>"
        '<th scope="col">Where</th><th scope="col">What</th><th scope="col">Reason</th>'
        f'<th scope="col" class="n">For</th>{last}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _parked(key: ParkedStatus, whole: PipelineStatus, now: float, viewer: Viewer | None) -> str:
    decide = f"<td>{_decide(key, whole, viewer)}</td>" if viewer else ""
    return (
        f'<tr><th scope="row">{_text(key.where)}</th><td>{_text(key.kind)}</td>'
        f"<td><code>{_text(key.reason)}</code></td>"
        f'<td class="n">{words.duration(max(0.0, now - key.since))}</td>{decide}</tr>'
    )


def _decide(key: ParkedStatus, whole: PipelineStatus, viewer: Viewer) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{_text(value)}">'
        for name, value in (
            ("form", viewer.form_token), ("pipeline", whole.name), ("generation", str(whole.generation)),
            ("handle", key.handle),
        )
    )  # fmt: skip
    about = f'<span class="sr"> {_text(key.where)}</span>'
    return (
        f'<form class="decide" method="post" action="/parked">{hidden}'
        f'<button name="action" value="retry">Retry{about}</button>'
        f'<details id="k-{_text(key.handle)}"><summary>Skip\u2026{about}</summary>'
        "<p>Everything goes on without it; a document then waits for its next change.</p>"
        f'<button name="action" value="skip" class="danger">Skip for good{about}</button></details></form>'
    )
