"""
`syncsvc validate`: everything that is wrong, in one run, with its place.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from syncsvc.devstack.stack import Stack
from tests.cli.conftest import Run, spawn
from tests.verify import world

BROKEN = """\
pipeline: meetings
generation: 1
collection: meetings
source: {topic_prefix: meetup}
root: {table: meetup.meeting, key: id, fields: [title]}
embed:
  applications:
    many: meetup.application
    on: meeting_di
    identity: id
    feilds: [id]
tables:
  meetup.meeting: {key: id, columns: {id: int, title: varchar(50)}}
  meetup.application: {key: id, columns: {id: int, meeting_id: int}}
"""
GOLDEN = """\
broken.yaml:9:9  mapping.unknown_column
  table "meetup.application" has no column "meeting_di"
  fix: did you mean "meeting_id"?
broken.yaml:11:5  mapping.unknown_key
  embed "applications" has no key "feilds"
  fix: did you mean "fields"?
2 problems
"""


def test_a_right_file_is_summed_up(file: Path) -> None:
    """As a real process: exit code 0, one line a file."""
    outcome = spawn("validate", file)

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.split()[-6:] == [str(file), "meetings", "1", "3", "2", "meetings__g1"]


def test_json_says_the_same(run: Run, file: Path) -> None:
    """For programs."""
    outcome = run("validate", file, "--output", "json")

    assert outcome.code == 0
    assert outcome.json == {
        "pipelines": [
            {
                "file": str(file),
                "pipeline": "meetings",
                "generation": 1,
                "tables": 3,
                "relations": 2,
                "collection": "meetings__g1",
            }
        ],
        "live": False,
        "problems": [],
    }


def test_every_problem_of_a_file_is_told_with_its_place(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Line, column, what is wrong, how to mend it; exit code 2."""
    monkeypatch.chdir(tmp_path)
    Path("broken.yaml").write_text(BROKEN)

    outcome = run("validate", "broken.yaml")

    assert outcome.code == 2
    assert outcome.err == GOLDEN


def test_problems_of_all_files_come_together(run: Run, file: Path, tmp_path: Path) -> None:
    """A right file between two wrong ones hides neither."""
    (tmp_path / "broken.yaml").write_text(BROKEN)

    outcome = run("validate", tmp_path / "nothing.yaml", file, tmp_path / "broken.yaml", "-o", "json")

    assert outcome.code == 2
    assert outcome.codes == ["mapping.unreadable", "mapping.unknown_column", "mapping.unknown_key"]


@pytest.mark.parametrize("words", [["validate"], ["explain", "--key", "1"], ["preview", "--key", "1"], ["verify"]])
def test_a_file_of_cases_alone_is_no_mapping(run: Run, tmp_path: Path, words: list[str]) -> None:
    """Nothing was checked, so nothing is said to be right."""
    outcome = run(words[0], tmp_path / "orders.cases.yaml", *words[1:], "-o", "json")

    assert (outcome.code, outcome.codes) == (2, ["usage.no_mapping"])
    assert outcome.json["problems"][0]["fix"].endswith("orders.yaml")


def test_a_file_that_is_named_twice_is_read_once(run: Run, file: Path) -> None:
    """A glob beside a name is no second pipeline."""
    outcome = run("validate", file, file.with_name("meetings.cases.yaml"), file, "-o", "json")

    assert (outcome.code, len(outcome.json["pipelines"])) == (0, 1)


@pytest.mark.servers
def test_live_agrees_with_a_server_whose_tables_are_as_declared(run: Run, stack: Stack, file: Path) -> None:
    """Tables, binlog and connector are fit."""
    assert run("validate", file, "--live").code == 0


@pytest.mark.servers
def test_live_tells_every_table_that_is_otherwise(run: Run, stack: Stack, tmp_path: Path) -> None:
    """Types, missing columns and what may be null, each at its line of the file."""
    text = world.MAPPING.replace("capacity: int null", "capacity: int").replace(
        "label: varchar(20)", "label: varchar(9)"
    )
    (tmp_path / "file.yaml").write_text(text.replace("meetup.user", "meetup.usr"))

    outcome = run("validate", tmp_path / "file.yaml", "--live", "-o", "json")

    assert outcome.code == 2
    assert sorted(outcome.codes) == ["source.null_differs", "source.type_differs", "source.unknown_table"]
    assert all(problem["where"].startswith(str(tmp_path / "file.yaml:")) for problem in outcome.json["problems"])


@pytest.mark.servers
def test_live_refuses_a_binlog_that_does_not_hold_whole_rows(run: Run, stack: Stack, file: Path) -> None:
    """The declaration is right, the server is not: a failed check."""
    stack.sql.execute("SET GLOBAL binlog_row_image = 'MINIMAL'")
    try:
        outcome = run("validate", file, "--live", "-o", "json")
    finally:
        stack.sql.execute("SET GLOBAL binlog_row_image = 'FULL'")

    assert outcome.code == 1
    assert outcome.codes == ["source.binlog"]
