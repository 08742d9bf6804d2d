"""The tutorial does what it says: every block in its order, on real servers, within ten minutes."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, Block, blocks

pytestmark = pytest.mark.servers

PAGE = ROOT / "docs" / "tutorial.md"
TEN_MINUTES = 600.0
PATIENCE_SECONDS = 120.0
#: What a reader leaves running in a terminal of its own: `{words: what it prints when it is up}`.
STAYING = {("dev", "up"): "up; Ctrl-C stops it", ("run",): '"event": "started"'}
MORE = "…\n"


class Reader:
    """Somebody who types what the page shows, in an empty folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = dict(os.environ) | {"SYNCSVC_HTTP_PORT": "0", "SYNCSVC_LOG_FORMAT": "json"}
        self._staying: list[tuple[subprocess.Popen[bytes], Path]] = []

    def type(self, line: str) -> str:
        """Run a line; what it printed on standard output."""
        words = shlex.split(line)
        if words[0] == "pip":
            return ""  # the package under test is installed
        if words[0] == "eval":
            for name, value in re.findall(r"export (\w+)=(.*)", self._run(["dev", "env"])):
                self.environment[name] = shlex.split(value)[0]
            return ""
        assert words[0] == "syncsvc", line
        ready = next((said for start, said in STAYING.items() if tuple(words[1:][: len(start)]) == start), None)
        return self._run(words[1:]) if ready is None else self._stay(words[1:], ready)

    def _command(self, words: list[str]) -> list[str]:
        # The one word that is not on the page: a reader's servers stay in the cache, those of a test do not.
        own = ["--folder", str(self.folder / "servers")] if words[0] == "dev" else []
        return [sys.executable, "-m", "syncsvc.cli", *words, *own]

    def _run(self, words: list[str]) -> str:
        done = subprocess.run(
            self._command(words), cwd=self.folder, env=self.environment, capture_output=True, text=True,
            timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"syncsvc {shlex.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _stay(self, words: list[str], ready: str) -> str:
        log = self.folder / f"terminal-{len(self._staying) + 2}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                self._command(words), cwd=self.folder, env=self.environment, stdout=out, stderr=subprocess.STDOUT
            )
        self._staying.append((process, log))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while ready not in log.read_text():
            if process.poll() is not None and "devstack.server_missing" in log.read_text():
                pytest.skip(log.read_text())
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        return ""

    def leave(self) -> list[int]:
        """Ctrl-C in every terminal, the newest first; the exit codes."""
        codes = []
        for process, _ in reversed(self._staying):
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            try:
                codes.append(process.wait(PATIENCE_SECONDS))
            except subprocess.TimeoutExpired:
                process.kill()
                codes.append(process.wait())
        return codes


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """A reader whose terminals are closed in the end."""
    found = Reader(tmp_path)
    yield found
    found.leave()


def _steps(block: Block) -> Iterator[tuple[str, str]]:
    """`(command, what it prints)` of a console block."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, _, shown = part.partition("\n")
        yield line, shown


def _told(text: str) -> str:
    """Without blanks at the ends of lines, and with the seconds that a check took as one word."""
    lines = [re.sub(r"\s+\d+(\.\d+)?$", " N", line.rstrip()) if '"' not in line else line for line in text.splitlines()]
    return "".join(f"{re.sub(r' +', ' ', line)}\n" for line in lines)


def _is_shown(out: str, shown: str) -> bool:
    """Whether the page shows what came out; `…` in the last line stands for the rest."""
    if shown.endswith(MORE):
        return _told(out).startswith(_told(shown.removesuffix(MORE)))
    return shown == "" or _told(out) == _told(shown)


def test_the_tutorial_does_what_it_says(reader: Reader) -> None:
    """Typed as it stands, it ends with documents that equal the SQL join, and prints what the page shows."""
    started = time.monotonic()
    page = PAGE.read_text()
    for block in blocks(PAGE):
        before = page.split("\n")[: block.line - 2]
        if block.language == "console":
            for line, shown in _steps(block):
                out = reader.type(line)
                # A moment's lag is true: some seconds after the first copy the sweep sends records of its own.
                settled = time.monotonic() + PATIENCE_SECONDS
                while "status" in line and not _is_shown(out, shown) and time.monotonic() < settled:
                    out = reader.type(line)
                assert _is_shown(out, shown), f"$ {line}\n{out}\n--- the page shows\n{shown}"
        elif block.language == "sql":
            (reader.folder / "library.sql").write_text(block.text)
        else:
            _write(reader.folder, block, " ".join(before[-4:]))

    assert time.monotonic() - started < TEN_MINUTES
    assert reader.leave() == [0, 0]


def _write(folder: Path, block: Block, before: str) -> None:
    """What a reader does with a block of YAML: looks at a proposal, adds lines to it, saves a file."""
    (name,) = re.findall(r"`(pipelines/[\w.]+\.yaml)`", before)[-1:] or ["pipelines/books.yaml"]
    file = folder / name
    if block.text.endswith(MORE):
        assert block.text.removesuffix(MORE) in file.read_text(), "init proposes something else"
    elif file.exists():
        file.write_text(file.read_text() + block.text)
    else:
        file.write_text(block.text)
