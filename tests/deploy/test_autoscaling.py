"""The component keda: workers by lag, slowly, and never more than have work."""

from __future__ import annotations

import pytest

from syncsvc import mapping
from tests.deploy.kubernetes import Document, named

#: Fields of KEDA's API that we use, so that a misspelt one is found: its schema is not in Kubernetes.
SPEC = {"scaleTargetRef", "pollingInterval", "minReplicaCount", "maxReplicaCount", "advanced", "triggers"}
KAFKA = {
    "bootstrapServers", "consumerGroup", "topic", "lagThreshold", "offsetResetPolicy", "allowIdleConsumers",
    "excludePersistentLag",
}  # fmt: skip


@pytest.fixture(scope="module")
def manifests(with_components) -> list[Document]:
    """The base with the component."""
    result: list[Document] = with_components("keda")
    return result


@pytest.fixture(scope="module")
def scaled(manifests: list[Document]) -> Document:
    """The ScaledObject's spec."""
    result: Document = named(manifests, "ScaledObject")["spec"]
    return result


def test_it_scales_the_workers_and_their_own_count_is_gone(manifests, scaled):
    """Else each `kubectl apply` would set back what KEDA chose."""
    workers = named(manifests, "StatefulSet")

    assert scaled.keys() == SPEC
    assert scaled["scaleTargetRef"] == {
        "apiVersion": workers["apiVersion"], "kind": workers["kind"], "name": workers["metadata"]["name"],
    }  # fmt: skip
    assert "replicas" not in workers["spec"]


def test_each_pipeline_is_watched_by_the_topic_and_group_it_really_has(scaled, manifests, root, pipeline_files):
    """Names and addresses are those the workers use; every value is text, as KEDA demands."""
    pipelines = [mapping.load(root / "pipelines" / name) for name in pipeline_files]
    bootstrap = named(manifests, "ConfigMap", "syncsvc-settings-")["data"]["SYNCSVC_KAFKA_BOOTSTRAP"]

    assert {(t["name"], t["metadata"]["topic"], t["metadata"]["consumerGroup"]) for t in scaled["triggers"]} == {
        (pipeline.name, pipeline.keyed_topic, pipeline.group) for pipeline in pipelines
    }
    for trigger in scaled["triggers"]:
        assert trigger["type"] == "kafka"
        assert trigger["metadata"].keys() == KAFKA
        assert all(isinstance(value, str) for value in trigger["metadata"].values())
        assert trigger["metadata"]["bootstrapServers"] == bootstrap
        assert trigger["metadata"]["excludePersistentLag"] == "false"


def test_there_are_never_more_workers_than_partitions_nor_none(scaled, root, pipeline_files):
    """A group that never committed can stay at zero for ever; a worker without a partition stands idle."""
    most = max(mapping.load(root / "pipelines" / name).partitions for name in pipeline_files)

    assert scaled["minReplicaCount"] >= 1
    assert scaled["maxReplicaCount"] <= most


def test_workers_come_slowly_and_go_more_slowly(scaled):
    """Every one of them is a rebalance, during which nothing flows."""
    behavior = scaled["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]

    for direction, seconds in (("scaleUp", 120), ("scaleDown", 600)):
        (policy,) = behavior[direction]["policies"]
        assert policy == {"type": "Pods", "value": 1, "periodSeconds": seconds}
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] > behavior["scaleUp"]["stabilizationWindowSeconds"]
