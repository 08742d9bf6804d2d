"""What readers see while generations come and go: never an older one by itself, and never two pipelines' documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.integration.conftest import MakeStage
from tests.integration.stage import Stage
from tests.integration.waiting import wait_until
from tests.integration.worker import Worker


def _viewed(stage: Stage, generation: int) -> Path:
    """The mapping of a generation in a file of its own, published as a view."""
    stage.write_mapping(generation)
    path = stage.folder / f"g{generation}.yaml"
    path.write_text(stage.mapping.read_text().replace("publish: direct", "publish: view"))
    return path


def _worker(stage: Stage, file: Path) -> Worker:
    stage.mapping = file
    return stage.worker()


def _events(worker: Worker, name: str) -> list[str]:
    """Lines of one event."""
    return [line for line in worker.log.read_text().splitlines() if f" {name} " in line]


def _sees(stage: Stage, worker: Worker, generation: int) -> None:
    wait_until(lambda: stage.published() == f"meetings__g{generation}", worker.tail)


def _two_generations(make_stage: MakeStage, seed: int) -> tuple[Stage, dict[int, Path], Worker, Worker]:
    """Files by generation, a worker of the first, whose documents readers see, and one of the second, not started."""
    stage = make_stage(seed, meetings=20, partitions=2, source_partitions=1)
    stage.begin()
    files = {generation: _viewed(stage, generation) for generation in (1, 2)}
    first, second = (_worker(stage, file) for file in files.values())
    first.start()
    _sees(stage, first, 1)
    return stage, files, first, second


def test_a_worker_of_the_old_generation_does_not_take_readers_back(make_stage: MakeStage) -> None:
    """As in a slow rollout or a restart: it keeps its own documents true, and says why it does not show them."""
    stage, _, first, second = _two_generations(make_stage, 95)
    second.start()
    _sees(stage, second, 2)
    wait_until(lambda: _events(second, "generation_published"), second.tail)

    assert first.leave() == 0
    first.start()
    wait_until(lambda: _events(first, "generation_withheld"), first.tail)
    assert "reason=older" in _events(first, "generation_withheld")[0]
    assert "shown=2" in _events(first, "generation_withheld")[0]
    assert stage.published() == "meetings__g2"
    stage.change(30)
    wanted = stage.meetup.documents()
    for number in (1, 2):
        documents = stage.database[f"meetings__g{number}"]
        wait_until(
            lambda documents=documents: {one["_id"]: one for one in documents.find({}, {"_sync": 0})} == wanted,
            stage.tails,
        )


def test_only_a_person_takes_readers_back_and_it_stays_so(make_stage: MakeStage) -> None:
    """`publish` refuses a generation that is behind; after it no worker of the newer one undoes it."""
    stage, files, first, second = _two_generations(make_stage, 97)
    assert first.leave() == 0
    second.start()
    _sees(stage, second, 2)
    stage.change(30)

    behind = stage.command("publish", str(files[1]), "-o", "json")
    assert (behind.returncode, _told(behind)) == (3, ["publish.behind"])
    assert stage.published() == "meetings__g2"
    first.start()
    wait_until(lambda: stage.command("publish", str(files[1])).returncode == 0, stage.tails)
    assert stage.published() == "meetings__g1"

    assert second.leave() == 0
    second.start()
    wait_until(lambda: _events(second, "generation_withheld"), second.tail)
    assert "reason=taken_back" in _events(second, "generation_withheld")[0]
    assert stage.published() == "meetings__g1"
    watched = stage.command("rebuild", str(files[2]), "--watch", "-o", "json")
    assert watched.returncode == 1
    assert "rebuild.withheld" in watched.stdout


def _told(outcome: Any) -> list[str]:
    return [problem["code"] for problem in json.loads(outcome.stdout)["problems"]]


def test_a_second_pipeline_of_one_collection_is_refused(make_stage: MakeStage) -> None:
    """In one command by the lines of both files, elsewhere by the owner that MongoDB knows; nothing is made."""
    stage = make_stage(96, meetings=10, partitions=2, source_partitions=1)
    stage.begin()
    worker = stage.worker()
    worker.start()
    stage.settle()
    other = stage.folder / "other.yaml"
    other.write_text(stage.mapping.read_text().replace(f"pipeline: {stage.name}", f"pipeline: {stage.name}other"))

    together = stage.command("validate", str(stage.mapping), str(other), "-o", "json")
    assert (together.returncode, _told(together)) == (2, ["mapping.same_collection"])
    assert stage.command("run", str(stage.mapping), str(other)).returncode == 2
    planned = stage.command("plan", str(other), "-o", "json")
    assert planned.returncode == 3
    assert "mongo.other_pipeline" in planned.stdout
    applied = stage.command("apply", str(other), "-o", "json")
    assert applied.returncode == 3
    assert "mongo.other_pipeline" in _told(applied)
    intruder = _worker(stage, other)
    intruder.start()
    assert intruder.ended() == 3
    assert "mongo.other_pipeline" in intruder.log.read_text()
    assert stage.name in intruder.log.read_text()
    assert not [name for name in stage.database.list_collection_names() if "other" in name]
