"""deploy/k8s/overlays and components: what an installation chooses, built and checked as the API server would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.deploy.kubernetes import Document, container, environment, named, pod, selects, workloads

#: The oldest version that is still run, one in between, and the newest one known to the validator.
VERSIONS = ("1.31", "1.33", kubernetes_validate.latest_version())
OVERLAYS = ("dev", "prod")
COMPONENTS = ("deployment-mode", "kafka-tls", "keda", "monitoring", "network-policy", "slow-start")
#: Kinds that operators bring: their schemas are not in Kubernetes, and tests below list the fields that we use.
OF_OPERATORS = {
    "PodMonitor": "monitoring.coreos.com/v1",
    "PrometheusRule": "monitoring.coreos.com/v1",
    "ScaledObject": "keda.sh/v1alpha1",
}


def check(manifests: list[Document], version: str) -> None:
    """Every manifest against its schema; a field that is not known is an error."""
    for manifest in manifests:
        if manifest["kind"] in OF_OPERATORS:
            assert manifest["apiVersion"] == OF_OPERATORS[manifest["kind"]]
        else:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_every_folder_is_tested_here(root):
    """A component or overlay that nobody builds would rot."""
    assert sorted(path.name for path in (root / "deploy/k8s/components").iterdir()) == list(COMPONENTS)
    assert sorted(path.name for path in (root / "deploy/k8s/overlays").iterdir()) == list(OVERLAYS)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_api_server_of_each_version_knows_every_field_of_an_overlay(kustomize, root, overlay, version):
    """Strict: a misspelt field is an error."""
    check(kustomize(root / "deploy/k8s/overlays" / overlay), version)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("names", [pytest.param((name,), id=name) for name in COMPONENTS] + [
    pytest.param(tuple(name for name in COMPONENTS if name != "deployment-mode"), id="all that go together"),
    pytest.param(tuple(name for name in COMPONENTS if name != "keda"), id="all with a Deployment"),
])  # fmt: skip
def test_the_api_server_of_each_version_knows_every_field_of_a_component(with_components, names, version):
    """Each alone on the base, and together."""
    check(with_components(*names), version)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_is_installed_under_the_restricted_standard(kustomize, root, overlay):
    """The namespace enforces it, and everything else stands in that namespace."""
    manifests = kustomize(root / "deploy/k8s/overlays" / overlay)
    (namespace,) = (manifest for manifest in manifests if manifest["kind"] == "Namespace")

    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {manifest["metadata"]["namespace"] for manifest in manifests if manifest is not namespace} == {
        namespace["metadata"]["name"]
    }


def test_production_brings_no_secret_of_its_own(kustomize, root):
    """Somebody else makes them: the names are those that external-secrets.yaml and the comment give."""
    manifests = kustomize(root / "deploy/k8s/overlays/prod")
    wanted = {
        (volume["secret"]["secretName"], item["key"])
        for workload in workloads(manifests).values()
        for volume in pod(workload)["volumes"]
        for item in volume.get("secret", {}).get("items", [])
    }
    example = list(yaml.safe_load_all((root / "deploy/k8s/overlays/prod/external-secrets.yaml").read_text()))
    told = (root / "deploy/k8s/overlays/prod/kustomization.yaml").read_text()

    assert not [manifest for manifest in manifests if manifest["kind"] == "Secret"]
    assert {
        (secret["spec"]["target"]["name"], entry["secretKey"]) for secret in example for entry in secret["spec"]["data"]
    } == wanted
    for name, key in wanted:
        assert f"create secret generic {name} " in told
        assert f"--from-file={key}" in told


def test_the_laptop_has_throw_away_secrets_and_one_worker(kustomize, root):
    """Nothing to make by hand; still files in the pod, never variables."""
    manifests = kustomize(root / "deploy/k8s/overlays/dev")
    generated = {manifest["metadata"]["name"] for manifest in manifests if manifest["kind"] == "Secret"}
    used = {
        volume["secret"]["secretName"]
        for workload in workloads(manifests).values()
        for volume in pod(workload)["volumes"]
        if "secret" in volume
    }

    assert generated == used
    assert len(generated) == 2
    assert named(manifests, "StatefulSet")["spec"]["replicas"] == 1


def test_the_deployment_mode_takes_the_workers_names_away(with_components):
    """A pod of a Deployment never comes back, so it must not be a static member that the group waits for."""
    manifests = with_components("deployment-mode")
    worker = workloads(manifests)["worker"]

    assert worker["kind"] == "Deployment"
    assert not [manifest for manifest in manifests if manifest["kind"] == "StatefulSet"]
    assert "SYNCSVC_INSTANCE" not in environment(worker)
    assert "SYNCSVC_MONGO_URI_FILE" in environment(worker)
    assert worker["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert selects(named(manifests, "PodDisruptionBudget")["spec"]["selector"], worker)


def test_a_slow_start_may_take_an_hour(with_components):
    """Only the startup probe changes."""
    probe = container(workloads(with_components("slow-start"))["worker"])["startupProbe"]

    assert probe["periodSeconds"] * probe["failureThreshold"] == 3600
    assert probe["httpGet"]["path"] == "/startup"


def test_kafka_credentials_are_files_of_those_who_talk_to_kafka(with_components):
    """`verify` compares two databases: it is given none."""
    manifests = with_components("kafka-tls")
    settings = named(manifests, "ConfigMap", "syncsvc-settings-")["data"]
    with_secret = {
        name
        for name, workload in workloads(manifests).items()
        if "syncsvc-kafka" in [volume.get("secret", {}).get("secretName") for volume in pod(workload)["volumes"]]
    }

    assert with_secret == {"worker", "apply", "lag-exporter"}
    for name in with_secret:
        mount = next(m for m in container(workloads(manifests)[name])["volumeMounts"] if m["name"] == "kafka")
        assert mount["readOnly"] is True
        for setting, key in (("SYNCSVC_KAFKA_CA_FILE", "ca.crt"), ("SYNCSVC_KAFKA_PASSWORD_FILE", "password")):
            assert settings[setting] == f"{mount['mountPath']}/{key}"


def test_prometheus_scrapes_every_worker_and_the_lag_exporter_by_their_port_of_metrics(with_components):
    """The fields of a PodMonitor that we use are listed, so that a misspelt one is found."""
    manifests = with_components("monitoring")
    pods = workloads(manifests)
    for name, component in (("syncsvc", "worker"), ("syncsvc-lag-exporter", "lag-exporter")):
        monitor = named(manifests, "PodMonitor", name)
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        assert monitor["spec"].keys() == {"selector", "podMetricsEndpoints"}
        assert endpoint.keys() == {"port", "path", "interval", "scrapeTimeout"}
        assert endpoint["path"] == "/metrics"
        assert endpoint["port"] == container(pods[component])["ports"][0]["name"]
        assert [found for found in pods if selects(monitor["spec"]["selector"], pods[found])] == [component]


def test_rules_have_the_fields_the_operator_knows(with_components):
    """What they say is tested with promtool; here only that the operator takes them."""
    rule = named(with_components("monitoring"), "PrometheusRule")

    assert rule["spec"].keys() == {"groups"}
    for group in rule["spec"]["groups"]:
        assert group.keys() <= {"name", "interval", "rules", "labels", "limit"}
        for entry in group["rules"]:
            assert entry.keys() <= {"alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"}


def test_every_board_reaches_grafana_under_the_size_a_config_map_may_have(with_components, root: Path):
    """One ConfigMap a board, found by its label; the boards of deploy/grafana are all there."""
    boards = [
        manifest
        for manifest in with_components("monitoring")
        if manifest["metadata"].get("labels", {}).get("grafana_dashboard") == "1"
    ]

    assert {name: text for board in boards for name, text in board["data"].items()} == {
        path.name: path.read_text() for path in (root / "deploy/grafana/dashboards").glob("*.json")
    }
    assert all(len(board["data"]) == 1 and len(str(board["data"]).encode()) < 1 << 20 for board in boards)


def test_a_cluster_without_operators_is_given_none_of_their_kinds(kustomize: Callable[..., list[Document]], root: Path):
    """Base and laptop can be installed on a bare cluster."""
    for folder in ("base", "overlays/dev"):
        assert not {m["kind"] for m in kustomize(root / "deploy/k8s" / folder)} & OF_OPERATORS.keys()
