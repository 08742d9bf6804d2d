"""A plan as people read it: one line a figure, the same for the command and for docs/sizing.md."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from benchmarks.sizing import units
from benchmarks.sizing.demand import Plan
from benchmarks.sizing.limits import breaks_first, limits


def number(value: float) -> str:
    """Two digits that count, thousands apart: `1,200`, `0.35`."""
    if value < 10:
        return f"{value:.2g}"
    return f"{round(value, 2 - len(str(int(value)))):,.0f}"


def lines(plan: Plan) -> Iterator[tuple[str, str]]:
    """`(what, how much)`."""
    load = plan.load
    yield "changes/s at the peak", f"{load.changes:,.0f}"
    yield "documents", f"{load.documents:,}"
    yield "rows of all tables", f"{load.all_rows:,}"
    yield "`partitions`, keyed", f"{plan.partitions:,}"
    yield "keyed records a change", number(plan.keyed)
    yield "workers, a core each", f"{plan.workers:,}"
    yield "memory of a worker", f"{number(plan.worker_megabytes)} MB"
    yield "its cache on local disk", f"{number(plan.cache_gigabytes)} GB"
    yield "documents written/s", number(plan.writes)
    yield "MongoDB: cores of the primaries", number(plan.mongod_cores)
    yield "MongoDB: into the oplog", f"{number(plan.written_megabytes)} MB/s"
    yield "MongoDB: documents and state", f"{number(plan.stored_gigabytes)} GB"
    yield "Kafka: brokers", f"{plan.brokers:,}"
    yield f"Kafka: writes, {load.copies} copies", f"{number(plan.broker_megabytes)} MB/s"
    yield f"Kafka: keyed topic, {load.keyed_hours:g} h", f"{number(plan.keyed_terabytes)} TB"
    yield "Kafka: tables' topics grow by", f"{number(plan.source_terabytes_a_day)} TB a day"
    yield "first copy, at least", seconds(plan.copy_seconds)
    yield "a worker with an empty cache is ready after", seconds(plan.restore_seconds)


def seconds(value: float) -> str:
    """`40 s`, `12 min`, `3.5 h`."""
    if value < 120:
        return f"{number(max(1.0, round(value)))} s"
    return f"{number(value / 60)} min" if value < 7_200 else f"{number(value / 3_600)} h"


def text(plan: Plan) -> str:
    """What the command prints; ends with a newline."""
    shown = list(lines(plan))
    width = max(len(what) for what, _ in shown)
    out = [f"{what.replace('`', ''):{width}}  {how_much}" for what, how_much in shown]
    out += ["", "against one of each:"]
    out += [f"{limit.what:{width}}  {number(limit.times)} x" for limit in limits(plan) if limit.times >= 0.01]
    return "\n".join([*out, "", *textwrap.wrap(verdict(plan).replace("`", ""), 100)]) + "\n"


def verdict(plan: Plan) -> str:
    """What breaks first, and what to do."""
    if (first := breaks_first(plan)) is None:
        return "nothing breaks: workers, brokers and disks are added, one of everything else is enough"
    remedy = re.sub(r"\[(\w+)\]\(([\w/-]+)\.md\)", r"\1: \2", first.remedy)
    return f"breaks first: {first.what}, {number(first.times)} times too small; {remedy}"


def unit_table() -> str:
    """Every figure of `units` in Markdown."""
    rows = (f"| {unit.what} | {unit.value:,g} {unit.unit} | {unit.source} |" for _, unit in units.table())
    return "\n".join(["| what | figure | from |", "|---|---|---|", *(row.replace("  |", " |") for row in rows)])


def plan_table(plans: list[Plan]) -> str:
    """Plans side by side in Markdown, with what breaks first."""
    columns = [list(lines(plan)) for plan in plans]
    rows = [
        f"| {what} | {' | '.join(column[index][1] for column in columns)} |"
        for index, (what, _) in enumerate(columns[0])
    ]
    names = sorted({limit.what for limit in limits(plans[0])})
    strained = [
        f"| {name}, demand | {' | '.join(f'{number(_times(plan, name))} x' for plan in plans)} |" for name in names
    ]
    first = [breaks_first(plan) for plan in plans]
    verdicts = " | ".join("nothing" if found is None else f"**{found.what}**" for found in first)
    strained.append(f"| breaks first | {verdicts} |")
    return "\n".join([rows[0], "|---" * (len(plans) + 1) + "|", *rows[1:], *strained])


def _times(plan: Plan, name: str) -> float:
    return next(limit.times for limit in limits(plan) if limit.what == name)
