"""The file that `syncsvc verify --metrics` leaves for the node exporter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from syncsvc.errors import UsageFault
from syncsvc.telemetry import verified
from syncsvc.telemetry.verified import Outcome

EQUAL = {"match": 3, "mismatch": 0, "missing": 0, "extra": 0}


def outcome(at: float, counts: Mapping[str, int] = EQUAL, pipeline: str = "meetings") -> Outcome:
    """A run that ended then."""
    return Outcome(pipeline, pipeline, counts, at, 1.5)


def read(path: Path) -> dict[tuple[str, ...], float]:
    """`{(name without prefix, label value, …): value}`."""
    return {
        (one.name.removeprefix("syncsvc_verify_"), *one.labels.values()): one.value
        for family in text_string_to_metric_families(path.read_text()) for one in family.samples
    }  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is wanted."""
    return tmp_path / "syncsvc.prom"


def test_a_run_leaves_its_counts_and_its_time(path: Path) -> None:
    """Whoever scrapes the host sees what the last run found, and when."""
    verified.check(path)
    verified.write(path, [outcome(1000.0)])

    assert read(path) == {
        ("documents", "meetings", "meetings", "match"): 3.0,
        ("documents", "meetings", "meetings", "mismatch"): 0.0,
        ("documents", "meetings", "meetings", "missing"): 0.0,
        ("documents", "meetings", "meetings", "extra"): 0.0,
        ("last_run_timestamp_seconds", "meetings", "meetings"): 1000.0,
        ("last_success_timestamp_seconds", "meetings", "meetings"): 1000.0,
        ("duration_seconds", "meetings", "meetings"): 1.5,
    }
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("result", ["mismatch", "missing", "extra"])
def test_a_run_that_found_a_difference_leaves_the_last_success_as_it_was(path: Path, result: str) -> None:
    """An alert on the age of the last success rings, whatever kind of difference there is."""
    verified.write(path, [outcome(1000.0)])
    verified.write(path, [outcome(2000.0, EQUAL | {result: 1})])
    found = read(path)

    assert found["last_run_timestamp_seconds", "meetings", "meetings"] == 2000.0
    assert found["last_success_timestamp_seconds", "meetings", "meetings"] == 1000.0
    assert found["documents", "meetings", "meetings", result] == 1.0


def test_a_pipeline_that_was_never_equal_has_no_last_success(path: Path) -> None:
    """Nothing is made up: not 0, not the time of the run."""
    verified.write(path, [outcome(1000.0, EQUAL | {"extra": 1}), outcome(1000.0, pipeline="feed")])

    assert {key[1] for key in read(path) if key[0] == "last_success_timestamp_seconds"} == {"feed"}


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        pytest.param("syncsvc.txt", None, "end in .prom", id="a name that the collector passes over"),
        pytest.param("nowhere/syncsvc.prom", None, "folder does not exist", id="a folder that is not there"),
        pytest.param("other.prom", "# TYPE up gauge\nup 1\n", "holds up", id="somebody else's metrics"),
        pytest.param("other.prom", "my notes, with a brace {\n", "holds no metrics", id="no metrics at all"),
    ],
)
def test_a_file_that_would_do_harm_is_refused_before_the_run(
    tmp_path: Path, name: str, content: str | None, what: str
) -> None:
    """A run of hours does not end in a file that nobody reads, nor in the place of another one."""
    path = tmp_path / name
    if content is not None:
        path.write_text(content)

    with pytest.raises(UsageFault, match=what):
        verified.check(path)
    assert content is None or path.read_text() == content


def test_a_file_that_cannot_be_written_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the file, and what to do; also when the disk filled up during the run."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(verified, "write_to_textfile", full)

    with pytest.raises(UsageFault, match="cannot be written: No space left"):
        verified.write(path, [outcome(1.0)])
    path.mkdir()
    with pytest.raises(UsageFault, match="cannot be read"):
        verified.check(path)
