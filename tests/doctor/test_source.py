"""
What `doctor` says of a source server, judged from what it says of itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from syncsvc import settings
from syncsvc.doctor import clock, source
from syncsvc.doctor.finding import Finding
from syncsvc.mapping import delete_rules
from syncsvc.source import grants
from syncsvc.source.health import SourceFacts
from tests.routing.tables import USER, meetings

RIGHTS = "GRANT SELECT, RELOAD, REPLICATION SLAVE, BINLOG MONITOR ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*1234'"
FIT = {
    "log_bin": "ON", "binlog_format": "ROW", "binlog_row_image": "FULL", "binlog_row_value_options": "",
    "binlog_expire_logs_seconds": "2592000", "server_id": "1", "log_slave_updates": "ON", "read_only": "OFF",
    "gtid_mode": "ON",
}  # fmt: skip


def facts(kind: str = "mysql", version: str = "8.4.3", given: str = RIGHTS, **variables: str) -> SourceFacts:
    """A server that is fit, but for what is named."""
    return SourceFacts("u@db:3306/shop", kind, version, FIT | variables, grants.parsed([given]), 0.0, 0.01)


def states(found: Any) -> dict[str, str]:
    """`{check: state}`."""
    return {finding.check: str(finding.state) for finding in found}


def test_a_fit_server_has_no_finding_but_ok() -> None:
    """Nothing is made up."""
    found = [*source.server_findings(facts()), *source.replicating(facts(), ["shop.a"])]

    assert set(states(found).values()) == {"ok"}


def test_each_generation_of_a_pipeline_is_compared_by_its_own_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that only the new one reads is neither asked of the old one nor left out of the new one's."""
    old = meetings(partitions=1)
    tables = {**old.tables, "shop.more": replace(old.tables["shop.user"], name="shop.more")}
    new = replace(old, generation=2, tables=tables)
    asked: list[set[str]] = []
    monkeypatch.setattr(source.live, "introspect", lambda _, tables: asked.append(set(tables)))
    monkeypatch.setattr(source.live, "differences", lambda *_: [])
    monkeypatch.setattr(source, "_rules", lambda *_: None)
    look = source._Look(None, "db", [old.topic_prefix], [old, new], settings.read({}))

    assert [finding.state for finding in look._tables(None)] == ["ok", "ok"]  # type: ignore[arg-type]
    assert asked == [set(old.tables), set(tables)]


def test_rows_that_go_without_a_word_are_warned_of() -> None:
    """Where they stay, what deletes them, and the ways out; none of it where the server logs what its keys do."""
    pipeline = meetings()
    key = delete_rules.ForeignKey("owner", USER, "shop.owner", frozenset({("owner_id", "id")}), "CASCADE")
    (finding,) = source.silent(pipeline, delete_rules.DeleteRules((key,), False, "11.8.3-MariaDB"))
    (fine,) = source.silent(pipeline, delete_rules.DeleteRules((key,), True, "9.7.0"))

    assert str(finding.state) == "warn"
    assert "shop.user (owner_id): ON DELETE CASCADE of owner is not logged" in finding.what
    assert "stay in shop.applications.user until" in finding.what
    assert "embed shop.owner there with  on_parent_delete: cascade" in finding.fix
    assert str(fine.state) == "ok"


@pytest.mark.parametrize(
    ("check", "state", "changed"),
    [
        ("source.version", "warn", {"version": "5.7.44"}),
        ("source.version", "warn", {"kind": "mariadb", "version": "10.5.22-MariaDB"}),
        ("source.whole_values", "fail", {"binlog_row_value_options": "PARTIAL_JSON"}),
        ("source.gtid", "warn", {"gtid_mode": "OFF"}),
        ("source.gtid", "ok", {"kind": "mariadb", "version": "11.4.2-MariaDB", "gtid_mode": "OFF"}),
        ("source.binlog_expiry", "fail", {"binlog_expire_logs_seconds": "600"}),
        ("source.binlog_expiry", "warn", {"binlog_expire_logs_seconds": "86400"}),
        ("source.binlog_expiry", "warn", {"binlog_expire_logs_seconds": "0", "expire_logs_days": "1"}),
        ("source.binlog_expiry", "ok", {"binlog_expire_logs_seconds": "0"}),
        ("source.binlog_expiry", "ok", {"binlog_expire_logs_seconds": "60", "binlog_expire_logs_auto_purge": "OFF"}),
        ("source.binlog_expiry", "warn", {"max_binlog_total_size": "1048576"}),
        ("source.server_id", "fail", {"server_id": "0"}),
        ("source.replica", "fail", {"read_only": "ON", "log_slave_updates": "OFF"}),
        ("source.replica", "ok", {"read_only": "ON"}),
    ],
)
def test_what_makes_a_binlog_unfit_is_told(check: str, state: str, changed: dict[str, str]) -> None:
    """Each by its own check, with a fix unless it is ok."""
    found = {finding.check: finding for finding in source.server_findings(facts(**changed))}  # type: ignore[arg-type]

    assert found[check].state == state
    assert bool(found[check].fix) == (state != "ok")


@pytest.mark.parametrize(
    ("given", "failing"),
    [
        ("GRANT ALL PRIVILEGES ON *.* TO `u`@`%`", set()),
        ("GRANT SELECT ON *.* TO `u`@`%`", {"source.replication_rights", "source.snapshot_rights"}),
        ("GRANT SELECT, RELOAD, REPLICATION CLIENT ON *.* TO `u`@`%`", {"source.replication_rights"}),
        ("GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO `u`@`%`", {"source.snapshot_rights"}),
        ("GRANT SELECT, LOCK TABLES, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO `u`@`%`", set()),
    ],
)
def test_rights_that_the_connector_lacks_are_named(given: str, failing: set[str]) -> None:
    """Reading the binlog, and the short lock with which a snapshot begins."""
    found = list(source.replicating(facts(given=given), ["shop.a"]))

    assert {check for check, state in states(found).items() if state == "fail"} == failing


def test_a_user_that_may_write_is_a_warning() -> None:
    """A service that only reads needs no more."""
    found = list(source.replicating(facts(given="GRANT ALL PRIVILEGES ON *.* TO `u`@`%`"), ["shop.a"]))

    assert states(found)["source.least_rights"] == "warn"


@pytest.mark.parametrize(
    ("lines", "seen"),
    [
        (["GRANT SELECT ON `shop`.* TO `u`@`%`"], {"shop.a", "shop.b"}),
        (["GRANT SELECT ON `shop`.`a` TO `u`@`%`"], {"shop.a"}),
        (["GRANT SELECT ON `sh%`.* TO `u`@`%`"], {"shop.a", "shop.b"}),
        (["GRANT SELECT ON `sh\\_p`.* TO `u`@`%`"], set()),
        (["GRANT SELECT ON `sh_p`.* TO `u`@`%`"], {"shop.a", "shop.b"}),
        (["GRANT SELECT (`id`, `name`), INSERT ON `shop`.`a` TO `u`@`%`"], set()),
        (["GRANT SELECT ON *.* TO `u`@`%`", "REVOKE SELECT ON `shop`.* FROM `u`@`%`"], set()),
        (["GRANT USAGE ON *.* TO `u`@`%`", "GRANT `reader`@`%` TO `u`@`%`"], set()),
    ],
)
def test_grants_are_understood_as_the_server_means_them(lines: list[str], seen: set[str]) -> None:
    """Databases, tables, patterns, single columns, partial revokes."""
    found = grants.parsed(lines)

    assert {table for table in ("shop.a", "shop.b") if found.allow("SELECT", table)} == seen


def test_tables_that_may_not_be_read_are_all_named() -> None:
    """In one finding, with the statement that mends it."""
    found = source.reading(facts(given="GRANT SELECT ON `shop`.`a` TO `u`@`%`"), ["shop.a", "shop.b", "shop.c"])

    assert (found.state, found.what) == ("fail", "no SELECT on shop.b, shop.c")
    assert "GRANT SELECT ON shop.b" in found.fix


@pytest.mark.parametrize(
    ("ahead", "within", "state"), [(0.4, 0.1, "ok"), (-3, 0.1, "warn"), (90, 0.1, "fail"), (3, 3, "ok")]
)
def test_a_clock_is_judged_no_closer_than_it_is_known(ahead: float, within: float, state: str) -> None:
    """A slow answer is not taken for a wrong clock."""
    assert clock.finding("source.clock", "db", ahead, within).state == state


def test_a_finding_never_shows_the_hash_of_a_password() -> None:
    """MariaDB prints it behind the grants."""
    found: list[Finding] = [*source.server_findings(facts()), source.reading(facts(), ["shop.a"])]

    assert "1234" not in str(found) + repr(replace(facts()))
