"""deploy/k8s/base: what every pod promises, read from what `kubectl kustomize` builds."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.kubernetes import COMPONENT, Document, container, environment, named, pod, selects, template

COMPONENTS = ("worker", "apply", "verify", "lag-exporter")
#: Which secrets each of them needs: `{setting: file}`.
SECRETS = {
    "worker": {"SYNCSVC_MONGO_URI_FILE"},
    "apply": {"SYNCSVC_MONGO_URI_FILE", "SYNCSVC_SOURCE_DSN_FILE"},
    "verify": {"SYNCSVC_MONGO_URI_FILE", "SYNCSVC_SOURCE_DSN_FILE"},
    "lag-exporter": {"SYNCSVC_MONGO_URI_FILE"},  # what is applied stands in the fences
}


def secret_files(workload: Document) -> set[str]:
    """Paths of all files of secrets that its container sees."""
    volumes = {volume["name"]: volume for volume in pod(workload)["volumes"]}
    return {
        f"{mount['mountPath']}/{item['path']}"
        for mount in container(workload)["volumeMounts"]
        for item in volumes[mount["name"]].get("secret", {}).get("items", [])
    }


def test_every_component_is_there_and_its_container_has_one_name(workloads):
    """One name for all of them, so that one patch of an overlay reaches all of them."""
    assert set(workloads) == set(COMPONENTS)
    assert {container(workload)["name"] for workload in workloads.values()} == {"syncsvc"}
    assert {name: template(workload)["metadata"]["labels"][COMPONENT] for name, workload in workloads.items()} == {
        name: name for name in COMPONENTS
    }


def test_the_base_leaves_the_namespace_to_whoever_builds_on_it(base):
    """Nothing to patch away before it can be installed a second time elsewhere."""
    assert [manifest["kind"] for manifest in base if "namespace" in manifest["metadata"]] == []


@pytest.mark.parametrize("component", COMPONENTS)
def test_pods_meet_the_restricted_standard_and_write_only_to_their_own_places(workloads, component):
    """No root, no gained privileges, no capabilities, read-only root; state and /tmp are bounded empty volumes."""
    everything = pod(workloads[component])["securityContext"]
    inside = container(workloads[component])["securityContext"]
    mounts = container(workloads[component])["volumeMounts"]
    writable = {mount["name"] for mount in mounts if not mount.get("readOnly")}
    volumes = {volume["name"]: volume for volume in pod(workloads[component])["volumes"]}

    assert everything["runAsNonRoot"] is True
    assert min(everything["runAsUser"], everything["runAsGroup"], everything["fsGroup"]) > 10000
    assert everything["seccompProfile"] == {"type": "RuntimeDefault"}
    assert inside["allowPrivilegeEscalation"] is False
    assert inside["readOnlyRootFilesystem"] is True
    assert inside["capabilities"] == {"drop": ["ALL"]}
    assert writable == {"state", "tmp"}
    assert all(volumes[name]["emptyDir"]["sizeLimit"] for name in writable)
    assert {mount["name"] for mount in mounts} == set(volumes)


@pytest.mark.parametrize("component", COMPONENTS)
def test_pods_have_no_way_to_the_api_server(workloads, component):
    """syncsvc does not talk to it, so a stolen worker cannot either."""
    assert pod(workloads[component])["automountServiceAccountToken"] is False
    assert pod(workloads[component])["enableServiceLinks"] is False


@pytest.mark.parametrize("component", COMPONENTS)
def test_memory_and_disk_are_limited_and_cpu_is_not(workloads, component):
    """Memory requested is memory limited, so no neighbour takes it; throttled CPU would look like lag."""
    resources = container(workloads[component])["resources"]

    assert resources["requests"].keys() == {"cpu", "memory", "ephemeral-storage"}
    assert resources["limits"].keys() == {"memory", "ephemeral-storage"}
    assert resources["limits"]["memory"] == resources["requests"]["memory"]


@pytest.mark.parametrize("component", COMPONENTS)
def test_secrets_are_files_that_others_make_and_each_pod_has_only_its_own(base, workloads, component):
    """
    Never values in the environment, which every child process and crash report carries; none is in this folder.  A
    worker cannot read the source database's password: only `apply` and `verify` need it.
    """
    variables = environment(workloads[component])
    given = {name: variable["value"] for name, variable in variables.items() if name.endswith("_FILE")}

    assert not [manifest for manifest in base if manifest["kind"] == "Secret"]
    assert not [name for name, variable in variables.items() if "secretKeyRef" in variable.get("valueFrom", {})]
    assert not [source for source in container(workloads[component])["envFrom"] if "secretRef" in source]
    assert set(given) == SECRETS[component]
    assert set(given.values()) == secret_files(workloads[component])
    settings = named(base, "ConfigMap", "syncsvc-settings-")["data"]
    assert not [name for name in settings if name.endswith(("_URI", "_DSN", "_PASSWORD"))]


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_image_is_pinned_to_this_version(workloads, component, version):
    """A pod that is restarted next year runs what it runs today."""
    assert container(workloads[component])["image"] == f"syncsvc:{version}"


@pytest.mark.parametrize(
    ("component", "startup", "seconds"), [("worker", "/startup", 600), ("lag-exporter", "/live", 120)]
)
def test_the_three_probes_ask_different_questions(workloads, component, startup, seconds):
    """Has it joined once (within ten minutes), does the loop turn, are partitions loaded; all on the page's port."""
    inside = container(workloads[component])
    probes = {name: inside[f"{name}Probe"] for name in ("startup", "liveness", "readiness")}

    assert {name: probe["httpGet"]["path"] for name, probe in probes.items()} == {
        "startup": startup, "liveness": "/live", "readiness": "/ready",
    }  # fmt: skip
    assert {probe["httpGet"]["port"] for probe in probes.values()} == {inside["ports"][0]["name"]}
    assert probes["startup"]["periodSeconds"] * probes["startup"]["failureThreshold"] == seconds
    # Sooner out of what gates roll-outs than out of life.
    spans = {name: probe["periodSeconds"] * probe["failureThreshold"] for name, probe in probes.items()}
    assert spans["readiness"] < spans["liveness"]


def test_a_pod_that_comes_back_is_the_same_member_of_its_group(base, workloads):
    """Its stable name is its member id, so a restart moves no partition; it is given a minute to finish a step."""
    workers, instance = workloads["worker"]["spec"], environment(workloads["worker"])["SYNCSVC_INSTANCE"]

    assert instance["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    assert float(named(base, "ConfigMap", "syncsvc-settings-")["data"]["SYNCSVC_SESSION_TIMEOUT_SECONDS"]) >= 30
    assert workers["podManagementPolicy"] == "Parallel"
    assert workers["replicas"] == 2
    assert pod(workloads["worker"])["terminationGracePeriodSeconds"] == 60
    assert "volumeClaimTemplates" not in workers


def test_workers_are_spread_but_never_left_unscheduled(workloads):
    """Over zones, then nodes; on a cluster with one node both still run."""
    spread = pod(workloads["worker"])["topologySpreadConstraints"]

    assert [rule["topologyKey"] for rule in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    assert {rule["whenUnsatisfiable"] for rule in spread} == {"ScheduleAnyway"}
    for rule in spread:
        assert [name for name in COMPONENTS if selects(rule["labelSelector"], workloads[name])] == ["worker"]


def test_a_drain_takes_one_worker_at_a_time_and_is_not_held_up_by_a_broken_one(base, workloads):
    """`AlwaysAllow`: a pod that cannot become ready must not stop the upgrade of a node."""
    budget = named(base, "PodDisruptionBudget")["spec"]

    assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")
    assert [name for name in COMPONENTS if selects(budget["selector"], workloads[name])] == ["worker"]
    assert budget["selector"] == workloads["worker"]["spec"]["selector"]


def test_the_headless_service_names_the_workers(base, workloads):
    """It gives the pods their names and balances nothing."""
    service = named(base, "Service")

    assert service["spec"]["clusterIP"] == "None"
    assert workloads["worker"]["spec"]["serviceName"] == service["metadata"]["name"]
    selector = {"matchLabels": service["spec"]["selector"]}
    assert [name for name in COMPONENTS if selects(selector, workloads[name])] == ["worker"]


def test_one_lag_exporter_watches_from_outside(workloads):
    """Two would count every group twice; the old one is gone before the new one comes."""
    exporter = workloads["lag-exporter"]["spec"]

    assert exporter["replicas"] == 1
    assert exporter["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize(("component", "answers"), [("apply", [2, 3]), ("verify", [1, 2, 3])])
def test_jobs_give_up_at_once_on_what_no_retry_mends(workloads, component, answers):
    """A difference (1), a bad mapping (2) and drift (3) end the Job; what is unreachable (4) is tried again."""
    workload = workloads[component]
    job = workload["spec"]["jobTemplate"]["spec"] if component == "verify" else workload["spec"]
    (rule,) = job["podFailurePolicy"]["rules"]

    assert rule["action"] == "FailJob"
    assert rule["onExitCodes"] == {"containerName": "syncsvc", "operator": "In", "values": answers}
    assert pod(workload)["restartPolicy"] == "Never"
    assert job["backoffLimit"] > 0
    assert job["activeDeadlineSeconds"] > 0


def test_documents_are_verified_every_night_never_twice_at_once(workloads):
    """And lag is no difference: what differs is looked at again."""
    cron = workloads["verify"]["spec"]

    assert cron["concurrencyPolicy"] == "Forbid"
    assert cron["timeZone"] == "Etc/UTC"
    assert cron["startingDeadlineSeconds"] > 0
    assert container(workloads["verify"])["args"][:2] == ["verify", "--wait"]


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_config_map_holds_the_mapping_files_of_the_repository(base, workloads, component, root, pipeline_files):
    """pipelines/ is the only place of a mapping; its ConfigMap is named by its content, so a change rolls the pods."""
    volume = next(volume for volume in pod(workloads[component])["volumes"] if volume["name"] == "pipelines")
    config = named(base, "ConfigMap", volume["configMap"]["name"])
    inside = container(workloads[component])
    mounted = next(mount["mountPath"] for mount in inside["volumeMounts"] if mount["name"] == "pipelines")
    files = [argument for argument in inside["args"] if argument.startswith(mounted)]

    assert config["data"] == {name: (root / "pipelines" / name).read_text() for name in pipeline_files}
    assert config["metadata"]["name"].startswith("syncsvc-pipelines-")
    assert sorted(files) == [f"{mounted}/{name}" for name in pipeline_files]


@pytest.mark.parametrize("component", ["worker", "lag-exporter"])
def test_a_changed_pipeline_rolls_the_pods(
    kustomize: Callable[[Path], list[Document]], root: Path, workloads: dict[str, Any], tmp_path: Path, component: str
):
    """Its ConfigMap gets another name, and with it the pod template changes."""
    (tmp_path / "kustomization.yaml").write_text(
        f"resources: [{os.path.relpath(root / 'deploy/k8s/base', tmp_path.resolve())}]\n"
        "configMapGenerator:\n"
        "  - {name: syncsvc-pipelines, behavior: merge, literals: [meetings.yaml=changed]}\n"
    )
    changed = next(
        manifest
        for manifest in kustomize(tmp_path)
        if manifest["kind"] == workloads[component]["kind"]
        and manifest["metadata"]["name"] == workloads[component]["metadata"]["name"]
    )

    assert template(changed) != template(workloads[component])
