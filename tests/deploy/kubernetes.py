"""
Where things stand in a manifest of Kubernetes, whatever its kind.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Document = dict[str, Any]
COMPONENT = "app.kubernetes.io/component"


def template(workload: Document) -> Document:
    """The pod template of a StatefulSet, Deployment, Job or CronJob."""
    spec = workload["spec"]
    result: Document = (spec["jobTemplate"]["spec"] if workload["kind"] == "CronJob" else spec)["template"]
    return result


def pod(workload: Document) -> Document:
    """What its pods are."""
    result: Document = template(workload)["spec"]
    return result


def container(workload: Document) -> Document:
    """The only container of its pods."""
    (only,) = pod(workload)["containers"]
    result: Document = only
    return result


def environment(workload: Document) -> Document:
    """`{name: variable}` of what its container is given one by one."""
    return {variable["name"]: variable for variable in container(workload).get("env", [])}


def named(manifests: Iterable[Document], kind: str, name: str = "syncsvc") -> Document:
    """The only manifest of a kind and a name; a name that ends in `-` may be followed by a hash."""
    (only,) = (
        manifest
        for manifest in manifests
        if manifest["kind"] == kind
        and (manifest["metadata"]["name"].startswith(name) if name[-1] == "-" else manifest["metadata"]["name"] == name)
    )
    return only


def workloads(manifests: Iterable[Document]) -> dict[str, Document]:
    """`{component: manifest}` of everything that runs pods."""
    return {
        manifest["metadata"]["labels"][COMPONENT]: manifest
        for manifest in manifests
        if manifest["kind"] in ("StatefulSet", "Deployment", "Job", "CronJob")
    }


def selects(selector: Document, workload: Document) -> bool:
    """Whether a label selector (`matchLabels` and `matchExpressions`) matches a workload's pods."""
    labels = template(workload)["metadata"]["labels"]
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        rule["operator"] == "In" and labels.get(rule["key"]) in rule["values"]
        for rule in selector.get("matchExpressions", [])
    )
