"""
The inside of the page, from a status: with `tables` and `chart` the only place that makes HTML.

The same text is sent as the first page and, every second, as the stream's `board`; the script only moves differences
into the document.  So the page is complete without its script, and nothing is formatted in two languages.  Everything
that comes from outside goes through `_text`.
"""

from __future__ import annotations

import time
from collections import Counter
from html import escape as _text

from syncsvc.telemetry.status import PipelineStatus, Status
from syncsvc.web import chart, tables, words
from syncsvc.web.feed import HISTORY, Feed

#: What a state means for the reader.
TONES = {"running": "good", "failed": "bad", "stalled": "bad", "degraded": "warn", "paused": "warn"}
#: States that are called otherwise on the page.
WORDS = {"snapshotting": "first copy"}
#: What is read aloud when it changes; coarser than the grades, which may change every second.
SPOKEN = {"unknown": "freshness unknown", "late": "behind its objective", "bad": "behind its objective"}


def board(feed: Feed) -> str:
    """Header, pipelines and footer; says so when the service has no status."""
    status = feed.latest
    if status is None:
        return (
            '<div data-title="no status - syncsvc"><header><h1>syncsvc</h1></header><main id="main">'
            '<p class="note bad" role="alert">The worker cannot give its status now.</p></main></div>'
        )
    sections = "".join(_pipeline(pipeline, feed) for pipeline in status.pipelines)
    empty = "" if sections else '<p class="note">This worker runs no pipeline.</p>'
    return (
        f'<div data-title="{_title(status)}">{_header(status, feed.at)}<main id="main">{sections}{empty}</main></div>'
    )


def _title(status: Status) -> str:
    """What the browser's tab says: the oldest pipeline."""
    if not status.pipelines:
        return "syncsvc"
    known = [p.freshness_seconds for p in status.pipelines]
    worst = None if None in known else max(seconds for seconds in known if seconds is not None)
    return f"{words.freshness(worst)} - syncsvc"


def _header(status: Status, now: float) -> str:
    running = words.duration(max(60.0, now - status.started_at)) if now - status.started_at >= 60 else "under a minute"
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(status.started_at))
    return (
        f'<header><h1><span class="logo" aria-hidden="true"></span>syncsvc</h1><dl class="worker">'
        f"<div><dt>worker</dt><dd>{_text(status.instance)}</dd></div>"
        f"<div><dt>version</dt><dd>{_text(status.version)}</dd></div>"
        f'<div><dt>running</dt><dd><time datetime="{started}">{running}</time></dd></div></dl></header>'
    )


def _pipeline(pipeline: PipelineStatus, feed: Feed) -> str:
    name, grade = _text(pipeline.name), words.grade(pipeline.freshness_seconds, pipeline.objective)
    tone, word = TONES.get(pipeline.state, "busy"), WORDS.get(pipeline.state, pipeline.state)
    # Each part has its place even when it is empty: a part that appears must not close the list the reader opened.
    parts = (
        _error(pipeline), _first_copy(pipeline), _figures(pipeline, grade), _charts(pipeline, feed),
        tables.strips(pipeline), tables.parked(pipeline, feed.at), tables.partitions(pipeline),
    )  # fmt: skip
    return (
        f'<section id="s-{name}" aria-labelledby="p-{name}"><div class="head"><h2 id="p-{name}">{name}</h2>'
        f'<p class="target"><span class="sr">writes to </span>{_text(pipeline.collection)} '
        f'<span class="soft">generation {pipeline.generation}</span></p>'
        f'<p class="pill {tone}" role="status"><span class="sr">{name} is </span>{_text(word)}'
        f'<span class="sr">, {SPOKEN.get(grade, "within its objective")}</span></p></div>'
        f"{''.join(f'<div>{part}</div>' for part in parts)}</section>"
    )


def _error(pipeline: PipelineStatus) -> str:
    return f'<p class="note bad">{_text(pipeline.last_error)}</p>' if pipeline.last_error else ""


def _first_copy(pipeline: PipelineStatus) -> str:
    if pipeline.first_copy is None:
        return ""
    done, total = pipeline.first_copy
    part = 100 if done >= total else int(100 * done / total)
    return (
        f'<div class="copy"><label for="c-{_text(pipeline.name)}">First copy: {words.count(done)} of '
        f"{words.count(total)} records</label><span>{part} %</span>"
        f'<progress id="c-{_text(pipeline.name)}" max="100" value="{part}">{part} %</progress></div>'
    )


def _figures(pipeline: PipelineStatus, grade: str) -> str:
    owned = Counter(partition.stage for partition in pipeline.partitions)
    parked = "bad" if pipeline.parked else ""
    figures = (
        (
            "Freshness",
            words.freshness(pipeline.freshness_seconds),
            f"objective {words.duration(pipeline.objective)}",
            grade,
        ),
        ("Lag", words.count(pipeline.lag), "records not applied yet", ""),
        ("Documents", words.count(pipeline.documents_written), "written by this worker", ""),
        ("Parked", words.count(pipeline.parked), "keys held back" if pipeline.parked else "nothing held back", parked),
        (
            "Partitions",
            words.count(len(pipeline.partitions)),
            f"{owned['router']} in, {owned['joiner']} out, owned here",
            "",
        ),
    )
    return (
        '<dl class="figures">'
        + "".join(
            f'<div><dt>{title}</dt><dd class="value {tone}">{value}</dd><dd class="soft">{below}</dd></div>'
            for title, value, below, tone in figures
        )
        + "</dl>"
    )


def _charts(pipeline: PipelineStatus, feed: Feed) -> str:
    samples = feed.history(pipeline.name)
    ages = [sample.freshness_seconds for sample in samples]
    lags = [None if sample.lag is None else float(sample.lag) for sample in samples]
    seconds, records = chart.top_of(ages, pipeline.objective), chart.top_of(lags)
    age = chart.spark(
        ages,
        label=f"Freshness of the last five minutes, {words.freshness(pipeline.freshness_seconds)} now",
        span=HISTORY,
        mark=pipeline.objective,
    )
    lag = chart.spark(
        lags, label=f"Lag of the last five minutes, {words.count(pipeline.lag)} records now", span=HISTORY
    )
    return (
        f'<div class="charts">{_figure("Freshness", words.duration(seconds), age, "dashed: objective")}'
        f"{_figure('Lag', f'{words.count(round(records))} records', lag, '')}</div>"
    )


def _figure(title: str, top: str, drawing: str, legend: str) -> str:
    return (
        f'<figure><figcaption>{title} <span class="soft">{legend}</span></figcaption>'
        f'<div class="plot">{drawing}<span class="top">{top}</span></div>'
        f'<p class="axis" aria-hidden="true"><span>5 min ago</span><span>now</span></p></figure>'
    )
