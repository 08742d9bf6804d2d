"""`syncsvc apply` deletes no keyed topic under running workers, wherever MongoDB is looked for."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import pytest

from syncsvc import settings
from syncsvc.cli import apply, members, planning, rebuild, rebuilding, target
from syncsvc.cli.item import CREATE, LOSES, UPDATE, Item
from syncsvc.errors import Drift
from syncsvc.mapping.model import Pipeline
from tests.cli.conftest import Run
from tests.routing.tables import meetings

FIRST = meetings(partitions=2)
SECOND = replace(FIRST, name="others")
GIVEN = settings.read({"SYNCSVC_MONGO_DATABASE": "another"})


class Broker:
    """Kafka's groups, as far as they are asked: `{group: hosts of its members}`."""

    def __init__(self, running: Mapping[str, Sequence[str]]) -> None:
        self.running = running
        self.asked: list[str] = []

    def __call__(self, settings: object) -> Broker:
        """In place of the class: one broker for all who connect."""
        return self

    async def __aenter__(self) -> Broker:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None

    async def hosts(self, group: str) -> list[str]:
        """Where the group's members run."""
        self.asked.append(group)
        return sorted(self.running.get(group, ()))


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    """One on which the first pipeline has two workers, and the second none."""
    made = Broker({FIRST.group: ["10.0.0.5", "10.0.0.4"]})
    monkeypatch.setattr(members, "Groups", made)
    return made


def dropped(pipeline: Pipeline) -> Item:
    """What `plan` has of a keyed topic whose generation it does not find."""
    return Item(LOSES, "topic", pipeline.keyed_topic, "9 records of a generation that is not there", step="drop")


def test_a_keyed_topic_is_not_deleted_under_running_workers(broker: Broker) -> None:
    """What, where, and what to do; all pipelines are told at once, those without workers are not among them."""
    with pytest.raises(Drift) as refused:
        apply.refuse_running([FIRST, SECOND], GIVEN, [dropped(FIRST), dropped(SECOND)])

    (problem,) = refused.value.problems
    assert (problem.code, problem.where) == ("apply.still_running", f"group {FIRST.group}")
    assert "10.0.0.4, 10.0.0.5" in problem.what
    assert FIRST.keyed_topic in problem.what
    assert "SYNCSVC_MONGO_DATABASE" in problem.fix
    assert "end the workers" in problem.fix


def test_a_keyed_topic_that_no_worker_uses_may_go(broker: Broker) -> None:
    """As asked for with --yes."""
    apply.refuse_running([FIRST, SECOND], GIVEN, [dropped(SECOND)])

    assert broker.asked == [SECOND.group]


def test_nobody_is_asked_where_no_topic_is_deleted(broker: Broker) -> None:
    """`apply` beside running workers is usual: what is altered in place or made does not wait for their end."""
    altered = Item(LOSES, "topic", FIRST.keyed_topic, "records beyond retention.ms", step="alter")
    made = Item(CREATE, "topic", SECOND.keyed_topic, "2 partitions")

    apply.refuse_running([FIRST, SECOND], GIVEN, [altered, replace(altered, sign=UPDATE), made])

    assert broker.asked == []


def test_the_command_asks_before_it_makes_anything(
    run: Run, broker: Broker, monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    """--yes is no answer to it, and the exit code is that of drift."""
    loaded = replace(FIRST, name="meetings")
    broker.running = {loaded.group: ["10.0.0.4"]}
    monkeypatch.setattr(planning, "items", lambda pipelines, settings: [dropped(loaded)])
    monkeypatch.setattr(apply, "make", lambda *_: pytest.fail("something was made"))

    outcome = run("apply", file, "--yes", "-o", "json")

    assert (outcome.code, outcome.codes) == (3, ["apply.still_running"])


def test_a_rebuild_that_would_delete_it_leaves_the_file_as_it_is(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    """It does what `apply --yes` does, so it asks the same, before the new number is written."""
    text = file.read_text()
    made = rebuilding.Rebuild(
        FIRST, FIRST, 1, "pipeline: another", ("+",), (dropped(FIRST),), (), rebuilding.Room(None, None, None, 0)
    )
    monkeypatch.setattr(rebuilding, "planned", lambda *_: made)
    monkeypatch.setattr(target, "open_mongo", lambda _: io.BytesIO())  # it is asked nothing, and closed

    with pytest.raises(Drift, match=r"apply\.still_running"):
        rebuild.rebuild(file, yes=True)

    assert file.read_text() == text
