"""
The shape of a log line, on stderr: JSON for machines or text for people, keys always in the same order.

A line of ours is an event with named fields.  A line of a library keeps its message.  The text of an exception is not
shown unless it is one of our errors or one of the operating system: drivers quote values of rows in theirs, and the
content of a row never goes into a log.  Its type and the places it came through are shown instead.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Literal

from syncsvc.errors import SyncError

#: Innermost frames of a traceback that are shown.
MOST_FRAMES = 12
#: Libraries that say at `info` what is only of interest to their authors.
CHATTY = ("aiohttp.access", "asyncio", "faust", "mode", "pymongo", "syncsvc.engine")
#: Loggers whose `error` is not ours: an operator need not act.
MISLEADING = ("aiokafka",)


def explain(error: BaseException) -> dict[str, Any]:
    """`{error, what, fix?, at}`: what may be shown of an error; `at` are its frames, `file:line function`."""
    shown: dict[str, Any] = {"error": type(error).__name__}
    if isinstance(error, SyncError):
        shown["problems"] = [problem.as_dict() for problem in error.problems]
        return shown
    if isinstance(error, OSError):
        shown["what"] = error.strerror or type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
    shown["at"] = [f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} {frame.name}" for frame in frames]
    if error.__cause__ is not None:
        shown["cause"] = type(error.__cause__).__name__
    return shown


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """The line as a mapping: time, level, event or logger and message, then the event's fields in their order."""
    at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line: dict[str, Any] = {"time": at, "level": record.levelname.lower()}
    fields = getattr(record, "fields", None)
    if fields is None:
        line["logger"] = record.name
        line["message"] = record.getMessage()
    else:
        line["event"] = record.msg
        line.update(fields)
    if record.exc_info and record.exc_info[1] is not None:
        line.update(explain(record.exc_info[1]))
    return line


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        return json.dumps(_fields(record), ensure_ascii=False, default=str)


class TextLines(logging.Formatter):
    """`time level event key=value …`, for a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line = _fields(record)
        head = f"{line.pop('time')[11:23]} {line.pop('level'):<7} {line.pop('event', None) or line.pop('message')}"
        return " ".join([head, *(f"{key}={_plain(value)}" for key, value in line.items())])


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return json.dumps(text, ensure_ascii=False) if " " in text and isinstance(value, str) else text


def setup_logging(level: str = "info", shape: Literal["json", "text"] = "json") -> None:
    """Sends all log lines of the process to stderr; `level` is a name of the standard levels, in any case."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if shape == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    debugging = root.level <= logging.DEBUG
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name in MISLEADING:
        # They call what heals by itself an error, hundreds of times an outage; what does not heal comes as `failed`.
        logging.getLogger(name).setLevel(logging.WARNING if debugging else logging.CRITICAL)
