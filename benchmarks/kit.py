"""
The benchmark kit: generator, harness, limits and the rival, where they are at hand.

`BENCH_KIT` names its folder; without it, `../shared/bench` beside the checkout.  The kit is only read: the rival is
built in a copy in the devstack's cache, generated data lie there too, named after the generator that made them.
Refuses a run that did not end with exactly the expected documents.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.servers import Servers
from syncsvc.errors import CheckFailed, UsageFault

ROOT = Path(__file__).parents[1]
RIVAL = "peer-kafka-streams"
SYSTEMS = ("rival", "ours")
#: The profile of the rival that its latency is measured with: five times faster than its default.
LATENCY_PROFILE = {"PEER_COMMIT_MS": "100", "PEER_LINGER_MS": "0"}
RUN_SECONDS = 900  # longest harness run, far above the slowest
STOP_SECONDS = 90  # what it may take to stop its system and to clean up

Result = dict[str, Any]


def find() -> Path | None:
    """
    The kit's folder; None: it is not here.

    Raises:
        UsageFault: `bench.no_kit`, BENCH_KIT names a folder without one.
    """
    given = os.environ.get("BENCH_KIT")
    folder = Path(given) if given else ROOT.parent / "shared" / "bench"
    if (folder / "harness.py").exists():
        return folder.absolute()
    if given:
        fix = "name the folder with harness.py, gen.py and limits.py, or unset it to leave the side-by-side part out"
        raise UsageFault(code="bench.no_kit", where="BENCH_KIT", what=f"no harness.py in {folder}", fix=fix)
    return None


class Kit:
    """The kit's programs on one set of servers."""

    def __init__(self, folder: Path, servers: Servers) -> None:
        self._folder, self._servers = folder, servers

    def rival(self) -> Path:
        """The command that starts the rival, built in a copy at the first call."""

        def build(stage: Path) -> None:
            shutil.copytree(self._folder / RIVAL, stage, dirs_exist_ok=True)
            for path in [stage, *stage.rglob("*")]:
                path.chmod(path.stat().st_mode | 0o200)  # the kit may be read-only
            self._servers.nursery.run(
                "Maven", ["bash", str(stage / "build.sh")], log=self._servers.store.log("rival"),
                fix="the rival needs a JDK 17 and Maven with access to Maven Central", cwd=stage,
            )  # fmt: skip

        sources = sorted(path for path in (self._folder / RIVAL).rglob("*") if path.is_file())
        return self._servers.store.folder(f"bench-rival-{_hash(sources)}", build) / "run.sh"

    def data(self, scale: float) -> Path:
        """The workload at a scale, generated at the first call."""

        def generate(stage: Path) -> None:
            command = [sys.executable, str(self._folder / "gen.py"), "--out", str(stage), "--scale", str(scale)]
            log, fix = self._servers.store.log("bench-data"), "install the extra: pip install -e '.[bench]'"
            self._servers.nursery.run("gen.py", command, log=log, fix=fix)

        return self._servers.store.folder(f"bench-data-{_hash([self._folder / 'gen.py'])}-{scale:g}", generate)

    def run(self, system: str, phase: str, *, scale: float, rate: int, seconds: int) -> Result:
        """
        One run of `rival` or `ours`: what the harness prints.

        Raises:
            CheckFailed: `bench.run_failed`, `bench.wrong_documents`.
        """
        start = str(self.rival() if system == "rival" else ROOT / "benchmarks" / "run-meetup")
        profile = LATENCY_PROFILE if system == "rival" and phase == "latency" else {}
        arguments = [
            "--name", system, "--start", shlex.quote(start), "--db", f"pb_{system}", "--collection", "meetings",
            "--data", str(self.data(scale)), "--phase", phase, "--rate", str(rate), "--seconds", str(seconds),
            "--ignore", "_sync",
        ]  # fmt: skip
        found = self._program("harness.py", arguments, profile)
        wrong = found.get("mismatches", 0) + found["mismatches_after_settle"]
        unseen = found.get("tokens", 0) - found.get("seen", 0)
        if wrong or unseen or not found.get("converged", True):
            what = f"{found.get('mismatches', 0)} documents were wrong at the end of the run, "
            what += f"{found['mismatches_after_settle']} after it had settled, {unseen} changes were never seen"
            fix = f"run it alone and look at the ids: {found.get('mismatched_ids')}"
            raise CheckFailed(code="bench.wrong_documents", where=f"{system}, {phase}", what=what, fix=fix)
        return found

    def limits(self, scale: float) -> Result:
        """What the machine could do at best: consume, decode, write, one after the other."""
        return self._program("limits.py", ["--data", str(self.data(scale)), "--repeat", "1"], {})

    def _program(self, name: str, arguments: list[str], settings: Mapping[str, str]) -> Result:
        work = self._servers.folder / "work"
        given = {**os.environ, **self._servers.environment, "PB_WORK": str(work), "BENCH_ENVIRONMENT": sys.executable}
        # In a session of its own, so that a Ctrl-C reaches it once and through us: it stops its system on the way out.
        program = subprocess.Popen(
            [sys.executable, "-B", str(self._folder / name), *arguments], env={**given, **settings},
            stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            said, _ = program.communicate(timeout=RUN_SECONDS)
        finally:
            if program.poll() is None:
                program.send_signal(signal.SIGINT)
                program.wait(STOP_SECONDS)
            shutil.rmtree(work, ignore_errors=True)
        if program.returncode:
            what = f"{name} {shlex.join(arguments)} ended with exit code {program.returncode}"
            raise CheckFailed(code="bench.run_failed", where=name, what=what, fix="its messages are above")
        result: Result = json.loads(said.splitlines()[-1])
        return result


def _hash(files: list[Path]) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:10]
