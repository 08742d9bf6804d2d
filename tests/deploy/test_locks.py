"""deploy/image/*.lock: what the image is made of, file by file, and that it is what pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

#: Extras that the image is installed with: the faster loop, and connectors that write Avro.
EXTRAS = ("fast", "avro")


class Pin(NamedTuple):
    """One package of a lock."""

    version: Version
    hashes: int
    #: Packages that need it; the project's file itself for what is declared there.
    needed_by: frozenset[str]


def read(path: Path) -> dict[str, Pin]:
    """`{package: pin}` of a lock that `uv pip compile --generate-hashes` wrote."""
    pins = {}
    entry = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>\S+) \\\n(?P<rest>(?:[ ].*\n?)+)", re.M)
    for found in entry.finditer(path.read_text()):
        hashes = re.findall(r"--hash=sha256:[0-9a-f]{64}\b", found["rest"])
        needed_by = re.findall(r"#(?: via)? +(?!via)(\S+)", found["rest"])
        name = canonicalize_name(found["name"])
        pins[name] = Pin(Version(found["version"]), len(hashes), frozenset(map(canonicalize_name, needed_by)))
    return pins


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, list[Requirement]]:
    """`{lock: requirements}` as pyproject.toml states them."""
    text = tomllib.loads((root / "pyproject.toml").read_text())
    declared = text["project"]["dependencies"] + [
        one for extra in EXTRAS for one in text["project"]["optional-dependencies"][extra]
    ]
    compiler = text["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["compiler"]
    return {
        "requirements.lock": [Requirement(one) for one in declared],
        "build.lock": [Requirement(one) for one in text["build-system"]["requires"] + compiler],
    }


@pytest.mark.parametrize("lock", ["requirements.lock", "build.lock"])
def test_every_declared_dependency_is_pinned_within_its_range(root, project, lock):
    """A range that was changed and a lock that was not written again contradict each other: run `make lock`."""
    pins = read(root / "deploy/image" / lock)

    for requirement in project[lock]:
        pin = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(pin.version), f"{requirement} is locked at {pin.version}"


@pytest.mark.parametrize("lock", ["requirements.lock", "build.lock"])
def test_every_pin_has_hashes_and_is_there_for_a_reason(root, project, lock):
    """A dependency that was dropped leaves the image; a file that somebody swapped is refused."""
    pins = read(root / "deploy/image" / lock)
    declared = {canonicalize_name(requirement.name) for requirement in project[lock]}
    text = (root / "deploy/image" / lock).read_text()

    assert len(pins) == len(re.findall(r"^[\w.-]+==", text, re.M))
    assert all(pin.hashes for pin in pins.values())
    reached, waiting = set(declared), set(pins) - declared
    while new := {name for name in waiting if pins[name].needed_by & reached}:
        reached |= new
        waiting -= new
    assert waiting == set(), "nobody needs them any more"
    for name in declared - {"aiohttp"} if lock == "build.lock" else declared:
        assert pins[name].needed_by


def test_a_lock_names_no_place(root):
    """Which registry a file comes from is for whoever builds to say; its hash says whether it is the right one."""
    for path in (root / "deploy/image").glob("*.lock"):
        assert not re.search(r"https?://|--index-url|--find-links|file:", path.read_text())


def test_the_build_requirements_are_those_of_the_project(root, project):
    """`uv` locks them from a file of their own: the build system, and the compiler of the hot path."""
    lines = (root / "deploy/image/build.in").read_text().split()

    assert lines == [str(requirement).replace(" ", "") for requirement in project["build.lock"]] or {
        str(Requirement(line)) for line in lines
    } == {str(requirement) for requirement in project["build.lock"]}
