"""Names and values that the deployment files set are names and values that syncsvc reads."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from syncsvc import settings
from tests.deploy.kubernetes import container, environment
from tests.deploy.kubernetes import workloads as workloads_of

KNOWN = {settings.PREFIX + field.name.upper() for field in fields(settings.Settings)}


def ours(environment: dict[str, Any]) -> dict[str, str]:
    """The part of an environment that is meant for syncsvc."""
    return {name: value for name, value in environment.items() if name.startswith(settings.PREFIX)}


def from_the_pod(manifests: list[dict[str, Any]], workload: dict[str, Any]) -> dict[str, str]:
    """What the only container of a workload gets: its ConfigMap, then its own variables."""
    names = {source["configMapRef"]["name"] for source in container(workload)["envFrom"]}
    (shared,) = (manifest["data"] for manifest in manifests if manifest["metadata"]["name"] in names)
    return {**shared, **{name: variable.get("value", "pod-0") for name, variable in environment(workload).items()}}


@pytest.mark.parametrize("name", ["apply", "register", "worker", "lag-exporter"])
def test_compose_sets_only_what_is_read(services, name):
    """A misspelt name would be passed over in silence, and a default would hold."""
    given = ours(services[name]["environment"])

    assert given.keys() == services[name]["environment"].keys()
    assert given.keys() <= KNOWN
    settings.read(given)


@pytest.mark.parametrize("overlay", ["dev", "prod"])
def test_kubernetes_sets_only_what_is_read(kustomize, root: Path, overlay):
    """Variables of the pods and keys of their ConfigMap alike, as the overlays change them."""
    manifests = kustomize(root / "deploy/k8s/overlays" / overlay)

    for workload in workloads_of(manifests).values():
        given = from_the_pod(manifests, workload)
        assert given.keys() <= KNOWN
        settings.read(given)


def test_the_image_serves_on_the_port_that_everything_else_asks(root: Path, base, services, workloads):
    """One port for the page, metrics and probes: image, compose, Service and pod agree with the default."""
    port = settings.Settings().http_port

    assert f"SYNCSVC_HTTP_PORT={port}\n" in (root / "Dockerfile").read_text()
    assert f"EXPOSE {port}\n" in (root / "Dockerfile").read_text()
    assert services["worker"]["ports"][0]["target"] == port
    assert f"127.0.0.1:{port}/ready" in services["worker"]["healthcheck"]["test"][-1]
    for name in ("worker", "lag-exporter"):
        assert container(workloads[name])["ports"][0]["containerPort"] == port
    assert next(manifest for manifest in base if manifest["kind"] == "Service")["spec"]["ports"][0]["port"] == port
