"""deploy/k8s: what the manifests promise, read from what `kubectl kustomize` builds."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

Document = dict[str, Any]
#: The oldest version that is still run, one in between, and the newest one known to the validator.
VERSIONS = ("1.31", "1.33", kubernetes_validate.latest_version())
WORKLOADS = ("StatefulSet", "Job")


def pod(workload: Document) -> Document:
    """The pod that a StatefulSet or a Job makes."""
    result: Document = workload["spec"]["template"]["spec"]
    return result


def container(workload: Document) -> Document:
    """Its only container."""
    (only,) = pod(workload)["containers"]
    result: Document = only
    return result


def named(manifests: list[Document], kind: str) -> Document:
    """The only manifest of a kind."""
    (only,) = (manifest for manifest in manifests if manifest["kind"] == kind)
    return only


def selects(selector: Document, workload: Document) -> bool:
    """Whether a label selector matches a workload's pods."""
    return selector.items() <= workload["spec"]["template"]["metadata"]["labels"].items()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", ["base", "overlays/example"])
def test_the_api_server_of_each_version_knows_every_field(kustomize, root, folder, version):
    """Strict: a misspelt field is an error.  The PodMonitor is a custom resource; it has a test of its own."""
    for manifest in kustomize(root / "deploy/k8s" / folder):
        if manifest["kind"] != "PodMonitor":
            kubernetes_validate.validate(manifest, version, strict=True)


def test_the_base_leaves_the_namespace_to_whoever_builds_on_it(base):
    """Nothing to patch away before it can be installed a second time elsewhere."""
    assert [manifest["kind"] for manifest in base if "namespace" in manifest["metadata"]] == []


def test_the_example_overlay_is_installed_under_the_restricted_standard(kustomize, root):
    """The namespace enforces it, and everything else stands in that namespace."""
    manifests = kustomize(root / "deploy/k8s/overlays/example")
    namespace = named(manifests, "Namespace")

    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {manifest["metadata"]["namespace"] for manifest in manifests if manifest is not namespace} == {
        namespace["metadata"]["name"]
    }


@pytest.mark.parametrize("kind", WORKLOADS)
def test_pods_meet_the_restricted_standard_and_write_only_to_their_own_places(workloads, kind):
    """No root, no gained privileges, no capabilities, read-only root; state and /tmp are bounded empty volumes."""
    everything, inside = pod(workloads[kind])["securityContext"], container(workloads[kind])["securityContext"]
    writable = {mount["name"] for mount in container(workloads[kind])["volumeMounts"] if not mount.get("readOnly")}
    volumes = {volume["name"]: volume for volume in pod(workloads[kind])["volumes"]}

    assert everything["runAsNonRoot"] is True
    assert everything["runAsUser"] > 10000
    assert everything["seccompProfile"] == {"type": "RuntimeDefault"}
    assert inside["allowPrivilegeEscalation"] is False
    assert inside["readOnlyRootFilesystem"] is True
    assert inside["capabilities"] == {"drop": ["ALL"]}
    assert writable == {"state", "tmp"}
    assert all(volumes[name]["emptyDir"]["sizeLimit"] for name in writable)


@pytest.mark.parametrize("kind", WORKLOADS)
def test_pods_have_no_way_to_the_api_server(workloads, kind):
    """syncsvc does not talk to it, so a stolen worker cannot either."""
    assert pod(workloads[kind])["automountServiceAccountToken"] is False
    assert pod(workloads[kind])["enableServiceLinks"] is False


@pytest.mark.parametrize("kind", WORKLOADS)
def test_memory_and_disk_are_limited_and_cpu_is_not(workloads, kind):
    """Memory requested is memory limited, so no neighbour takes it; throttled CPU would look like lag."""
    resources = container(workloads[kind])["resources"]

    assert resources["requests"].keys() == {"cpu", "memory", "ephemeral-storage"}
    assert resources["limits"].keys() == {"memory", "ephemeral-storage"}
    assert resources["limits"]["memory"] == resources["requests"]["memory"]


@pytest.mark.parametrize("kind", WORKLOADS)
def test_secrets_are_files_of_a_secret_that_others_make(base, workloads, kind):
    """Never values in the environment, which every child process and crash report carries; none is in this folder."""
    inside = container(workloads[kind])
    mounted = next(mount["mountPath"] for mount in inside["volumeMounts"] if mount["name"] == "secrets")
    secret = next(volume["secret"] for volume in pod(workloads[kind])["volumes"] if volume["name"] == "secrets")
    files = {variable["value"] for variable in inside["env"] if variable["name"].endswith("_FILE")}

    assert not [manifest for manifest in base if manifest["kind"] == "Secret"]
    assert not [variable for variable in inside["env"] if "secretKeyRef" in variable.get("valueFrom", {})]
    assert not [source for source in inside["envFrom"] if "secretRef" in source]
    assert files == {f"{mounted}/{item['path']}" for item in secret["items"]}
    settings = next(m for m in base if m["metadata"]["name"].startswith("syncsvc-settings"))["data"]
    assert not [name for name in settings if name.endswith(("_URI", "_DSN", "_PASSWORD"))]


def test_a_worker_cannot_read_the_secret_of_the_source_database(workloads):
    """Only `apply` needs it."""
    names = {variable["name"] for variable in container(workloads["StatefulSet"])["env"]}

    assert names == {"SYNCSVC_INSTANCE", "SYNCSVC_MONGO_URI_FILE"}


@pytest.mark.parametrize("kind", WORKLOADS)
def test_the_image_is_pinned_to_this_version(workloads, kind, version):
    """A pod that is restarted next year runs what it runs today."""
    assert container(workloads[kind])["image"] == f"syncsvc:{version}"


def test_liveness_and_readiness_ask_different_questions(workloads):
    """/live: does the loop turn; /ready: are partitions assigned and loaded.  Startup may take two minutes."""
    worker = container(workloads["StatefulSet"])
    paths = {probe: worker[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}

    assert paths == {"startupProbe": "/live", "livenessProbe": "/live", "readinessProbe": "/ready"}
    assert {worker[probe]["httpGet"]["port"] for probe in paths} == {worker["ports"][0]["name"]}
    assert worker["startupProbe"]["periodSeconds"] * worker["startupProbe"]["failureThreshold"] >= 120


def test_a_pod_that_comes_back_is_the_same_member_of_its_group(workloads):
    """Its stable name is its member id, so a restart moves no partition; it is given a minute to finish a step."""
    workers = workloads["StatefulSet"]["spec"]
    instance = next(e for e in container(workloads["StatefulSet"])["env"] if e["name"] == "SYNCSVC_INSTANCE")

    assert instance["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    assert workers["podManagementPolicy"] == "Parallel"
    assert workers["replicas"] == 2
    assert workers["template"]["spec"]["terminationGracePeriodSeconds"] == 60
    assert "volumeClaimTemplates" not in workers


def test_workers_are_spread_but_never_left_unscheduled(workloads):
    """Over zones, then nodes; on a cluster with one node both still run."""
    spread = pod(workloads["StatefulSet"])["topologySpreadConstraints"]

    assert [rule["topologyKey"] for rule in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    assert {rule["whenUnsatisfiable"] for rule in spread} == {"ScheduleAnyway"}
    assert all(selects(rule["labelSelector"]["matchLabels"], workloads["StatefulSet"]) for rule in spread)


def test_a_drain_takes_one_worker_at_a_time_and_is_not_held_up_by_a_broken_one(base, workloads):
    """`AlwaysAllow`: a pod that cannot become ready must not stop the upgrade of a node."""
    budget = named(base, "PodDisruptionBudget")["spec"]

    assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")
    assert selects(budget["selector"]["matchLabels"], workloads["StatefulSet"])
    assert not selects(budget["selector"]["matchLabels"], workloads["Job"])


def test_the_headless_service_names_the_workers(base, workloads):
    """It gives the pods their names and balances nothing."""
    service = named(base, "Service")

    assert service["spec"]["clusterIP"] == "None"
    assert workloads["StatefulSet"]["spec"]["serviceName"] == service["metadata"]["name"]
    assert selects(service["spec"]["selector"], workloads["StatefulSet"])
    assert not selects(service["spec"]["selector"], workloads["Job"])


def test_prometheus_scrapes_every_worker_by_its_port_of_metrics(base, workloads):
    """
    The PodMonitor's fields are of the operator's API `monitoring.coreos.com/v1`.

    Its schema is not in Kubernetes: the fields we use are listed here, so that a misspelt one is found.
    """
    monitor = named(base, "PodMonitor")
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]

    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert monitor["spec"].keys() == {"selector", "podMetricsEndpoints"}
    assert endpoint.keys() == {"port", "path", "interval", "scrapeTimeout"}
    assert endpoint["path"] == "/metrics"
    assert endpoint["port"] == container(workloads["StatefulSet"])["ports"][0]["name"]
    assert selects(monitor["spec"]["selector"]["matchLabels"], workloads["StatefulSet"])


def test_a_cluster_without_the_prometheus_operator_leaves_the_monitor_out(kustomize, root, tmp_path):
    """The component takes away the one resource that such a cluster would refuse, and nothing else."""
    base = os.path.relpath(root / "deploy/k8s/base", tmp_path.resolve())
    component = os.path.relpath(root / "deploy/k8s/components/without-podmonitor", tmp_path.resolve())
    (tmp_path / "kustomization.yaml").write_text(f"resources: [{base}]\ncomponents: [{component}]\n")

    kinds = {manifest["kind"] for manifest in kustomize(root / "deploy/k8s/base")}

    assert {manifest["kind"] for manifest in kustomize(tmp_path)} == kinds - {"PodMonitor"}


def test_apply_gives_up_at_once_on_what_no_retry_mends(workloads):
    """Exit codes 2 (bad mapping) and 3 (drift) end the Job; 4 (unreachable) is tried again."""
    (rule,) = workloads["Job"]["spec"]["podFailurePolicy"]["rules"]

    assert rule["action"] == "FailJob"
    assert rule["onExitCodes"] == {"containerName": "apply", "operator": "In", "values": [2, 3]}
    assert pod(workloads["Job"])["restartPolicy"] == "Never"


@pytest.mark.parametrize("kind", WORKLOADS)
def test_the_config_map_holds_the_mapping_files_of_the_repository(base, workloads, kind, root: Path, pipeline_files):
    """pipelines/ is the only place of a mapping; its ConfigMap is named by its content, so a change rolls the pods."""
    volume = next(volume for volume in pod(workloads[kind])["volumes"] if volume["name"] == "pipelines")
    config = next(m for m in base if m["metadata"]["name"] == volume["configMap"]["name"])
    mounted = next(m["mountPath"] for m in container(workloads[kind])["volumeMounts"] if m["name"] == "pipelines")

    assert config["data"] == {name: (root / "pipelines" / name).read_text() for name in pipeline_files}
    assert config["metadata"]["name"].startswith("syncsvc-pipelines-")
    assert sorted(container(workloads[kind])["args"][1:]) == [f"{mounted}/{name}" for name in pipeline_files]


def test_a_changed_pipeline_rolls_the_workers(kustomize: Callable[[Path], list[Document]], root, tmp_path):
    """Its ConfigMap gets another name, and with it the pod template changes."""
    (tmp_path / "kustomization.yaml").write_text(
        f"resources: [{os.path.relpath(root / 'deploy/k8s/base', tmp_path.resolve())}]\n"
        "configMapGenerator:\n"
        "  - {name: syncsvc-pipelines, behavior: merge, literals: [meetings.yaml=changed]}\n"
    )

    def template(manifests: list[Document]) -> Document:
        result: Document = named(manifests, "StatefulSet")["spec"]["template"]
        return result

    assert template(kustomize(tmp_path)) != template(kustomize(root / "deploy/k8s/base"))
