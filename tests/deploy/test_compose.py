"""docker-compose.yml: one command, from an empty machine to documents that follow their rows."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

OURS = ("register", "worker")


def dependencies(service: dict[str, Any]) -> dict[str, str]:
    """`{service: condition}` that it waits for."""
    return {name: wait["condition"] for name, wait in service.get("depends_on", {}).items()}


def defaults(text: str) -> dict[str, str]:
    """`{variable: default}` of every `${variable:-default}`."""
    return dict(re.findall(r"\$\{(\w+):-([^}]*)\}", text))


def test_the_road_and_what_shows_its_lag_are_services(services):
    """The plain file is the road of a change; profile `obs` adds what is needed to see lag."""
    assert set(services) == {"mysql", "kafka", "connect", "mongodb", "register", "worker", "prometheus", "grafana"}
    optional = {name for name, service in services.items() if service.get("profiles") == ["obs"]}
    assert optional == {"prometheus", "grafana"}


def test_every_service_says_when_it_is_healthy_or_runs_once(services):
    """So `docker compose up --wait` returns when the road is open, and not before."""
    awaited = {
        name
        for service in services.values()
        for name, condition in dependencies(service).items()
        if condition == "service_completed_successfully"
    }
    for name, service in services.items():
        if name in awaited:
            assert service["restart"] == "no", name
        else:
            assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name


def test_nothing_waits_for_a_mere_start(services):
    """A container that has started is not a server that answers."""
    conditions = {condition for service in services.values() for condition in dependencies(service).values()}

    assert conditions == {"service_healthy", "service_completed_successfully"}


def test_a_profile_starts_with_all_that_it_depends_on(services):
    """A service's dependencies are in every profile that it is in itself, or in none."""
    for name, service in services.items():
        for needed in dependencies(service):
            of_needed = set(services[needed].get("profiles", []))
            assert not of_needed or of_needed >= set(service.get("profiles", [])) != set(), (name, needed)


def test_mounted_files_are_in_the_repository(services, root):
    """Docker would make an empty folder in place of a file that is not there."""
    sources = [
        Path(volume["source"])
        for service in services.values()
        for volume in service.get("volumes", [])
        if volume["type"] == "bind"
    ]

    assert sources
    for source in sources:
        assert source.exists(), source
        assert source.is_relative_to(root), source


def test_ports_are_open_to_this_machine_only(services):
    """The passwords are in .env.example: nothing here may listen to the network."""
    for name, service in services.items():
        for port in service.get("ports", []):
            assert port["host_ip"] == "127.0.0.1", name


def test_images_have_a_fixed_tag_and_ours_is_this_version(services, version):
    """A file from last year starts what it started last year."""
    for name, service in services.items():
        image, _, tag = service["image"].rpartition(":")
        assert image, name
        assert tag not in ("", "latest"), name
        assert name not in OURS or tag == version, name


def test_the_example_environment_shows_every_variable_with_its_default(root, compose: Callable[..., dict[str, Any]]):
    """Copying .env.example to .env changes nothing, and there is nothing to set that it does not show."""
    example = dict(
        line.split("=", 1) for line in (root / ".env.example").read_text().splitlines() if line and line[0] != "#"
    )

    assert defaults((root / "docker-compose.yml").read_text()) == example
    assert compose(".env.example", "*") == compose(os.devnull, "*")


@pytest.mark.parametrize("name", OURS)
def test_our_containers_can_write_to_their_state_and_nothing_else(services, name):
    """Read-only root, no capabilities, no way to gain privileges; /tmp in memory, the state in a volume of its own."""
    service = services[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert [mount.split(":")[0] for mount in service["tmpfs"]] == ["/tmp"]
    writable = [volume for volume in service["volumes"] if not volume.get("read_only")]
    assert [(volume["type"], volume["target"], volume.get("source")) for volume in writable] == [
        ("volume", "/var/lib/syncsvc", None)
    ]


def test_workers_start_after_their_topics_and_collections_were_made(services):
    """`register` makes them; a worker that came first would find no topic."""
    assert dependencies(services["worker"])["register"] == "service_completed_successfully"
    assert services["register"]["command"][0] == "apply"
    assert services["worker"]["command"][0] == "run"


def test_workers_and_register_are_given_every_pipeline(services, pipeline_files):
    """A new file in pipelines/ that is not named here would silently not run."""
    expected = sorted(f"/pipelines/{name}" for name in pipeline_files)

    assert [sorted(services[name]["command"][1:]) for name in OURS] == [expected, expected]


def test_two_workers_run_each_with_a_port_and_time_to_stop(services):
    """Two replicas show that partitions are shared; each takes one port of the range."""
    worker = services["worker"]
    first, last = worker["ports"][0]["published"].split("-")

    assert worker["deploy"]["replicas"] == 2
    assert int(last) - int(first) + 1 >= 2
    assert worker["stop_grace_period"] == "1m0s"


def test_the_source_database_logs_whole_rows_with_global_transaction_ids(services):
    """What Debezium needs for complete events and for commit times in microseconds."""
    assert {
        "--binlog-format=ROW", "--binlog-row-image=FULL", "--binlog-row-metadata=FULL",
        "--gtid-mode=ON", "--enforce-gtid-consistency=ON",
    } <= set(services["mysql"]["command"])  # fmt: skip


def test_the_database_is_ready_only_when_it_answers_over_tcp(services):
    """During the init scripts a server without TCP runs: a check over the socket would call it ready."""
    assert "--host=127.0.0.1" in services["mysql"]["healthcheck"]["test"][1]
