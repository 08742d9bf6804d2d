"""
Every spec file on the real road: the same changes in a real database lead to the same documents in a real mongod.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncsvc import cases
from syncsvc.devstack.missing import ServerMissing
from syncsvc.mapping.case import Round
from syncsvc.mapping.cases import beside
from syncsvc.mapping.model import Pipeline
from tests.integration.waiting import wait_until
from tests.specs import files
from tests.specs.road import Road

pytestmark = pytest.mark.servers
#: What may depend on the kind of the source runs with MySQL, too.
OF_THE_SOURCE = ("meetings", "joins", "cascade", "collations")
MYSQL = [path for path in files.mappings() if path.stem in OF_THE_SOURCE]
RUNS = [("mariadb", path) for path in files.mappings()] + [("mysql", path) for path in MYSQL]
#: Longest wait for a document after everything that was sent is applied.
DOCUMENT_SECONDS = 10.0


class Roads:
    """One road at a time, for all files of its database."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._factory = factory
        self._kind, self._road = "", contextlib.ExitStack()
        self._opened: Road | None = None

    def of(self, kind: str) -> Road:
        """The road with the database asked for; the one before it is closed."""
        if kind != self._kind or self._opened is None:
            self.close()
            self._kind = kind
            self._opened = self._open(kind)
        return self._opened

    def _open(self, kind: str) -> Road:
        wanted = [path for asked, path in RUNS if asked == kind]
        road = Road("mysql" if kind == "mysql" else "mariadb", wanted, self._factory.mktemp("specs"))
        self._road.callback(road.close)
        try:
            road.start()
        except ServerMissing as missing:
            pytest.skip(f"{kind} cannot be had here: {missing}")
        return road

    def close(self) -> None:
        """Everything ends."""
        self._opened = None
        self._road.close()


@pytest.fixture(scope="module")
def roads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roads]:
    """Not a fixture with a parameter: pytest would make it anew for every file."""
    opened = Roads(tmp_path_factory)
    yield opened
    opened.close()


def parted(road: Road, pipeline: Pipeline, expected: Round) -> list[dict[str, str]]:
    """What differs when all is applied; a new document may wait a moment longer for what it looks up."""
    found: list[dict[str, str]] = []

    def equal() -> bool:
        found[:] = [
            difference.as_dict()
            for collection, documents in expected.expect.items()
            for difference in cases.differences(documents, road.documents(pipeline, collection))
        ]
        return not found

    with contextlib.suppress(AssertionError):
        wait_until(equal, lambda: "", seconds=DOCUMENT_SECONDS)
    return found


@pytest.mark.parametrize(("kind", "path"), RUNS, ids=[f"{kind} {files.name(path)}" for kind, path in RUNS])
def test_every_case_holds_on_real_servers(roads: Roads, kind: str, path: Path) -> None:
    """Given these changes by SQL, the documents are those of the file, after every round."""
    road = roads.of(kind)
    pipeline = road.pipelines[path.stem]
    wrong = []
    for case in cases.load(beside(road.files[path.stem]), pipeline):
        road.clean(pipeline)
        for one in case.rounds:
            road.take(one.given, pipeline)
            wrong += [(case.name, one.where, difference) for difference in parted(road, pipeline, one)]

    assert wrong == []
    assert list(road.database["syncsvc_parked"].find()) == []
