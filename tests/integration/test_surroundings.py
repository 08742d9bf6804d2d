"""A worker that cannot start says why and how to mend it, leaves a stable exit code, and leaves nothing half made."""

from __future__ import annotations

from pathlib import Path

from syncsvc.devstack import cache, server
from syncsvc.devstack.mongod import Mongod
from tests.integration.conftest import MakeStage
from tests.integration.stage import Stage
from tests.integration.worker import Worker

MAPPING_OR_TOPICS_DIFFER, NOT_REACHABLE = 3, 4


def refused(worker: Worker, code: str) -> int:
    """Starts a worker that must refuse, and say so with one problem of this code; returns its exit code."""
    worker.start()
    exit_code = worker.ended()
    told = worker.log.read_text()
    assert told.count(code) == 1, told
    assert "Traceback" not in told, told
    assert "fix" in told, told
    worker.wanted = False
    return exit_code


def made(stage: Stage) -> tuple[list[str], set[str]]:
    """What exists of the pipeline: collections, and topics."""
    return sorted(stage.database.list_collection_names()), stage.logs.there()


def starts(stage: Stage, worker: Worker) -> None:
    """The same worker starts and does its work."""
    worker.start()
    worker.ready()
    stage.settle()
    assert worker.leave() == 0


def test_a_standalone_mongod_is_refused_with_the_command_that_makes_it_a_replica_set(
    make_stage: MakeStage, store: cache.Cache, tmp_path: Path
) -> None:
    """A standalone server has no transactions, so nothing is written to it; exit code 4."""
    stage, alone = make_stage(71, meetings=10), Mongod(store, tmp_path / "mongod", standalone=True, cache_gb=0.25)
    alone.start()
    stage.begin()
    worker = stage.worker()
    worker.environment["SYNCSVC_MONGO_URI"] = alone.uri

    assert refused(worker, "mongo.no_transactions") == NOT_REACHABLE
    assert "mongod --replSet" in worker.log.read_text()
    alone.stop()

    worker.environment.clear()
    starts(stage, worker)


def test_wrong_credentials_are_refused_and_not_repeated_on_the_screen(make_stage: MakeStage) -> None:
    """MongoDB refuses the login: exit code 4, and the password is nowhere in what the worker says."""
    stage = make_stage(72, meetings=10)
    stage.begin()
    worker = stage.worker()
    worker.environment["SYNCSVC_MONGO_URI"] = f"mongodb://nobody:geheim@{stage.mongod.address}/?replicaSet=rs0"

    assert refused(worker, "mongo.refused") == NOT_REACHABLE
    assert "geheim" not in worker.log.read_text()

    worker.environment.clear()
    starts(stage, worker)


def test_a_kafka_that_is_not_there_is_named(make_stage: MakeStage) -> None:
    """Exit code 4 with the address that was tried; MongoDB is as it was."""
    stage = make_stage(73, meetings=10)
    stage.begin()
    before, nowhere = made(stage), f"127.0.0.1:{server.free_port()}"
    worker = stage.worker()
    worker.environment["SYNCSVC_KAFKA_BOOTSTRAP"] = nowhere

    assert refused(worker, "kafka.unreachable") == NOT_REACHABLE
    assert nowhere in worker.log.read_text()
    assert made(stage) == before

    worker.environment.clear()
    starts(stage, worker)


def test_a_port_in_use_is_named(make_stage: MakeStage) -> None:
    """Two workers with one port: the second ends with exit code 4 and names the port, the first goes on."""
    stage = make_stage(74, meetings=10)
    stage.begin()
    first, second = stage.worker(), stage.worker()
    first.start()
    first.ready()
    free, second.port = second.port, first.port

    assert refused(second, "web.port_in_use") == NOT_REACHABLE
    assert str(first.port) in second.log.read_text()
    assert first.running

    second.port = free
    starts(stage, second)


def test_a_keyed_topic_with_other_partitions_is_refused_before_anything_is_made(make_stage: MakeStage) -> None:
    """Keys would go to other partitions than before: exit code 3; nothing was made, and without the topic it works."""
    stage = make_stage(75, meetings=10)
    stage.begin()
    stage.logs.make([stage.logs.keyed], stage.partitions + 1)
    before, worker = made(stage), stage.worker()

    assert refused(worker, "topic.partitions") == MAPPING_OR_TOPICS_DIFFER
    assert made(stage) == before

    stage.logs.remove(stage.logs.keyed)
    starts(stage, worker)


def test_a_changed_mapping_under_the_same_generation_is_refused(make_stage: MakeStage) -> None:
    """The documents were made by another mapping: exit code 3, and with the mapping as it was it goes on."""
    stage = make_stage(76, meetings=10)
    stage.begin()
    worker = stage.worker()
    starts(stage, worker)
    shown = stage.shown()
    worker.log.unlink()

    stage.write_mapping(title_type="varchar(100)")
    assert refused(worker, "generation.mapping_changed") == MAPPING_OR_TOPICS_DIFFER
    assert stage.shown() == shown

    stage.write_mapping()
    stage.change(20)
    starts(stage, worker)


def test_a_source_topic_that_grew_under_a_generation_is_refused(make_stage: MakeStage) -> None:
    """More partitions spread the changes of one row over two of them, so their order is lost: exit code 3."""
    stage = make_stage(77, meetings=10)
    stage.begin()
    worker = stage.worker()
    starts(stage, worker)
    worker.log.unlink()

    stage.logs.grow(stage.logs.sources[0], stage.logs.source_partitions + 1)
    assert refused(worker, "generation.partitions_changed") == MAPPING_OR_TOPICS_DIFFER


def made_anew(stage: Stage, topic: str) -> None:
    """Somebody deletes a topic and makes it again; it grows past the offsets that were read of the one before."""
    before = stage.logs.ends()
    stage.logs.remove(topic)
    stage.logs.make([topic], stage.source_partitions)
    while any(end < before[place] + 10 for place, end in stage.logs.ends().items() if place[0] == topic):
        stage.logs.publish(stage.meetup.snapshot())


def test_a_topic_made_anew_while_no_worker_ran_is_refused(make_stage: MakeStage) -> None:
    """
    Its offsets mean other records, though the log reaches beyond all of them: exit code 3, and no document changes.

    The worker read on from the middle, and said nothing.
    """
    stage = make_stage(78, meetings=10)
    stage.begin()
    worker = stage.worker()
    starts(stage, worker)
    worker.log.unlink()
    shown = stage.shown()

    made_anew(stage, stage.logs.sources[0])

    planned = stage.command("plan", str(stage.mapping))
    assert (planned.returncode, "id of topic" in planned.stdout) == (MAPPING_OR_TOPICS_DIFFER, True)
    assert refused(worker, "generation.topic_recreated") == MAPPING_OR_TOPICS_DIFFER
    assert stage.shown() == shown


def test_a_topic_made_anew_under_a_worker_ends_it(make_stage: MakeStage) -> None:
    """Within seconds, with exit code 3; started again it says that the topic is another one."""
    stage = make_stage(79, meetings=10)
    stage.begin()
    worker = stage.worker()
    worker.start()
    worker.ready()
    stage.settle()

    made_anew(stage, stage.logs.sources[0])

    assert worker.ended() == MAPPING_OR_TOPICS_DIFFER
    worker.log.unlink()
    assert refused(worker, "generation.topic_recreated") == MAPPING_OR_TOPICS_DIFFER
