"""
What a person sees of the demo: everything here goes to standard error, standard output is for the one JSON line.

In a terminal with colours and a bar; elsewhere the same as plain lines.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from syncsvc.demo.scenes import Scene
from syncsvc.demo.shown import line
from syncsvc.demo.watcher import Document

#: Columns where there is no terminal to ask.
WIDTH = 100
#: Between two lines of progress where there is no terminal.
LINE_SECONDS = 3.0
BEFORE, AFTER = "red", "bold green"

ROAD = """\
  {sql:<7}          Connect     Kafka     syncsvc x {workers}        MongoDB

  meeting ─────┐
  application ─┼─▶ Debezium ─▶ topics ─▶ route ─▶ join ─▶ one document a meeting
  user ────────┘
"""
#: Called with the number of what is there.
Advance = Callable[[int], None]


class Screen:
    """
    The tale of one run.

    Args:
        silent: nothing is shown.
    """

    def __init__(self, *, silent: bool) -> None:
        self._console = Console(stderr=True, quiet=silent, highlight=False, soft_wrap=False)
        if not self._console.is_terminal:
            self._console = Console(stderr=True, quiet=silent, highlight=False, width=WIDTH)
        self._began = time.monotonic()
        self._status = self._console.status("", spinner_style="dim")
        self._noted = 0.0

    def road(self, sql: str, workers: int) -> None:
        """The way of a change, as a drawing."""
        self._console.print()
        drawing = ROAD.format(sql=sql, workers=workers)
        self._console.print(Text(drawing), style="cyan", no_wrap=True, overflow="crop")

    def step(self, text: str) -> None:
        """Something is done; a line with the time since the start."""
        seconds = time.monotonic() - self._began
        self._console.print(Text.assemble((f"{seconds:6.1f} s  ", "dim"), text))

    def progress(self, text: str) -> None:
        """A line of the stack's: bytes that arrive replace each other, all else stays."""
        if not text.endswith("so far"):
            self.step(text)
        elif self._console.is_terminal:
            self._status.update(Text(text, "dim"))
        elif time.monotonic() - self._noted > LINE_SECONDS:
            self._noted = time.monotonic()
            self.step(text)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """A spinner where there is a terminal."""
        if not self._console.is_terminal:
            yield
            return
        with self._status:
            yield

    @contextmanager
    def bar(self, what: str, total: int) -> Iterator[Advance]:
        """How far something is; a bar in a terminal, a line now and then elsewhere."""
        if not self._console.is_terminal:
            yield self._lines(what, total)
            return
        numbers = TextColumn("{task.completed:,} of {task.total:,}")
        with Progress(
            TextColumn("          {task.description}"), BarColumn(40), numbers, console=self._console, transient=True
        ) as progress:
            task = progress.add_task(what, total=total)
            yield lambda count: progress.update(task, completed=count)

    def _lines(self, what: str, total: int) -> Advance:
        last = time.monotonic()

        def advance(count: int) -> None:
            nonlocal last
            if time.monotonic() - last > LINE_SECONDS:
                last = time.monotonic()
                self.step(f"{what}: {count:,} of {total:,}")

        return advance

    def scene(
        self,
        scene: Scene,
        before: Sequence[Document | None],
        after: Sequence[Document | None],
        milliseconds: float,
    ) -> None:
        """One change: what happened, how long it took, its documents before and after."""
        head = Table.grid(padding=(0, 2), expand=True)
        head.add_column(width=12, style="bold")
        head.add_column(ratio=1)
        head.add_column(justify="right")
        head.add_row(scene.kind, scene.story, f"visible after {milliseconds:.0f} ms")
        states = Table.grid(padding=(0, 1))
        states.add_column(width=10, style="dim")
        states.add_column(overflow="fold")
        for old, new in zip(before, after, strict=True):
            states.add_row("before", line(old, new, BEFORE))
            states.add_row("after", line(new, old, AFTER))
        self._console.print(Padding(head, (1, 0, 0, 2)))
        self._console.print(Padding(states, (0, 0, 0, 4)))

    def gap(self) -> None:
        """An empty line."""
        self._console.print()

    def addresses(self, rows: Sequence[tuple[str, str]]) -> None:
        """Where everything is, two columns."""
        table = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
        table.add_column(style="dim")
        table.add_column(overflow="fold")
        for row in rows:
            table.add_row(*row)
        self._console.print(Padding(table, (0, 0, 0, 2)))
