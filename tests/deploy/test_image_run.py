"""The image, built and run: what only an engine can show."""

from __future__ import annotations

import json
import tomllib

import pytest

from tests.deploy.engine import ROOT, build, docker, locked_down, needs_engine

pytestmark = [pytest.mark.servers, needs_engine]
#: More would mean that something was left in it: it is a Python, and some 60 packages of about 150 MB.
MOST_MEGABYTES = 350


@pytest.fixture(scope="module")
def tag(version: str) -> str:
    """The image of this repository, built."""
    name = f"syncsvc:{version}"
    build(name)
    return name


def test_it_runs_read_only_without_rights_and_without_a_network(tag, version):
    """As a pod under the restricted standard does; the mapping files are checked from outside."""
    pipelines = ("--volume", f"{ROOT}/pipelines:/pipelines:ro")

    assert locked_down(tag, "--version").stdout.strip() == version
    done = locked_down(tag, "validate", "/pipelines/meetings.yaml", "/pipelines/feed.yaml", options=pipelines)
    assert done.returncode == 0, done.stderr


def test_its_user_is_nobody_and_may_write_to_its_state_alone(tag):
    """Not to its own code either: a hole in it cannot be made to stay."""
    shell = (
        "import os\n"
        "def may(path):\n"
        "    try: open(path, 'w').close()\n"
        "    except OSError: return False\n"
        "    return True\n"
        "import syncsvc\n"
        "print(os.getuid(), may('/var/lib/syncsvc/x'), may('/tmp/x'), may(syncsvc.__file__), may('/etc/x'))\n"
    )

    done = locked_down(tag, "-c", shell, options=("--entrypoint", "python"))

    assert done.stdout.split() == ["10001", "True", "True", "False", "False"], done.stderr


def test_it_holds_neither_a_compiler_nor_pip(tag):
    """What is not there cannot be used by who breaks in.  (The base image's own pip is not of this environment.)"""
    looked = "import importlib.util as u, shutil; print(u.find_spec('pip'), shutil.which('gcc'), shutil.which('cc'))"

    done = locked_down(tag, "-c", looked, options=("--entrypoint", "python"))

    assert done.stdout.split() == ["None", "None", "None"], done.stderr


def test_its_hot_path_is_machine_code(tag):
    """Every module that pyproject.toml names; a wheel that was built without a compiler would be slower unnoticed."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    names = ["syncsvc." + name.replace("/", ".") for name in wheel["hooks"]["custom"]["compiled"]]
    looked = f"import importlib; print(*(importlib.import_module(name).__file__ for name in {names}), sep='\\n')"

    done = locked_down(tag, "-c", looked, options=("--entrypoint", "python"))

    assert "syncsvc.routing.router" in names
    assert len(done.stdout.splitlines()) == len(names), done.stderr
    assert [file for file in done.stdout.splitlines() if not file.endswith(".so")] == []


def test_it_is_small_and_says_what_it_is(tag, version):
    """Labels for whoever finds it running."""
    (image,) = json.loads(docker("image", "inspect", tag).stdout)

    assert image["Size"] < MOST_MEGABYTES * 1_000_000
    assert image["Config"]["User"] == "10001:10001"
    assert image["Config"]["Labels"]["org.opencontainers.image.version"] == version
