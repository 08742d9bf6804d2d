"""`syncsvc init` without a server: what it refuses before it asks one, and how it asks a person."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncsvc.cli import init
from syncsvc.errors import UsageFault
from syncsvc.settings import Settings
from tests.cli.conftest import Run

FOUND = ["shop.customer", "shop.order", "shop.product"]


def test_it_needs_to_know_where_the_source_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, with the setting to export."""
    monkeypatch.delenv("SYNCSVC_SOURCE_DSN", raising=False)

    outcome = run("init", "-o", "json")

    assert (outcome.code, outcome.codes) == (2, ["source.no_dsn"])


def test_a_source_that_does_not_answer_ends_with_4(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And writes nothing."""
    monkeypatch.setenv("SYNCSVC_SOURCE_DSN", "mysql://user:secret@127.0.0.1:1/shop")

    outcome = run("init", "--out", tmp_path / "new", "-o", "json")

    assert (outcome.code, outcome.codes) == (4, ["source.unreachable"])
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("prefix", ["a b", "a..b", "a/b", ".", "x" * 101])
def test_a_topic_prefix_that_no_mapping_may_have_is_refused_first(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    """Before a server is asked and before anything is written, with what is allowed."""
    monkeypatch.setenv("SYNCSVC_SOURCE_DSN", "mysql://user:secret@127.0.0.1:1/shop")

    outcome = run("init", "--topic-prefix", prefix, "--out", tmp_path / "new", "-o", "json")

    assert (outcome.code, outcome.codes) == (2, ["usage.wrong"])
    assert "letters, digits" in outcome.json["problems"][0]["what"]
    assert not (tmp_path / "new").exists()


def test_a_topic_prefix_of_the_dsn_is_held_to_the_same(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would stand in the files as well."""
    monkeypatch.setenv("SYNCSVC_SOURCE_DSN", "a..b=mysql://user:secret@127.0.0.1:1/shop")

    outcome = run("init", "-o", "json")

    assert (outcome.code, outcome.codes) == (2, ["settings.bad_value"])
    assert outcome.json["problems"][0]["where"] == "SYNCSVC_SOURCE_DSN"


@pytest.mark.parametrize(
    ("dsns", "topic_prefix", "expected"),
    [
        pytest.param("mysql://one", None, ("mysql://one", None), id="one for all"),
        pytest.param("mysql://one", "shop", ("mysql://one", "shop"), id="one for all, under a prefix of one's own"),
        pytest.param("shop=mysql://one", None, ("mysql://one", "shop"), id="the only one"),
        pytest.param("shop=mysql://one geo=mysql://two", "geo", ("mysql://two", "geo"), id="the one that is named"),
    ],
)
def test_the_topic_prefix_says_which_of_several_servers_is_looked_at(
    dsns: str, topic_prefix: str | None, expected: tuple[str, str | None]
) -> None:
    """As everywhere: a connector reads one server, and its topics begin with its prefix."""
    assert init._source(Settings(source_dsn=dsns), topic_prefix) == expected


def test_several_servers_without_a_prefix_are_told() -> None:
    """There is nothing to guess by."""
    with pytest.raises(UsageFault, match="DSNs for geo, shop"):
        init._source(Settings(source_dsn="shop=mysql://one geo=mysql://two"), None)


@pytest.mark.parametrize(
    ("answer", "picked"),
    [
        pytest.param("", FOUND, id="nothing takes all"),
        pytest.param("2", ["shop.order"], id="a number of the list"),
        pytest.param("3, shop.customer 3", ["shop.product", "shop.customer"], id="numbers and names, each once"),
    ],
)
def test_a_person_picks_from_a_list(answer: str, picked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal; elsewhere every table that could head documents is taken."""
    monkeypatch.setattr("typer.prompt", lambda *_, **__: answer)

    assert init._picked(FOUND) == picked


@pytest.mark.parametrize("answer", ["4", "0", "shop.nothing"])
def test_an_answer_that_is_not_in_the_list_is_told(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is guessed."""
    monkeypatch.setattr("typer.prompt", lambda *_, **__: answer)

    with pytest.raises(UsageFault, match="none of the tables"):
        init._picked(FOUND)


def test_a_root_needs_its_database() -> None:
    """`--root film` says which table, not of which database."""
    with pytest.raises(UsageFault, match=r"form  database\.table"):
        init._databases(["film"], "shop")


def test_a_source_without_a_database_needs_roots() -> None:
    """There is no table to look at."""
    with pytest.raises(UsageFault, match="names no database"):
        init._databases([], None)


@pytest.mark.parametrize(
    ("root", "roots", "name"),
    [
        ("shop.Film", ["shop.Film"], "films"),
        ("shop.city", ["shop.city", "geo.city"], "shop_cities"),
        ("shop.Über-Größe", ["shop.Über-Größe"], "ber-gr__es"),
    ],
)
def test_a_pipeline_is_named_by_what_a_list_of_its_rows_is_called(root: str, roots: list[str], name: str) -> None:
    """With the database where two would be the same; only with characters that a topic's name can have."""
    assert init._pipeline(root, roots) == name
