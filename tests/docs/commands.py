"""
Command lines of the documentation, checked without being run: commands, options and files must be there.

A program that is not known here fails, so that no line escapes; the tutorial's lines are run by `test_tutorial.py`.
"""

from __future__ import annotations

import importlib.util
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import yaml
from typer.main import get_command

from syncsvc import settings
from syncsvc.cli.app import app
from tests.docs.blocks import ROOT, Block

SETTINGS = {settings.PREFIX + name.upper() for name in settings.Settings.__dataclass_fields__}
_MAKEFILE = (ROOT / "Makefile").read_text()
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
_WEB = "".join(path.read_text() for path in (ROOT / "syncsvc/web").glob("*.py"))
#: A word that a reader puts something into, or that a shell expands; no file of that name is expected.
_OPEN = re.compile(r"[$<>*?{}…]|^[A-Z][A-Z_]+$")


class Wrong(AssertionError):
    """A line that a reader could not run."""


def of(block: Block) -> list[str]:
    """The commands of a block: behind `$` in a console, else every line; continued lines are joined."""
    text = block.text.replace("\\\n", " ")
    lines = text.split("\n")
    if block.language == "console":
        return [line[2:] for line in lines if line.startswith("$ ")]
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def check(line: str) -> None:
    """Raises `Wrong` when a part of the line does not exist."""
    inner = re.findall(r"\$\(([^()]+)\)", line)
    for part in inner:
        check(part)
    for words in _simple(re.sub(r"\$\([^()]+\)", "$X", line)):
        while words and (found := re.fullmatch(r"([A-Za-z_]+)=.*", words[0])):
            _variable(found[1])
            words = words[1:]
        if words:
            checker = _PROGRAMS.get(words[0])
            if checker is None and "/" in words[0]:
                _files(words[:1])  # a script of the repository
            elif checker is None:
                raise Wrong(f"nobody knows how to check {words[0]!r} in: {line}")
            else:
                checker(words[1:])


def _simple(line: str) -> Iterator[list[str]]:
    """The simple commands of a line with pipes, lists and redirections; comments go."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.wordchars += "$*{}[]@%+,:!…^"
    words: list[str] = []
    skip = False
    for word in lexer:
        if word in ("|", "||", "&&", ";", "&"):
            yield words
            words = []
        elif word in (">", ">>", "<"):
            skip = True
        elif skip:
            skip = False
        else:
            words.append(word)
    yield words


def _variable(name: str) -> None:
    if name.startswith(settings.PREFIX) and name not in SETTINGS:
        raise Wrong(f"there is no setting {name}")


def _files(words: Sequence[str]) -> None:
    for word in words:
        if not _OPEN.search(word) and not (ROOT / word).exists():
            raise Wrong(f"{word} does not exist")


def _syncsvc(words: Sequence[str]) -> None:
    """Parsed by the command line itself; nothing is run."""
    if "--install-completion" in words:  # would be done: it writes into the configuration of a shell
        return
    command: Any = get_command(app)
    context, rest = None, list(words)
    name = "syncsvc"
    while True:
        try:
            context = command.make_context(name, rest, parent=context)
            if not hasattr(command, "commands"):
                return
            rest = [*context._protected_args, *context.args]
            name, command, rest = command.resolve_command(context, rest)
        except SystemExit:  # --show-completion writes and leaves
            return
        except Exception as error:
            if type(error).__name__ == "Exit":  # --help, --version
                return
            told = error.format_message() if hasattr(error, "format_message") else str(error)
            raise Wrong(f"syncsvc {shlex.join(words)}: {told}") from None


def _make(words: Sequence[str]) -> None:
    for word in words:
        target = re.match(r"[a-z-]+$", word)
        if target and not re.search(rf"^{word}:", _MAKEFILE, re.MULTILINE):
            raise Wrong(f"the Makefile has no target {word}")
        variable = re.match(r"([A-Z]+)=", word)
        if variable and not re.search(rf"\$\({variable[1]}\)|^{variable[1]} \?=", _MAKEFILE, re.MULTILINE):
            raise Wrong(f"the Makefile does not use {variable[1]}")


def _kubectl(words: Sequence[str]) -> None:
    """What it applies must be in the repository."""
    for option, value in _options(words):
        if option in ("-k", "--kustomize", "-f", "--filename") and value != "-":
            _files([value])


def _docker(words: Sequence[str]) -> None:
    """Profiles and services of the compose file."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    if words and words[0] == "build":
        _files([word for word in words[1:] if word == "."])
        return
    if not words or words[0] != "compose":
        raise Wrong(f"only docker build and docker compose are known: {words}")
    profiles = {name for service in compose["services"].values() for name in service.get("profiles", ())}
    for option, value in _options(words):
        if option == "--profile" and value not in profiles:
            raise Wrong(f"the compose file has no profile {value}")
    verbs = ("up", "down", "run", "exec", "logs", "stop", "start", "restart", "kill", "ps", "build", "pull", "config")
    at = next((i for i, word in enumerate(words) if word in verbs), None)
    if at is None:
        raise Wrong(f"docker compose has no such command: {words}")
    if words[at] in ("exec", "run", "logs", "stop", "start", "restart", "kill"):
        for word in (word for word in words[at + 1 :] if not word.startswith("-")):
            if word not in compose["services"]:
                raise Wrong(f"the compose file has no service {word}")
            if words[at] in ("exec", "run"):
                return


def _options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """`--name value` and `--name=value`."""
    for word, after in zip(words, [*words[1:], ""], strict=True):
        name, equal, value = word.partition("=")
        if word.startswith("-"):
            yield name, value if equal else after


def _pip(words: Sequence[str]) -> None:
    for word in words:
        if found := re.fullmatch(r"(?:syncsvc|\.)\[([\w,]+)\]", word):
            unknown = set(found[1].split(",")) - set(_PROJECT["optional-dependencies"])
            if unknown:
                raise Wrong(f"there is no extra {', '.join(unknown)}")


def _python(words: Sequence[str]) -> None:
    if words[:1] == ["-m"]:
        if words[1] == "pip":
            _pip(words[2:])
        elif importlib.util.find_spec(words[1]) is None:
            raise Wrong(f"there is no module {words[1]}")


def _curl(words: Sequence[str]) -> None:
    """A path of the worker's own port must be served."""
    for word in words:
        if found := re.fullmatch(r"(?:https?://)?(?:localhost|127\.0\.0\.1):6066(/[\w/.-]*)?(\?.*)?", word):
            path = found[1] or "/"
            if f'"{path}"' not in _WEB:
                raise Wrong(f"a worker does not serve {path}")


def _export(words: Sequence[str]) -> None:
    for word in words:
        _variable(word.partition("=")[0])


def _anything(words: Sequence[str]) -> None:
    """A program of the system whose arguments are not ours."""


#: Programs of the system and of the servers: their arguments are not ours.
_SYSTEM = (
    *("cat", "cd", "cp", "date", "echo", "eval", "git", "grep", "head", "jq", "kill", "ls", "mkdir", "mv", "openssl"),
    *("rm", "sed", "sort", "tail", "watch", "chronyc", "systemctl", "journalctl"),
    *("mysql", "mariadb", "mysqldump", "mongosh", "mongodump", "mongorestore"),
    *(f"kafka-{name}.sh" for name in ("acls", "configs", "console-consumer", "consumer-groups", "topics")),
)

_PROGRAMS: dict[str, Callable[[Sequence[str]], None]] = {
    "syncsvc": _syncsvc,
    "make": _make,
    "kubectl": _kubectl,
    "docker": _docker,
    "pip": _pip,
    "python": _python,
    "python3": _python,
    "curl": _curl,
    "export": _export,
    **dict.fromkeys(_SYSTEM, _anything),
}
