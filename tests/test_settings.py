"""The environment of a worker: names, defaults, secrets in files, and values that do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncsvc import settings
from syncsvc.engine.settings import EngineSettings
from syncsvc.errors import UsageFault
from syncsvc.source import address
from syncsvc.source.registry import Registry


def test_an_empty_environment_gives_the_defaults() -> None:
    """A laptop needs no variable."""
    assert settings.read({}) == settings.Settings()


def test_an_empty_variable_counts_as_not_set() -> None:
    """Compose and Kubernetes hand in empty strings for values nobody gave."""
    assert settings.read({"SYNCSVC_HTTP_PORT": ""}).http_port == settings.Settings().http_port


def test_values_get_the_type_of_their_setting() -> None:
    """Numbers, paths and text."""
    given = {"SYNCSVC_HTTP_PORT": "0", "SYNCSVC_STATE_DIR": "state", "SYNCSVC_ROUTER_COMMIT_MS": "12.5"}
    found = settings.read({**given, "SYNCSVC_CONNECT_URL": "http://connect", "OTHER_HTTP_PORT": "9"})

    assert (found.http_port, found.state_dir, found.router_commit_ms) == (0, Path("state"), 12.5)
    assert found.connect_url == "http://connect"


def test_all_values_that_do_not_fit_are_told_at_once() -> None:
    """One start, one list; each names its variable."""
    with pytest.raises(UsageFault) as fault:
        settings.read({"SYNCSVC_HTTP_PORT": "web", "SYNCSVC_LOG_LEVEL": "loud", "SYNCSVC_REPLICATION_FACTOR": "1.5"})

    found = {problem.where: problem.code for problem in fault.value.problems}
    assert found == dict.fromkeys(
        ("SYNCSVC_HTTP_PORT", "SYNCSVC_LOG_LEVEL", "SYNCSVC_REPLICATION_FACTOR"), "settings.bad_value"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REPLICATION_FACTOR", "0"), ("SESSION_TIMEOUT_SECONDS", "nan"), ("SESSION_TIMEOUT_SECONDS", "-1"),
        ("KEYED_RETENTION_HOURS", "inf"), ("KEYED_RETENTION_HOURS", "-3"), ("HEARTBEAT_SECONDS", "nan"),
        ("ROUTER_COMMIT_MS", "-5"),
    ],
)  # fmt: skip
def test_a_number_that_cannot_be_meant_is_refused(name: str, value: str) -> None:
    """Before anything is begun with it: -1 hours would keep the records for ever, and nan compares with nothing."""
    with pytest.raises(UsageFault) as fault:
        settings.read({f"SYNCSVC_{name}": value})

    (problem,) = fault.value.problems
    assert (problem.code, problem.where) == ("settings.bad_value", f"SYNCSVC_{name}")
    assert "use a number from" in problem.fix


def test_a_secret_that_is_no_text_is_told_by_its_file(tmp_path: Path) -> None:
    """A certificate mounted in place of a password: the file is named, its bytes are not."""
    file = tmp_path / "secret"
    file.write_bytes(b"\xff\xfe\x00")
    engine = EngineSettings("k:9092", sasl_username="u", sasl_password_file=file)

    with pytest.raises(UsageFault, match="not UTF-8") as mongo:
        settings.read({"SYNCSVC_MONGO_URI_FILE": str(file)}).mongo_address()
    with pytest.raises(UsageFault, match="not UTF-8") as kafka:
        engine.connection()
    with pytest.raises(UsageFault, match="not UTF-8") as registry:
        Registry("http://r:1", credentials_file=file)

    assert {fault.value.problems[0].where for fault in (mongo, kafka, registry)} == {str(file)}


def test_a_secret_is_read_from_its_file_rather_than_from_its_variable(tmp_path: Path) -> None:
    """A mounted secret wins; the newline behind it is not part of it."""
    file = tmp_path / "dsn"
    file.write_text("mysql://u:p@db/shop\n")
    found = settings.read({"SYNCSVC_SOURCE_DSN": "mysql://other", "SYNCSVC_SOURCE_DSN_FILE": str(file)})

    assert found.source_address() == "mysql://u:p@db/shop"
    assert settings.read({"SYNCSVC_MONGO_URI": "mongodb://a"}).mongo_address() == "mongodb://a"


def test_each_source_server_has_its_dsn_by_the_prefix_of_its_topics() -> None:
    """One DSN for all tables, or one for each server; an = inside a password is no prefix."""
    one = settings.read({"SYNCSVC_SOURCE_DSN": "mysql://u:a=b@h/shop"})
    two = settings.read({"SYNCSVC_SOURCE_DSN": "shop=mysql://u:p@h/shop\n crm.eu=mysql://u:a=b@k/crm"})

    assert one.source_addresses() == {"": "mysql://u:a=b@h/shop"}
    assert two.source_addresses() == {"shop": "mysql://u:p@h/shop", "crm.eu": "mysql://u:a=b@k/crm"}
    assert settings.read({}).source_addresses() == {}


def test_login_and_certificates_of_the_source_may_be_settings_of_their_own(tmp_path: Path) -> None:
    """They fill in what a DSN leaves open, for every server; what a DSN says itself stays."""
    (tmp_path / "password").write_text("p@/:ss\n")
    given = {"SOURCE_USERNAME": "ann", "SOURCE_PASSWORD_FILE": f"{tmp_path}/password", "SOURCE_CA_FILE": "/ca.pem"}
    dsns = "a=mysql://h/shop b=mysql://u:p@k/crm?ssl_ca=/other.pem"
    found = settings.read({f"SYNCSVC_{name}": text for name, text in given.items()} | {"SYNCSVC_SOURCE_DSN": dsns})

    first, second = (address.parsed(dsn) for dsn in found.source_addresses().values())
    assert (first.where, first.password, first.tls.ca) == ("ann@h:3306/shop", "p@/:ss", Path("/ca.pem"))
    assert (second.where, second.password, second.tls.ca) == ("u@k:3306/crm", "p", Path("/other.pem"))


def test_a_dsn_with_an_option_nobody_reads_is_refused() -> None:
    """`ssl_mode=required`, say, would be passed over in silence; the message does not repeat the DSN."""
    with pytest.raises(UsageFault, match="ssl_mode") as fault:
        address.parsed("mysql://u:c4nary@h/shop?ssl_mode=required")

    assert "c4nary" not in str(fault.value)


@pytest.mark.parametrize("name", ["SYNCSVC_CONNECT_URL", "SYNCSVC_SCHEMA_REGISTRY_URL"])
def test_an_address_with_a_password_in_it_is_refused(name: str) -> None:
    """Addresses are shown in messages; passwords have files."""
    with pytest.raises(UsageFault, match=name) as fault:
        settings.read({name: "https://ann:c4nary@host:8083"})

    assert "c4nary" not in str(fault.value)


@pytest.mark.parametrize(
    "text", ["h:abc", "h:99999", "h:0", "h:", "k:1,h:-1", "a..b:1", "[::1:9092", "kafka://h:9092", "u:c4nary@h:9092"]
)
def test_a_broker_that_nobody_could_reach_is_refused_by_its_variable(text: str) -> None:
    """Before a client stumbles over it; the value is not told, for somebody may have put a password into it."""
    with pytest.raises(UsageFault, match="host:port") as fault:
        settings.read({"SYNCSVC_KAFKA_BOOTSTRAP": text})

    problem = fault.value.problems[0]
    assert (problem.code, problem.where) == ("settings.bad_value", "SYNCSVC_KAFKA_BOOTSTRAP")
    assert "c4nary" not in str(fault.value)


@pytest.mark.parametrize(
    "text", ["kafka:9092", "a.b:1,d-e_f:65535", "k:1, l:2", "10.0.0.1:9", "kafka", "::1", "[::1]", "[::1]:9092", "k.:9"]
)
def test_brokers_may_be_named_in_every_form_that_the_client_takes(text: str) -> None:
    """As they are given."""
    assert settings.read({"SYNCSVC_KAFKA_BOOTSTRAP": text}).kafka_bootstrap == text


@pytest.mark.parametrize("text", ["a/b", "a.b", "a b", "$a", 'a"b', "a\\b", "é" * 32])
def test_a_database_that_mongodb_cannot_have_is_refused_by_its_variable(text: str) -> None:
    """It would sound as if no server answered."""
    with pytest.raises(UsageFault, match="database of MongoDB") as fault:
        settings.read({"SYNCSVC_MONGO_DATABASE": text})

    problem = fault.value.problems[0]
    assert (problem.code, problem.where) == ("settings.bad_value", "SYNCSVC_MONGO_DATABASE")


def test_an_address_that_is_none_is_refused_by_its_variable() -> None:
    """One that cannot be taken apart."""
    with pytest.raises(UsageFault, match="SYNCSVC_CONNECT_URL"):
        settings.read({"SYNCSVC_CONNECT_URL": "http://[::1"})


@pytest.mark.parametrize(("text", "wanted"), [("true", True), ("0", False), ("No", False)])
def test_a_switch_is_on_or_off(text: str, wanted: bool) -> None:
    """In the words that YAML and shells use."""
    assert settings.read({"SYNCSVC_KAFKA_TLS": text}).kafka_tls is wanted


def test_a_secret_file_that_cannot_be_read_is_named() -> None:
    """The file, never what might be in it."""
    with pytest.raises(UsageFault) as fault:
        settings.read({"SYNCSVC_MONGO_URI_FILE": "/nowhere/uri"}).mongo_address()

    assert fault.value.problems[0].where == "/nowhere/uri"


def test_a_worker_is_named_by_its_instance_or_by_its_host() -> None:
    """So that people can tell two workers apart."""
    assert settings.read({"SYNCSVC_INSTANCE": "pod-3"}).name == "pod-3"
    assert settings.read({}).name


@pytest.mark.parametrize("setting", list(settings.Settings.__dataclass_fields__))
def test_every_setting_has_a_reader(setting: str) -> None:
    """A field of a type nobody reads would fail only on the day it is set."""
    assert str(settings.Settings.__dataclass_fields__[setting].type) in settings._READERS
