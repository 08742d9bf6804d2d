"""
What `status --watch` draws: pipelines with their freshness, a strip of partitions a topic, lines of the past.

Pure: a history in, something that rich renders out, in the width and height it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from syncsvc.cli import durations
from syncsvc.cli.history import History
from syncsvc.cli.pipelines import name_among
from syncsvc.cli.standing import Partition, Standing

BARS = "▁▂▃▄▅▆▇█"
#: Records behind, from which a partition is drawn as lukewarm, warm and hot.
HEAT = ((0, "green"), (100, "yellow"), (10_000, "dark_orange"), (1_000_000, "red"))
PARTITIONS_SHOWN = 64  # more than a mapping usually has, and still a line of a terminal
STATES = {"live": "green", "copying": "cyan", "not started": "dim", "lost": "bold red"}
BESIDE = 4  # lines of the screen that are not topics: the foot, and blanks


class Screen:
    """The whole view; asks for its height when it is drawn, so that a resize is followed."""

    def __init__(self, history: History, foot: str) -> None:
        self._history, self._foot = history, foot

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        found = self._history.looks[-1].found if self._history.looks else ()
        heads = [line for standing in found for line in head(standing, self._history)]
        height = options.height or options.max_height
        yield Group(*heads)
        yield Text()
        yield topics(found, self._history, max(1, height - len(heads) - BESIDE))
        yield Text(self._foot, style="dim", no_wrap=True, overflow="ellipsis")


def head(standing: Standing, history: History) -> Iterable[RenderableType]:
    """One line a pipeline, and one more while its first copy is made."""
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(standing.pipeline, style="bold")
    line.append(f"  g{standing.generation} → {standing.collection}  ", style="dim")
    line.append(standing.state, style=STATES.get(standing.state, ""))
    line.append("  fresh ")
    line.append(*freshness(standing))
    line.append(f" of {standing.objective_seconds:g} s", style="dim")
    line.append(f"  lag {count(standing.lag)}")
    line.append(f"  {rate(history.rate(standing))}")
    line.append(f"  parked {standing.parked}", style="bold red" if standing.parked else "dim")
    yield line
    if standing.first_copy is not None:
        yield copying(standing, history)


def freshness(standing: Standing) -> tuple[str, str]:
    """Text and style: what cannot be proved is not green."""
    seconds = standing.freshness_seconds
    if seconds is None:
        return ("not known", "dim" if standing.state == "not started" else "bold red")
    style = "green" if seconds <= standing.objective_seconds else "bold red"
    return (durations.words(seconds), style)


def copying(standing: Standing, history: History) -> RenderableType:
    """A bar of the records read, and how much longer; then the partitions that write their documents."""
    done, total = standing.first_copy or (0, 0)
    joiners = [partition for partition in standing.partitions if partition.stage == "joiner"]
    written = sum(partition.copied for partition in joiners)
    if done < total:
        left = history.copy_left_seconds(standing)
        told = f"{100 * done // total} %  {done:,} of {total:,} records"
        told += f", about {durations.words(left)} left" if left is not None else ""
    else:
        told = f"all {total:,} records read, {written} of {len(joiners)} partitions have written their documents"
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_row(Text("  first copy"), ProgressBar(total=max(total, 1), completed=done, width=24), Text(told))
    return table


def topics(found: Sequence[Standing], history: History, most: int) -> Table:
    """A line a topic: partitions as a strip, lag now and over time, rate; when few fit, lost ones and lag first."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    names = [standing.pipeline for standing in found]
    if named := len(names) > 1:  # a topic that several of them read stands there for each
        made.add_column("pipeline", overflow="ellipsis", no_wrap=True)
    made.add_column("topic", overflow="ellipsis", no_wrap=True, ratio=1)
    made.add_column("partitions", no_wrap=True)
    for heading in ("lag", "fresh", "rec/s"):
        made.add_column(heading, justify="right", no_wrap=True)
    made.add_column("lag until now", no_wrap=True)
    rows = [
        (standing, topic, [p for p in standing.partitions if p.topic == topic])
        for standing in found
        for topic in dict.fromkeys(p.topic for p in reversed(standing.partitions))
    ]
    if len(rows) > most:
        rows.sort(key=lambda row: (not any(p.lost for p in row[2]), -sum(p.lag or 0 for p in row[2])))
    for pipeline, topic, parts in rows[:most]:
        name = [Text(name_among(pipeline.pipeline, pipeline.generation, names))] if named else []
        made.add_row(*name, *_row(pipeline, topic, parts, history))
    if len(rows) > most:
        made.add_row(*[Text()] * named, Text(f"… {len(rows) - most} more topics", style="dim"))
    return made


def _row(pipeline: Standing, topic: str, parts: Sequence[Partition], history: History) -> list[Any]:
    lags = [p.lag for p in parts]
    lag = None if None in lags else sum(one for one in lags if one is not None)
    ages = [p.freshness_seconds for p in parts]
    oldest = None if None in ages else max(age for age in ages if age is not None)
    return [
        Text(topic), strip(lags), Text(count(lag)), Text("-" if oldest is None else durations.words(oldest)),
        Text(rate(history.rate(pipeline, topic), unit="")), Text(sparkline(history.lags(pipeline, topic))),
    ]  # fmt: skip


def strip(lags: Sequence[int | None]) -> Text:
    """One character a partition: higher and hotter the more records wait; a dot where nothing does, ? not known."""
    text, most = Text(), max((lag for lag in lags if lag is not None), default=0)
    for lag in lags[:PARTITIONS_SHOWN]:
        if lag is None:
            text.append("?", style="dim")
        elif lag == 0:
            text.append("·", style="green")
        else:
            style = [style for least, style in HEAT if lag > least][-1]
            text.append(BARS[(len(BARS) - 1) * lag // most], style=style)
    if len(lags) > PARTITIONS_SHOWN:
        text.append(f" +{len(lags) - PARTITIONS_SHOWN}", style="dim")
    return text


def sparkline(values: Sequence[int]) -> str:
    """
    Values as a line of bars, 0 as the lowest.

    >>> sparkline([0, 5, 10])
    '▁▄█'
    """
    most = max(values, default=0)
    return "".join(BARS[(len(BARS) - 1) * value // most if most else 0] for value in values)


def count(number: int | None) -> str:
    """A number as people read it; a dash where it is not known."""
    return "-" if number is None else f"{number:,}"


def rate(records: float | None, unit: str = " rec/s") -> str:
    """Records a second."""
    return f"-{unit}" if records is None else f"{records:,.0f}{unit}" if records >= 10 else f"{records:.1f}{unit}"
