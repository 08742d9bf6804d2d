"""The state of a pipeline is the same whoever asks for it, and however many do so at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

from syncsvc.telemetry.progress import Progress
from syncsvc.telemetry.standing import STALLED_SECONDS, Standing


class Interrupted:
    """Partitions of a view; before the first of them is looked at, something else happens."""

    def __init__(self, partitions: tuple[Any, ...], meanwhile: Callable[[], None]) -> None:
        self._partitions, self._meanwhile = partitions, meanwhile

    def __iter__(self) -> Iterator[Any]:
        """Of the partitions."""
        self._meanwhile()
        return iter(self._partitions)


def test_those_who_look_at_once_do_not_take_a_standstill_from_each_other() -> None:
    """
    A scrape, the page and what other workers are told come from different threads.

    Each look replaces what the last one saw; one that came in between found nothing there, and began to wait anew.
    """
    progress, standing, said = Progress(), Standing(reported="running"), list[str]()
    progress.owned("joiner", "keyed", 3, 5)
    progress.ends({("keyed", 3): (0, 9)}, 0.0)
    view = progress.view(0.0)
    assert standing.state(view, 0.0) == "running"
    other = threading.Thread(target=lambda: said.append(standing.state(view, STALLED_SECONDS)))

    def meanwhile() -> None:
        other.start()
        other.join(0.2)

    torn = replace(view, partitions=cast("tuple[Any, ...]", Interrupted(view.partitions, meanwhile)))
    said.append(standing.state(torn, STALLED_SECONDS))
    other.join()

    assert said == ["stalled", "stalled"]
