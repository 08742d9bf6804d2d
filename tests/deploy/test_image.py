"""The container image: small, without root, and honest about its health."""

from __future__ import annotations

import http.server
import json
import os
import re
import socket
import subprocess
import sys
import sysconfig
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def instructions(root: Path) -> list[tuple[str, str]]:
    """`(name, arguments)` of every instruction, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (root / "Dockerfile").read_text(), flags=re.M).replace("\\\n", " ")
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


@pytest.fixture(scope="module")
def runtime(instructions: list[tuple[str, str]]) -> dict[str, str]:
    """`{instruction: arguments}` of the last stage; of several with one name, the last."""
    last = max(place for place, (name, _) in enumerate(instructions) if name == "FROM")
    return dict(instructions[last:])


@contextmanager
def a_server(status: int) -> Iterator[int]:
    """An HTTP server on a free port that answers every GET with `status`; gives the port."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/live" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def exit_code_of_healthcheck(runtime: dict[str, str], port: int) -> int:
    """Runs the image's HEALTHCHECK here, with this Python."""
    _, _, command = runtime["HEALTHCHECK"].partition("CMD ")
    arguments = json.loads(command)
    assert arguments[0] == "python"
    environment = os.environ | {"SYNCSVC_HTTP_PORT": str(port)}
    return subprocess.run([sys.executable, *arguments[1:]], env=environment, capture_output=True).returncode


def test_it_runs_as_a_user_without_a_name_on_the_node(runtime):
    """A number, because Kubernetes can compare it; above 10000, because no system user has it."""
    uid, gid = runtime["USER"].split(":")

    assert int(uid) > 10000
    assert int(gid) > 10000


def test_the_runtime_holds_no_build_tools(instructions, runtime):
    """Wheel, compiler and environment are in stages of their own; the last one copies only the result, without pip."""
    assert [rest.partition(" AS ")[2] for name, rest in instructions if name == "FROM"] == ["wheel", "environment", ""]
    assert runtime["COPY"] == "--from=environment /opt/syncsvc /opt/syncsvc"
    assert ("RUN", "python -m venv --without-pip /opt/syncsvc") in instructions


def test_nothing_is_installed_that_a_lock_does_not_name(instructions):
    """Each install is from a file with hashes, or of our own wheel; a build next year gets the same files."""
    pip = re.compile(r"\bpip\b.* (install|wheel|download)\b")
    installs = [rest for name, rest in instructions if name == "RUN" and pip.search(rest)]
    locks = {match for rest in installs for match in re.findall(r"--require-hashes.*?(\w+)\.lock", rest)}

    assert locks == {"build", "requirements"}
    for rest in installs:
        assert "--require-hashes" in rest or "--no-deps" in rest, rest


def test_hadolint_finds_nothing(root):
    """The linter of Dockerfiles; what is passed over says so in the file, with its reason."""
    program = Path(sysconfig.get_path("scripts")) / "hadolint"

    done = subprocess.run([program, "Dockerfile"], cwd=root, text=True, capture_output=True)

    assert (done.returncode, done.stdout) == (0, "")


def test_bases_are_pinned_and_no_front_end_is_pulled(instructions, root):
    """A `# syntax` line would fetch an image before the build begins: no build without a registry."""
    assert {rest.split()[0] for name, rest in instructions if name == "FROM"} == {"python:3.11-slim"}
    assert not re.search(r"^#\s*syntax\s*=", (root / "Dockerfile").read_text(), re.M)


def test_it_is_the_command_itself(runtime):
    """`docker run syncsvc validate FILE` is `syncsvc validate FILE`; signals reach the process."""
    assert json.loads(runtime["ENTRYPOINT"]) == ["syncsvc"]


def test_its_label_is_the_version_of_the_package(instructions, version):
    """Who finds a running image can tell what is in it."""
    assert ("ARG", f"VERSION={version}") in instructions


@pytest.fixture(scope="module")
def wheel_sources(root: Path) -> set[str]:
    """Folders of the repository that pyproject.toml puts into the wheel."""
    wheel = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    return {*wheel["packages"], *wheel["force-include"]}


def test_the_build_sees_only_what_the_wheel_is_made_of(root, wheel_sources):
    """Everything is left out that is not named, so a new secret file is left out too."""
    rules = [line for line in (root / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]

    assert rules[0] == "*"
    wanted = {"pyproject.toml", "hatch_build.py", "README.md", "LICENSE*", "deploy/image/*.lock", *wheel_sources}
    assert {rule for rule in rules if rule[0] == "!"} == {f"!{name}" for name in wanted}


def test_the_wheel_is_built_from_all_it_is_made_of(instructions, wheel_sources):
    """A folder that pyproject.toml names and no COPY brings along fails the build."""
    assert {("COPY", f"{name} ./{name}") for name in wheel_sources} <= set(instructions)


def test_the_wheel_is_built_with_its_hot_path_compiled(instructions):
    """In the stage that has the compiler, and by the build system itself: nothing comes along that no lock names."""
    stage = instructions[: [name for name, _ in instructions].index("FROM", 1)]
    (wheel,) = (rest for name, rest in stage if name == "RUN" and "/wheels" in rest)

    assert wheel == "SYNCSVC_COMPILE=1 python -m hatchling build --target wheel --directory /wheels"


@pytest.mark.parametrize(
    ("status", "expected"), [pytest.param(200, 0, id="the loop turns"), pytest.param(503, 1, id="the loop hangs")]
)
def test_the_health_check_tells_what_live_says(runtime, status, expected):
    """The very command of the Dockerfile, against a real server."""
    with a_server(status) as port:
        assert exit_code_of_healthcheck(runtime, port) == expected


def test_the_health_check_fails_where_nobody_listens(runtime):
    """A process that is starting or dying is not healthy."""
    with socket.socket() as bound:  # held, so that nobody else can listen there
        bound.bind(("127.0.0.1", 0))

        assert exit_code_of_healthcheck(runtime, bound.getsockname()[1]) == 1
