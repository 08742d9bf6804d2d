"""
A mapping file, read and checked: the one way from YAML to the model.

Tells everything that is wrong with a file in one run, each with `file:line:column` and a fix.  Knows nothing of
servers; whether the tables are as declared is asked by `live`.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path as File

from syncsvc.errors import UsageFault
from syncsvc.mapping import build, check, expand, meaning, reading
from syncsvc.mapping.findings import Findings, Places
from syncsvc.mapping.model import Pipeline

#: A mapping is written by hand; anything larger is another file given by mistake.
MOST_BYTES = 2 * 1024 * 1024


def load(path: str | File) -> Pipeline:
    """
    The pipeline that the file declares.

    Raises:
        UsageFault: with every problem of the file, or `mapping.unreadable` when it cannot be read as UTF-8 text.
    """
    return load_with_places(path)[0]


def load_with_places(path: str | File) -> tuple[Pipeline, Places]:
    """Like `load`, with the place of every key and value, for a later check that points at lines."""
    return read_with_places(_text_of(str(path)), str(path))


def load_text(text: str, path: str) -> Pipeline:
    """Like `load`, from the text itself; `path` is only named in problems and in the model."""
    return read_with_places(text, path)[0]


def read_with_places(text: str, path: str) -> tuple[Pipeline, Places]:
    """
    The pipeline that `text` declares, and where everything stands in it.

    Raises:
        UsageFault: with every problem of the text, in the order of the lines.
    """
    findings = Findings(Places(path))
    read = reading.read(text.removeprefix("\ufeff"), findings)
    if read is not None:
        declared = build.declared(read, path)
        check.check(declared, findings)
        if not findings.problems():
            pipeline = expand.finished(declared)
            return dataclasses.replace(pipeline, text_hash=meaning.text_hash(pipeline)), findings.places
    raise UsageFault.of(findings.problems())


def _text_of(path: str) -> str:
    try:
        with open(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise _unreadable(path, f"it is larger than {MOST_BYTES} bytes", "name a mapping file")
        return content.decode("utf-8")
    except OSError as error:
        raise _unreadable(path, error.strerror or type(error).__name__, "check the path and its permissions") from None
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"byte {error.start} is not UTF-8", "save the file as UTF-8") from None
    except ValueError:
        raise _unreadable(path, "the path has a NUL character", "check the path") from None


def _unreadable(path: str, why: str, fix: str) -> UsageFault:
    return UsageFault(code="mapping.unreadable", where=path, what=f"the file cannot be read: {why}", fix=fix)
