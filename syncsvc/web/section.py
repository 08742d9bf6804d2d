"""One pipeline's part of the page: its state, figures, charts, picture and lists."""

from __future__ import annotations

from html import escape as _text

from syncsvc.telemetry.fleet import Fleet, FleetPipeline
from syncsvc.telemetry.recent import END_TO_END
from syncsvc.telemetry.status import PipelineStatus
from syncsvc.web import chart, lists, partitions, picture, words
from syncsvc.web.actions import Viewer
from syncsvc.web.feed import HISTORY, Feed

#: What a state means for the reader.
TONES = {"running": "good", "failed": "bad", "stalled": "bad", "degraded": "warn", "paused": "warn"}
#: States that are called otherwise on the page.
WORDS = {"snapshotting": "first copy"}
#: What is read aloud when it changes; coarser than the grades, which may change every second.
SPOKEN = {"unknown": "freshness unknown", "late": "behind its objective", "bad": "behind its objective"}
#: Samples that a trend is read off.
TREND_SECONDS = 30
#: A change by less than this part says nothing.
STEADY = 0.02


def anchor(whole: PipelineStatus) -> str:
    """Id of the pipeline's section."""
    return f"s-{_text(whole.name)}-g{whole.generation}"


def grade(one: FleetPipeline) -> str:
    """See `words.grade`."""
    return words.grade(one.whole.freshness_seconds, one.whole.objective)


def state(one: FleetPipeline) -> tuple[str, str]:
    """`(tone, word)` of its state."""
    if not one.workers:
        return "bad", "no worker"
    found = one.whole.state
    word = "rebuild" if found == "snapshotting" and one.rebuild else WORDS.get(found, found)
    if found == "running" and grade(one) in ("late", "bad"):
        return ("bad" if grade(one) == "bad" else "warn"), "running, behind"
    return TONES.get(found, "busy"), word


def section(one: FleetPipeline, feed: Feed, viewer: Viewer, fleet: Fleet) -> str:
    """The whole section."""
    whole, (tone, word) = one.whole, state(one)
    name, place = _text(whole.name), anchor(whole)
    runs_here = any((p.name, p.generation) == (whole.name, whole.generation) for p in fleet.own.pipelines)
    # Each part has its place even when it is empty: a part that appears must not close the list the reader opened.
    parts = (
        _troubles(one), _first_copy(one), _figures(one, feed), _charts(whole, feed),
        f'<div class="pair"><div>{partitions.heat(one)}</div><div>{lists.timings(whole)}</div></div>',
        picture.drawn(whole), lists.parked(whole, feed.at, viewer, runs_here), partitions.table(one),
    )  # fmt: skip
    return (
        f'<section class="card" id="{place}" aria-labelledby="h-{place}"><div class="head">'
        f'<h2 id="h-{place}">{name}</h2>'
        f'<p class="target"><span class="sr">writes to </span>{_text(whole.collection)} '
        f'<span class="soft">generation {whole.generation}</span>'
        f'<span class="soft">mapping <code>{_text(whole.mapping_hash[:8]) or "?"}</code></span></p>'
        f'<p class="pill {tone}" role="status"><span class="sr">{name} is </span>{_text(word)}'
        f'<span class="sr">, {SPOKEN.get(grade(one), "within its objective")}</span></p></div>'
        f"{''.join(f'<div>{part}</div>' for part in parts)}</section>"
    )


def _troubles(one: FleetPipeline) -> str:
    found = []
    if one.whole.last_error:
        found.append(("bad", _text(one.whole.last_error)))
    if one.orphans and one.workers:
        what = "has" if one.orphans == 1 else "have"
        found.append(("warn", f"{words.plural(one.orphans, 'partition')} {what} no worker now; what they hold waits."))
    if not one.workers:
        found.append(("bad", "No worker alive runs this pipeline; its documents stay as they are."))
    if len(one.mappings) > 1:
        found.append(("warn", "Workers run different mapping files: a rollout, or a worker that was forgotten."))
    return "".join(f'<p class="note {tone}">{said}</p>' for tone, said in found)


def _first_copy(one: FleetPipeline) -> str:
    whole = one.whole
    if whole.first_copy is None:
        return ""
    done, total = whole.first_copy
    part = 100 if done >= total else int(100 * done / total)
    what = f"Rebuild, beside generation {whole.generation - 1}" if one.rebuild else "First copy"
    place = anchor(whole)
    return (
        f'<div class="copy"><label for="c-{place}">{what}: {words.count(done)} of '
        f"{words.count(total)} records</label><span>{part} %</span>"
        f'<progress id="c-{place}" max="100" value="{part}">{part} %</progress></div>'
    )


def _figures(one: FleetPipeline, feed: Feed) -> str:
    whole = one.whole
    latency = next((timing for timing in whole.timings if timing.name == END_TO_END), None)
    median, worst = (latency.quantile(0.5), latency.quantile(0.99)) if latency else (None, None)
    figures = (
        ("Freshness", words.freshness(whole.freshness_seconds),
         f"objective {words.duration(whole.objective)}", grade(one)),
        ("Lag", words.count(whole.lag), _trend(whole, feed), ""),
        ("Latency", words.short(median), f"99 of 100 below {words.short(worst)}" if worst else "no change lately", ""),
        ("Documents", f"{words.rate(whole.documents_per_second)}<small>/s</small>",
         f"{words.count(whole.documents_written)} since start", ""),
        ("Parked", words.count(whole.parked), "keys held back" if whole.parked else "nothing held back",
         "bad" if whole.parked else ""),
    )  # fmt: skip
    return (
        '<dl class="figures">'
        + "".join(
            f'<div><dt>{title}</dt><dd class="value {tone}">{value}</dd><dd class="soft">{below}</dd></div>'
            for title, value, below, tone in figures
        )
        + "</dl>"
    )


def _trend(whole: PipelineStatus, feed: Feed) -> str:
    """Where the lag goes: when it will be worked off, or that it grows."""
    lags = [sample.lag for sample in feed.history(whole)[-TREND_SECONDS:]]
    first = lags[0] if lags else None
    if whole.lag is None:
        return "records, not known"
    if not whole.lag or first is None or len(lags) < TREND_SECONDS:
        return "records not applied yet" if whole.lag else "nothing waits"
    less = (first - whole.lag) / TREND_SECONDS
    if abs(first - whole.lag) < STEADY * whole.lag:
        return "records, steady"
    if less > 0:
        return f"records, gone in {words.coarse(whole.lag / less)}"
    return "records, growing"


def _charts(whole: PipelineStatus, feed: Feed) -> str:
    samples = feed.history(whole)
    ages = [sample.freshness_seconds for sample in samples]
    lags = [None if sample.lag is None else float(sample.lag) for sample in samples]
    rates = [sample.documents_per_second for sample in samples]
    said = f"Freshness of the last five minutes, {words.freshness(whole.freshness_seconds)} now"
    age = chart.spark(ages, label=said, span=HISTORY, mark=whole.objective)
    said = f"Lag of the last five minutes, {words.count(whole.lag)} records now"
    lag = chart.spark(lags, label=said, span=HISTORY)
    said = f"Documents a second in the last five minutes, {words.rate(whole.documents_per_second)} now"
    rate = chart.spark(rates, label=said, span=HISTORY)
    return (
        '<div class="charts">'
        + _figure("Freshness", words.duration(chart.top_of(ages, whole.objective)), age, "dashed: objective")
        + _figure("Lag", f"{words.count(round(chart.top_of(lags)))} records", lag, "")
        + _figure("Throughput", f"{words.rate(chart.top_of(rates))} documents/s", rate, "over a minute")
        + "</div>"
    )


def _figure(title: str, top: str, drawing: str, legend: str) -> str:
    return (
        f'<figure><figcaption>{title} <span class="soft">{legend}</span><span class="top">to {top}</span></figcaption>'
        f'<div class="plot">{drawing}</div>'
        f'<p class="axis" aria-hidden="true"><span>5 min ago</span><span>now</span></p></figure>'
    )
