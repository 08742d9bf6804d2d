"""
`syncsvc dev`: a person without clients of their own gets at both databases of the stack.
"""

from __future__ import annotations

import json
from pathlib import Path

import pymysql
import pytest
from pymongo import MongoClient

from syncsvc.devstack import dsn, folders
from syncsvc.devstack.stack import Stack
from tests.cli.conftest import Run


@pytest.mark.servers
def test_a_file_of_statements_is_run_as_a_client_would(run: Run, stack: Stack, tmp_path: Path) -> None:
    """Comments, quotes with `;` in them and several statements; rows of queries are shown, also as JSON."""
    file = tmp_path / "schema.sql"
    file.write_text(
        "-- a comment; with a semicolon\nCREATE OR REPLACE TABLE meetup.room (name varchar(20));\n"
        "INSERT INTO meetup.room VALUES ('a;b'), ('c');\nSELECT name FROM meetup.room ORDER BY name;\n"
    )
    shown = run("dev", "sql", file, "--folder", stack.folder)
    as_json = run("dev", "sql", "-e", "SELECT count(*) AS n FROM meetup.room", "--folder", stack.folder, "-o", "json")

    assert (shown.code, shown.out.split()) == (0, ["name", "a;b", "c"])
    assert as_json.json == [{"n": 2}]


@pytest.mark.servers
def test_a_wrong_statement_is_told_as_the_server_tells_it(run: Run, stack: Stack) -> None:
    """Exit code 2; what stood before it was run, as with a client."""
    text = "CREATE OR REPLACE TABLE meetup.hall (id int); SELEC 1; DROP TABLE meetup.hall"
    failed = run("dev", "sql", "--execute", text, "--folder", stack.folder)
    after = run("dev", "sql", "-e", "SELECT count(*) AS n FROM meetup.hall", "--folder", stack.folder, "-o", "json")

    assert (failed.code, after.json) == (2, [{"n": 0}])
    assert "devstack.bad_sql" in failed.err
    assert "SQL syntax" in failed.err
    assert "--execute 1, statement 2" in failed.err


class Answers:
    """A connection to a server, and its cursor, that answers one statement after the other and refuses the last."""

    description = None

    def __init__(self, *answered: int) -> None:
        #: How many statements of each text are run before one is refused; 0: all of it is run.
        self._left = list(answered)

    def __enter__(self) -> Answers:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held."""

    def cursor(self) -> Answers:
        """Itself: one text at a time."""
        self._at = self._left.pop(0)
        return self

    def execute(self, text: str) -> int:
        """The first statement of a text."""
        self.nextset()
        return 0

    def nextset(self) -> bool:
        """The next one."""
        if self._at == 0:
            return False
        self._at -= 1
        if self._at == 0:
            raise pymysql.err.IntegrityError(1062, "Duplicate entry")
        return True

    def close(self) -> None:
        """Nothing is held."""


@pytest.mark.parametrize(
    ("answered", "place"),
    [((1,), "FILE, statement 1"), ((3,), "FILE, statement 3"), ((0, 2), "--execute 1, statement 2"),
     ((0, 0, 1), "--execute 2, statement 1")],
)  # fmt: skip
def test_the_statement_that_failed_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answered: tuple[int, ...], place: str
) -> None:
    """By its file or option, and its number there: what a server says of it may fit any of them."""
    file = tmp_path / "rows.sql"
    file.write_text("INSERT …; INSERT …; INSERT …")
    monkeypatch.setattr(folders, "environment", lambda _: {"SYNCSVC_SOURCE_DSN": "mysql://reader@127.0.0.1:3306"})
    monkeypatch.setattr(dsn, "connect", lambda *_, **__: Answers(*answered))

    failed = run("dev", "sql", file, "-e", "INSERT …; INSERT …", "-e", "INSERT …", "-o", "json")

    (problem,) = failed.json["problems"]
    assert (failed.code, problem["code"], problem["what"]) == (2, "devstack.bad_sql", "Duplicate entry")
    assert problem["where"] == place.replace("FILE", str(file))


@pytest.mark.servers
def test_documents_are_shown_by_id_without_what_is_ours(run: Run, stack: Stack) -> None:
    """As JSON that keeps dates and decimals apart, at most as many as asked for."""
    with MongoClient[dict[str, object]](stack.env()["SYNCSVC_MONGO_URI"]) as client:
        shelf = client[stack.env()["SYNCSVC_MONGO_DATABASE"]]["shelf"]
        shelf.drop()
        shelf.insert_many([{"_id": number, "name": "ß", "_sync": {"v": [1, 2]}} for number in (3, 1, 2)])
    shown = run("dev", "documents", "shelf", "--limit", 2, "--folder", stack.folder)

    found = [json.loads(text) for text in shown.out.replace("}\n{", "}\0{").split("\0")]
    assert found == [{"_id": 1, "name": "ß"}, {"_id": 2, "name": "ß"}]


@pytest.mark.parametrize("words", [("sql", "-e", "SELECT 1"), ("documents", "books"), ("env",)])
def test_without_a_stack_it_says_how_to_start_one(run: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    """Exit code 4, and the command that helps."""
    ended = run("dev", *words, "--folder", tmp_path)

    assert ended.code == 4
    assert "syncsvc dev up" in ended.err


@pytest.mark.parametrize("own", [True, False], ids=["a folder of one's own", "the usual folder"])
def test_the_stack_that_is_to_be_started_is_the_one_that_was_asked_for(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: bool
) -> None:
    """In the same folder; and one that is up elsewhere is found when its folder is named."""
    monkeypatch.setenv("SYNCSVC_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "my stack"

    ended = run("dev", "env", *(["--folder", folder] if own else []), "-o", "json")
    down = run("dev", "down", *(["--folder", folder] if own else []))

    (problem,) = ended.json["problems"]
    started = f"syncsvc dev up --folder '{folder}'" if own else "syncsvc dev up"
    assert f"start it with  {started};" in problem["fix"]
    assert "--folder FOLDER" in problem["fix"]
    assert problem["where"] == str(folder if own else tmp_path / "cache" / "stack")
    assert (down.code, problem["where"] in down.err) == (0, True)


def test_sql_wants_something_to_run(run: Run, tmp_path: Path) -> None:
    """Neither a file nor a statement, or a file that is not there: exit code 2."""
    assert run("dev", "sql", "--folder", tmp_path).code == 2
    assert run("dev", "sql", tmp_path / "nothing.sql", "--folder", tmp_path).code == 2
