"""Fleets as an operator meets them, for pictures and for looking: made up, but only through what a worker can tell."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import replace

from syncsvc import mapping
from syncsvc.telemetry import shape
from syncsvc.telemetry.fleet import Seen
from syncsvc.telemetry.recent import Timing
from syncsvc.telemetry.status import ParkedStatus, PartitionStatus, PipelineStatus, Status, TopicStatus
from tests.web.conftest import ROOT, Site

SCENES = ("calm", "busy", "parked", "outage", "empty")
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
PARTITIONS = 6
#: Freshness by keyed partition in the busy scene.
LATE = {3: 14.2, 4: 1.8}


def _timings(scale: float) -> tuple[Timing, ...]:
    def around(name: str, seconds: float) -> Timing:
        middle = seconds * scale
        counts = [int(900 * math.exp(-(math.log(bound / middle) ** 2))) for bound in BOUNDS]
        return Timing(name, BOUNDS, (*counts, 0))

    return (around("broker", 0.006), around("queue", 0.004), around("apply", 0.011), around("end to end", 0.04))


def _meetings(worker: int, *, calm: bool, number: int = 1) -> PipelineStatus:
    pipeline = replace(mapping.load(ROOT / "pipelines/meetings.yaml"), generation=number)
    tables = sorted({pipeline.source_topic(table) for table in pipeline.tables})
    topics = (
        *(TopicStatus("router", topic, PARTITIONS) for topic in tables),
        TopicStatus("joiner", pipeline.keyed_topic, PARTITIONS),
    )
    partitions = []
    for topic in topics:
        for index in range(worker, topic.partitions, 2):
            age = 0.0 if calm or topic.stage == "router" else LATE.get(index, 0.0)
            end = 48_000 + 977 * index
            lag = int(age * 120)
            state = "behind" if age else "live"
            partitions.append(PartitionStatus(topic.stage, topic.name, index, end - lag, end, lag, age, state))
    return PipelineStatus(
        "meetings", number, pipeline.collection + f"__g{number}", "running",
        max(one.freshness or 0 for one in partitions), 5.0, tuple(partitions), 81_344 + worker, 0, topics=topics,
        documents_per_second=4.0 if calm else 812.0,
        timings=_timings(1.0 if calm else 4.0), shape=shape.of(pipeline), mapping_hash="3f9a",
    )  # fmt: skip


def _feed(worker: int) -> PipelineStatus:
    pipeline = mapping.load(ROOT / "pipelines/feed.yaml")
    whole = _meetings(worker, calm=True)
    named = {old.name: new for old, new in zip(whole.topics[1:], _feed_topics(), strict=False)}
    partitions = tuple(
        replace(one, topic=named[one.topic].name, applied_offset=9_120, end_offset=9_120)
        for one in whole.partitions
        if one.topic in named
    )
    return replace(
        whole, name="feed", collection="feed__g1", partitions=partitions, topics=_feed_topics(),
        documents_per_second=0.2, shape=shape.of(pipeline),
    )  # fmt: skip


def _feed_topics() -> tuple[TopicStatus, ...]:
    pipeline = mapping.load(ROOT / "pipelines/feed.yaml")
    tables = sorted({pipeline.source_topic(table) for table in pipeline.tables})
    return (
        *(TopicStatus("router", topic, PARTITIONS) for topic in tables),
        TopicStatus("joiner", pipeline.keyed_topic, PARTITIONS),
    )


def _status(instance: str, *pipelines: PipelineStatus) -> Status:
    return Status("0.9.0", instance, time.time() - 93_784, pipelines)


def busy() -> Status:
    """One worker of two while a partition is late and two keys are parked."""
    meetings = replace(_meetings(0, calm=False), parked=2, parked_list=_parked())
    return _status("syncsvc-0", _feed(0), meetings)


def fleet() -> tuple[Seen, ...]:
    """The other worker."""
    return (Seen("syncsvc-1", 1.4, _status("syncsvc-1", _feed(1), _meetings(1, calm=False))),)


def _with_copy(status: Status, worker: int) -> Status:
    """The worker also builds the next generation."""
    copy = _meetings(worker, calm=True, number=2)
    partitions = tuple(
        replace(one, freshness=None, state="behind", applied_offset=(one.end_offset or 0) * 3 // 4, lag=12_000)
        for one in copy.partitions
    )
    copy = replace(copy, state="snapshotting", first_copy=(155_600, 240_000), freshness_seconds=None,
                   partitions=partitions, documents_per_second=0.0, timings=())  # fmt: skip
    return replace(status, pipelines=(*status.pipelines, copy))


def _parked() -> tuple[ParkedStatus, ...]:
    now = time.time()
    return (
        ParkedStatus("meetup.meetup.meeting[2]@48120", "decode.bad_decimal", now - 7_390, "5b1f0c2a99d0e471"),
        ParkedStatus(
            "syncsvc.meetings.g1.keyed[3]@49977", "document.refused", now - 312, "c40d3aa1b2e97705", "document"
        ),
    )


async def play(scene: str, site: Site) -> None:
    """Puts a scene on a site, with some history where there is something to see."""
    if scene == "empty":
        site.status = _status("syncsvc-0")
        await _shown(site)
        return
    calm = scene != "busy"
    site.status = _status("syncsvc-0", _meetings(0, calm=calm))
    site.others = (Seen("syncsvc-1", 1.4, _status("syncsvc-1", _meetings(1, calm=calm))),)
    if scene == "busy":
        site.status, site.others = busy(), fleet()
        site.status = _with_copy(site.status, 0)
        assert site.others[0].status is not None
        site.others = (replace(site.others[0], status=_with_copy(site.others[0].status, 1)),)
    if scene == "parked":
        site.status = _status("syncsvc-0", replace(_meetings(0, calm=True), parked=2, parked_list=_parked()))
    if scene == "outage":
        site.others = (replace(site.others[0], age_seconds=142.0),)
    _remember(site, scene)
    await _shown(site)


def _remember(site: Site, scene: str) -> None:
    """Five minutes, as the feed would have sampled them."""
    assert site.server is not None
    feed, latest = site.server.feed, site.status
    for second in range(295):
        wave = max(0.0, math.sin(second / 23) * math.sin(second / 7.1))
        gone = scene == "outage" and second > 200
        pipelines = []
        for one in latest.pipelines:
            if one.first_copy is not None:
                pipelines.append(one)
                continue
            late = 14.0 * wave if scene == "busy" and (one.freshness_seconds or 0) > 0 else 0.4 * wave
            partitions = tuple(
                replace(part, freshness=late if part.stage == "joiner" else 0.0,
                        applied_offset=(part.end_offset or 0) - int(late * 40 if part.stage == "joiner" else 0),
                        lag=int(late * 40) if part.stage == "joiner" else 0)
                for part in one.partitions
            )  # fmt: skip
            rate = (one.documents_per_second or 0) * (0.7 + 0.3 * math.sin(second / 31)) + 2 * wave
            pipelines.append(
                replace(one, partitions=partitions, freshness_seconds=late, documents_per_second=max(0.0, rate))
            )
        site.status = replace(latest, pipelines=tuple(pipelines))
        kept = site.others
        site.others = tuple(_told(one, 99.0 if gone else 1.0, scene == "busy") for one in kept)
        feed.sample()
        site.others = kept
    site.status = latest


def _told(one: Seen, age: float, late: bool) -> Seen:
    """The other worker as it was; in the busy scene it is late only now."""
    if late and one.status is not None:
        fresh = tuple(
            replace(
                pipeline, freshness_seconds=0.0,
                partitions=tuple(replace(p, freshness=0.0, applied_offset=p.end_offset or 0, lag=0)
                                 for p in pipeline.partitions),
            )
            for pipeline in one.status.pipelines
            if pipeline.first_copy is None
        )  # fmt: skip
        one = replace(one, status=replace(one.status, pipelines=fresh))
    return replace(one, age_seconds=age)


async def _shown(site: Site) -> None:
    """Until the server's own sample has it."""
    wanted = site.status.instance
    for _ in range(2):
        name, board = await asyncio.to_thread(next, site.events())
        assert name == "board"
        assert wanted in board
        assert site.server is not None
        site.server.feed.sample()
