"""The connector that `apply` registers: settings of the user's own beside ours, and secrets that are not shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncsvc.errors import UsageFault
from syncsvc.mapping import load
from syncsvc.settings import Settings
from syncsvc.source import connectors
from syncsvc.source.connectors import Wish

FEED = Path(__file__).parents[2] / "pipelines" / "feed.yaml"
KAFKA = """\
# how Connect reaches Kafka
schema.history.internal.producer.security.protocol=SASL_SSL
schema.history.internal.producer.sasl.jaas.config=Module required user="x" password="c4nary";

database.password=${directory:/secrets:mysql}
database.ssl.mode=verify_identity
"""


@pytest.fixture
def wish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """`wish(text)`: the connector of a pipeline with this file of more settings; Connect has none yet."""
    monkeypatch.setattr(connectors, "config", lambda url, name: None)

    def made(text: str) -> Wish:
        file = tmp_path / "connector.properties"
        file.write_text(text)
        given = Settings(source_dsn="mysql://debezium:s3cret@db/meetup", connector_settings_file=file)
        pipeline = load(FEED)
        (one,) = connectors.wishes([pipeline], given, "http://connect", {pipeline.topic_prefix: "mysql"})
        return one

    return made


def test_settings_of_ones_own_are_added_and_may_replace_the_password(wish) -> None:
    """How Connect reaches a secured Kafka and source, with placeholders in place of what is secret."""
    config = wish(KAFKA).config

    assert config["schema.history.internal.producer.security.protocol"] == "SASL_SSL"
    assert config["database.ssl.mode"] == "verify_identity"
    assert config["database.password"] == "${directory:/secrets:mysql}"
    assert config["schema.history.internal.producer.sasl.jaas.config"].endswith(";")
    assert config["table.include.list"]


def test_a_plan_shows_stars_for_what_is_secret(wish) -> None:
    """Passwords and logins of every kind; all else as it is."""
    shown = wish(KAFKA).changes

    assert "c4nary" not in str(shown)
    assert "s3cret" not in str(shown)
    assert shown["database.ssl.mode"] == (None, "verify_identity")


def test_a_setting_under_which_values_are_lost_is_refused(wish) -> None:
    """With its name; the file cannot make the connector lose data."""
    with pytest.raises(UsageFault, match=r"decimal\.handling\.mode"):
        wish("decimal.handling.mode=double\n")


def test_a_line_that_is_no_setting_is_named(wish) -> None:
    """By file and line; what stands in it is not repeated, for it may be a secret."""
    with pytest.raises(UsageFault, match=r"connector\.properties:2") as fault:
        wish("a=b\nc4nary\n")

    assert "c4nary" not in str(fault.value)
