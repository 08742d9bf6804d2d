"""docker-compose.yml: one command, from an empty machine to documents that follow their rows."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

#: Services of our image that run commands of syncsvc, and all of them.
COMMANDS = ("apply", "register", "worker", "lag-exporter")
OURS = (*COMMANDS, "load")


def dependencies(service: dict[str, Any]) -> dict[str, str]:
    """`{service: condition}` that it waits for."""
    return {name: wait["condition"] for name, wait in service.get("depends_on", {}).items()}


def defaults(text: str) -> dict[str, str]:
    """`{variable: default}` of every `${variable:-default}`."""
    return dict(re.findall(r"\$\{(\w+):-([^}]*)\}", text))


def test_the_road_and_what_shows_its_lag_are_services(services):
    """The plain file is the road of a change; profile `obs` adds what is needed to see lag, `load` what makes some."""
    profiles = {name: service.get("profiles") for name, service in services.items()}

    assert {name for name, chosen in profiles.items() if chosen is None} == {
        "mysql", "kafka", "connect", "mongodb", "apply", "register", "worker",
    }  # fmt: skip
    assert {name for name, chosen in profiles.items() if chosen == ["obs"]} == {"lag-exporter", "prometheus", "grafana"}
    assert {name for name, chosen in profiles.items() if chosen == ["load"]} == {"load"}


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
            assert service["restart"] == "on-failure:3", name
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
    state = [("volume", "/var/lib/syncsvc", None)]
    assert [(volume["type"], volume["target"], volume.get("source")) for volume in writable] == (
        state if name in COMMANDS else []
    )


def test_topics_come_before_the_connector_and_both_before_the_workers(services):
    """Connect would make a missing topic with its own number of partitions; a worker before it would find none."""
    assert dependencies(services["register"])["apply"] == "service_completed_successfully"
    assert dependencies(services["worker"])["register"] == "service_completed_successfully"
    assert services["apply"]["command"][0] == services["register"]["command"][0] == "apply"
    assert services["worker"]["command"][0] == "run"
    connect = {name for name in COMMANDS if "SYNCSVC_CONNECT_URL" in services[name]["environment"]}
    assert connect == {"register"}


def test_every_command_is_given_every_pipeline(services, pipeline_files):
    """A new file in pipelines/ that is not named here would silently not run."""
    expected = sorted(f"/pipelines/{name}" for name in pipeline_files)

    for name in COMMANDS:
        given = [argument for argument in services[name]["command"][1:] if not argument.startswith("--")]
        assert sorted(given) == expected, name


def test_the_load_is_made_by_a_user_who_may_only_write_rows(services, root):
    """Neither root nor the reading user; its password comes from the environment."""
    load = services["load"]["environment"]
    script = (root / "deploy/mysql/30-load-user.sh").read_text()

    assert f"'{load['LOAD_USER']}'@'%'" in script
    assert re.findall(r"^GRANT (.*) ON (\S+) TO", script, re.M) == [
        ("SELECT, INSERT, UPDATE, DELETE", f"{load['LOAD_DATABASE']}.*")
    ]
    assert load["LOAD_PASSWORD"] == services["mysql"]["environment"]["APP_PASSWORD"]
    assert "LOAD_CHANGES_PER_SECOND" in load


def test_the_load_reads_the_variables_that_it_is_given(services, root):
    """A misspelt name would end it at once."""
    read = set(re.findall(r'os\.environ\["(\w+)"\]', (root / "deploy/load/load.py").read_text()))

    assert read == set(services["load"]["environment"])


def test_prometheus_scrapes_every_service_that_counts(services, root):
    """Workers by their name, for there are several; the lag exporter; itself."""
    config = yaml.safe_load((root / "deploy/prometheus/prometheus.yml").read_text())
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    (found,) = jobs["syncsvc"]["dns_sd_configs"]

    assert found["names"] == ["worker"]
    assert found["port"] == services["worker"]["ports"][0]["target"]
    assert jobs["lag-exporter"]["static_configs"] == [{"targets": [f"lag-exporter:{found['port']}"]}]


def test_grafana_opens_with_a_board_that_is_there(services, root):
    """A path that does not exist would show an empty home page."""
    grafana = services["grafana"]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    mounts = {volume["target"]: volume["source"] for volume in grafana["volumes"]}

    assert (Path(mounts[os.path.dirname(home)]) / os.path.basename(home)).exists()


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
