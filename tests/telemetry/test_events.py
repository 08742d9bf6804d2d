"""The log: one line an event, always the same keys in the same order, never the content of a row."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from syncsvc.errors import Unreachable
from syncsvc.telemetry import logs
from syncsvc.telemetry.events import Events
from syncsvc.telemetry.metrics import Metrics, PipelineLabels

EVENT, TOPIC = "meetup.event", "meetup.meetup.event"
PLACE: dict[str, Any] = {"pipeline": "meetings", "stage": "router", "topic": TOPIC, "partition": 3}


@pytest.fixture
def metrics() -> Metrics:
    """A worker with one pipeline."""
    labels = PipelineLabels("meetings", "meetings__g1", "3f9a", "view", (EVENT,), (TOPIC,), 10)
    return Metrics([labels], version="1.2.3")


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], list[str]]]:
    """Lines written to stderr after `setup_logging`, which is undone afterwards."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield lambda: capsys.readouterr().err.splitlines()
    root.handlers[:] = before
    root.setLevel(level)


def test_an_event_is_one_json_line_with_its_keys_in_order(metrics: Metrics, said: Callable[[], list[str]]) -> None:
    """Time, level, event, then the fields as the event declares them: lines of one event line up."""
    logs.setup_logging("info")
    Events(metrics).partition_opened(**PLACE, offset=90, cache="warm", segments=2, seconds=0.01234)

    (line,) = said()
    head, place = ["time", "level", "event"], ["pipeline", "stage", "topic", "partition", "offset"]
    assert list(json.loads(line)) == [*head, *place, "cache", "segments", "seconds"]
    assert json.loads(line)["seconds"] == 0.012


def test_batches_are_silent_at_the_level_of_operators(metrics: Metrics, said: Callable[[], list[str]]) -> None:
    """At `info` nothing is written per batch, but it is counted."""
    logs.setup_logging("info")
    Events(metrics).batch_committed(**PLACE, offset=90, records=20, documents=3, seconds=0.01)

    assert said() == []
    assert b'transaction_commits_total{pipeline="meetings",stage="router"} 1.0' in metrics.render()[0]


def test_a_parked_record_is_an_error_with_its_place_and_is_counted(
    metrics: Metrics, said: Callable[[], list[str]]
) -> None:
    """A person must act: the line says where to look, the metric raises the alarm."""
    logs.setup_logging("info")
    Events(metrics).record_parked(
        pipeline="meetings", table=EVENT, topic=TOPIC, partition=3, offset=7, reason="change.bad_value"
    )

    line = json.loads(said()[0])
    assert (line["level"], line["event"], line["where"]) == ("error", "record_parked", f"{TOPIC}[3]@7")
    body = metrics.render()[0]
    assert b'events_parked_total{pipeline="meetings",reason="change.bad_value",table="meetup.event"} 1.0' in body
    assert b'decode_errors_total{reason="change.bad_value",topic="meetup.meetup.event"} 1.0' in body


def test_rows_that_go_without_a_delete_of_their_own_are_told(metrics: Metrics, said: Callable[[], list[str]]) -> None:
    """That a table was emptied, dropped or read again is a line and a count by its cause; the rows are a count."""
    logs.setup_logging("info")
    events = Events(metrics)
    events.rows_barred(pipeline="meetings", table=EVENT, cause="drop")
    events.rows_removed(pipeline="meetings", partition=2, barred=1, swept=500, doomed=3)

    (line,) = said()
    told = json.loads(line)
    assert (told["event"], told["table"], told["cause"], told["events"]) == ("rows_barred", EVENT, "drop", 1)
    body = metrics.render()[0]
    assert b'barriers_total{cause="drop",pipeline="meetings",table="meetup.event"} 1.0' in body
    assert b'barriers_total{cause="snapshot",pipeline="meetings",table="meetup.event"} 0.0' in body
    for reason, rows in (("barred", 1), ("swept", 500), ("doomed", 3)):
        assert f'rows_removed_total{{pipeline="meetings",reason="{reason}"}} {rows}.0'.encode() in body


def test_the_text_of_an_unknown_error_is_not_logged(metrics: Metrics, said: Callable[[], list[str]]) -> None:
    """Drivers quote keys and values in theirs; type and place are enough to find the fault."""
    logs.setup_logging("debug")
    try:
        raise ValueError("E11000 dup key: { email: 'ann@example.org' }")
    except ValueError as error:
        Events(metrics).failed(error, pipeline="meetings")

    (line,) = said()
    assert "ann@example.org" not in line
    assert json.loads(line)["error"] == "ValueError"
    assert json.loads(line)["at"][-1].startswith("telemetry/test_events.py:")


def test_our_own_errors_are_logged_with_what_and_fix(metrics: Metrics, said: Callable[[], list[str]]) -> None:
    """They are written for people and never quote a row."""
    logs.setup_logging("info")
    Events(metrics).failed(Unreachable(code="mongo.down", where="localhost:27017", what="no answer", fix="start it"))

    assert json.loads(said()[0])["problems"][0]["fix"] == "start it"


def test_a_library_that_logs_a_traceback_does_not_show_its_text(said: Callable[[], list[str]]) -> None:
    """The same rule for lines that are not ours."""
    logs.setup_logging("info")
    try:
        raise KeyError("ann@example.org")
    except KeyError:
        logging.getLogger("pymongo.client").exception("operation failed")

    (line,) = said()
    assert json.loads(line)["message"] == "operation failed"
    assert "ann@example.org" not in line


def test_text_lines_are_for_terminals(metrics: Metrics, said: Callable[[], list[str]]) -> None:
    """The same event, shorter; values with spaces are quoted."""
    logs.setup_logging("info", "text")
    Events(metrics).stopped(reason="told to", seconds=3.5)

    assert said()[0].endswith('info    stopped reason="told to" seconds=3.5')


def test_the_first_copy_shows_as_progress(metrics: Metrics, said: Callable[[], list[str]]) -> None:
    """A ratio for the board, 1 when it is done."""
    logs.setup_logging("info")
    events = Events(metrics)
    events.first_copy_progress(pipeline="meetings", done=25, total=100)
    assert b'snapshot_progress_ratio{pipeline="meetings"} 0.25' in metrics.render()[0]

    events.first_copy_done(pipeline="meetings", records=100, documents=40, seconds=2)
    assert b'snapshot_progress_ratio{pipeline="meetings"} 1.0' in metrics.render()[0]
