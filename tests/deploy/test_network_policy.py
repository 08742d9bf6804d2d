"""The component network-policy: each pod may talk to what its command needs, and to nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.deploy.kubernetes import Document, container, pod, selects, workloads

NAMESPACE = "kubernetes.io/metadata.name"
#: Where each command connects to: `{component: {(namespace, port)}}`, beside the name servers.
NEEDS = {
    "worker": {("kafka", 9092), ("kafka", 9093), ("mongodb", 27017)},
    "apply": {("kafka", 9092), ("kafka", 9093), ("kafka", 8083), ("mongodb", 27017), ("mysql", 3306)},
    "verify": {("mongodb", 27017), ("mysql", 3306)},
    "lag-exporter": {("kafka", 9092), ("kafka", 9093), ("mongodb", 27017)},
}
NAMES = {("kube-system", 53)}


@pytest.fixture(scope="module")
def manifests(with_components) -> list[Document]:
    """The base with the component."""
    result: list[Document] = with_components("network-policy")
    return result


def policies(manifests: list[Document], component: str) -> list[Document]:
    """Specs of the policies that hold for a component's pods."""
    workload = workloads(manifests)[component]
    return [
        manifest["spec"]
        for manifest in manifests
        if manifest["kind"] == "NetworkPolicy" and selects(manifest["spec"]["podSelector"], workload)
    ]


def allowed(specs: list[Document], direction: str, side: str) -> set[tuple[str, int]]:
    """`{(namespace, port)}` that the policies together allow."""
    found = set()
    for spec in specs:
        for rule in spec.get(direction, []):
            assert rule[side], "an empty list means everybody"
            for peer in rule[side]:
                for port in rule["ports"]:
                    found.add((peer["namespaceSelector"]["matchLabels"][NAMESPACE], port["port"]))
    return found


@pytest.mark.parametrize("component", NEEDS)
def test_a_pod_may_reach_what_its_command_needs_and_nothing_else(manifests, component):
    """Name servers, and its own servers: a stolen worker reaches neither the source database nor the internet."""
    specs = policies(manifests, component)

    assert {"podSelector", "policyTypes"} in [spec.keys() for spec in specs], "nothing denies what no policy allows"
    assert all(spec["policyTypes"] for spec in specs)
    assert allowed(specs, "egress", "to") == NEEDS[component] | NAMES


@pytest.mark.parametrize("component", NEEDS)
def test_only_prometheus_may_come_in_and_only_to_the_port_of_metrics(manifests, component):
    """Jobs are reached by nobody."""
    ports = [port["containerPort"] for port in container(workloads(manifests)[component]).get("ports", [])]

    assert allowed(policies(manifests, component), "ingress", "from") == {("monitoring", port) for port in ports}


@pytest.mark.parametrize("component", NEEDS)
def test_who_has_an_address_in_its_settings_may_reach_it(manifests, component):
    """A secret that is mounted and a server that is not reachable contradict each other."""
    reached = {namespace for namespace, _ in NEEDS[component]}
    mounted = {volume.get("secret", {}).get("secretName") for volume in pod(workloads(manifests)[component])["volumes"]}

    assert ("mysql" in reached) == ("syncsvc-source" in mounted)
    assert ("mongodb" in reached) == ("syncsvc" in mounted)


def test_production_reaches_a_database_outside_of_the_cluster_by_its_address(kustomize, root):
    """The way an overlay shows; to that block alone."""
    built: list[dict[str, Any]] = kustomize(root / "deploy/k8s/overlays/prod")
    policy = next(m for m in built if m["kind"] == "NetworkPolicy" and m["metadata"]["name"] == "syncsvc-source")

    (rule,) = policy["spec"]["egress"]
    assert rule["to"] == [{"ipBlock": {"cidr": "10.20.30.0/28"}}]
    assert [port["port"] for port in rule["ports"]] == [3306]
    bootstrap = yaml.safe_load(str(next(m for m in built if "settings" in m["metadata"]["name"])["data"]))
    assert bootstrap["SYNCSVC_KAFKA_BOOTSTRAP"].endswith((".kafka.svc:9092", ".kafka.svc:9093"))
