"""
`status --watch`: the view on a terminal, a line a look for anything else.

On a terminal a look that fails does not end the watch: the last view stays, the foot says what is wrong, and it is
tried again.  Where records are lost, the command ends with 3 as plain `status` does: a log at once, since nothing gets
better by itself, a terminal when its reader has seen enough.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from syncsvc.cli import output
from syncsvc.cli.history import History
from syncsvc.cli.live_view import Screen
from syncsvc.cli.output import Format
from syncsvc.cli.standing import Standing
from syncsvc.errors import Drift, Problem, Unreachable

#: A terminal is drawn this often, so that it follows a resize at once.
DRAWN_A_SECOND = 4
LookAround = Callable[[], Sequence[Standing]]
Over = Callable[[], bool]


def never() -> bool:
    """Until Ctrl-C."""
    return False


def watch(look: LookAround, every: float, format_: Format, over: Over = never) -> None:
    """The view on a terminal, lines elsewhere, until it is over; raises what `over` raises."""
    if format_ is Format.TABLE and sys.stdout.isatty():
        on_terminal(look, every, over)
    else:
        as_lines(look, every, format_, over)


def on_terminal(look: LookAround, every: float, over: Over = never) -> None:
    """
    Draw until Ctrl-C, which leaves the terminal as it was.

    Raises:
        Unreachable: the first look failed.
        Drift: Ctrl-C came while records were lost.
    """
    from rich.live import Live

    history, foot = History(), ""
    history.add(time.time(), look())

    def screen() -> Screen:
        return Screen(history, foot)

    foot = _foot(every, None)
    console = output.console()
    try:
        with Live(
            get_renderable=screen, console=console, screen=True, refresh_per_second=DRAWN_A_SECOND, transient=True,
            redirect_stderr=False,
        ):  # fmt: skip
            while not over():
                time.sleep(every)
                try:
                    found = look()
                except Unreachable as error:
                    foot = _foot(every, error)
                else:
                    history.add(time.time(), found)
                    foot = _foot(every, None)
    except KeyboardInterrupt:
        _check_kept(history.looks[-1].found)
        raise


def _check_kept(found: Sequence[Standing]) -> None:
    """Raises Drift where a pipeline is lost."""
    what, fix = "a log has no more what a fence needs, so workers cannot go on", "build anew:  syncsvc rebuild FILE"
    if lost := [f"{one.pipeline}/g{one.generation}" for one in found if one.lost]:
        raise Drift.of(Problem("status.lost", place, what, fix) for place in lost)


def _foot(every: float, error: Unreachable | None) -> str:
    now = f"{datetime.now():%H:%M:%S}"
    if error is not None:
        problem = error.problems[0]
        return f"{now}  {problem.where}: {problem.what}; shown is what was before, trying again"
    return f"{now}  every {every:g} s, Ctrl-C ends"


def as_lines(look: LookAround, every: float, format_: Format, over: Over = never) -> None:
    """
    A line for each pipeline at each look, or with JSON one document a line; until Ctrl-C, or nobody reads, or over.

    Raises:
        Unreachable: a look failed: a log wants to know.
        Drift: `status.lost`, behind the lines that show it.
    """
    history = History()
    while True:
        at = time.time()
        history.add(at, look())
        for standing in history.looks[-1].found:
            if format_ is Format.JSON:
                rate = history.rate(standing)
                print(json.dumps({"at": _moment(at), **standing.as_dict(), "records_per_second": rate}, default=str))
            else:
                print(line(at, standing, history))
        sys.stdout.flush()
        _check_kept(history.looks[-1].found)
        if over():
            return
        time.sleep(every)


def line(at: float, standing: Standing, history: History) -> str:
    """What a log of a pipeline needs, as `name=value`."""
    rate, fresh = history.rate(standing), standing.freshness_seconds
    told = {
        "pipeline": f"{standing.pipeline}/g{standing.generation}",
        "state": standing.state.replace(" ", "_"),
        "freshness": "?" if fresh is None else f"{fresh:.1f}s",
        "objective": f"{standing.objective_seconds:g}s",
        "lag": "?" if standing.lag is None else standing.lag,
        "rate": "?" if rate is None else f"{rate:.1f}/s",
        "parked": standing.parked,
    }
    if standing.first_copy is not None:
        told["copied"] = "/".join(map(str, standing.first_copy))
    return " ".join([_moment(at), *(f"{name}={value}" for name, value in told.items())])


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
