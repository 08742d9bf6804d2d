"""
Schemas of a Confluent schema registry by their number, for records in Avro; kept once fetched, for they never change.

The only user of the registry's client.  A schema that cannot be had is never a fault of the record that needs it: the
error is `Unreachable`, to be tried again by who asked, for as long as it takes.  Needs the package's extra `avro`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from syncsvc import tls
from syncsvc.errors import Unreachable, UsageFault

SETTING = "SYNCSVC_SCHEMA_REGISTRY_URL"
#: Longest wait for one answer, seconds.  A registry answers from memory; a longer silence is an outage.
ANSWER_SECONDS = 10.0
#: Tries of the client before we hear of it; who asks us tries again anyway.
_RETRIES = 1
_RETRY_MS = 200
_NO_SCHEMA = 404


class Registry:
    """The registry at one address.  Usable from several threads."""

    def __init__(self, url: str, *, files: tls.Files = tls.NONE, credentials_file: Path | None = None) -> None:
        """
        Args:
            url: `http://host:port` or `https://…`.
            files: its authority, and our certificate where it asks for one.
            credentials_file: holds `user:password` for HTTP's basic authentication.

        All files are read again when they have changed and a schema is to be fetched.

        Raises:
            UsageFault: `registry.bad_url`, `registry.no_extra`, `registry.credentials`, `tls.bad_file`.
        """
        self.url = url
        self._schemas: dict[int, str] = {}
        self._files, self._credentials_file = files, credentials_file
        self._read = self._secrets()
        self._client = _client(url, files, credentials_file)

    def __call__(self, number: int) -> str:
        """
        The schema of this number, as JSON text; waits for the registry where it was not asked for it before.

        Raises:
            Unreachable: `registry.unreachable`, `registry.refused`, `registry.no_schema`, `registry.references`.
        """
        found = self._schemas.get(number)
        if found is None:
            found = self._schemas[number] = self._fetched(number)
        return found

    def answer(self) -> None:
        """
        Asks for some schema, as for those of records; whether there is one does not matter.

        Raises:
            Unreachable: `registry.unreachable`, `registry.refused`.
        """
        try:
            self._fetched(1)
        except Unreachable as error:
            if error.problems[0].code not in ("registry.no_schema", "registry.references"):
                raise

    def prepare(self, numbers: Iterable[int]) -> None:
        """Fetches what is not there yet, so that `__call__` does not have to wait; errors as of it."""
        for number in numbers:
            self(number)

    def missing(self, numbers: Iterable[int]) -> set[int]:
        """Those of the numbers that would have to be fetched."""
        return {number for number in numbers if number not in self._schemas}

    def _fetched(self, number: int) -> str:
        from confluent_kafka.schema_registry.error import SchemaRegistryError

        if (now := self._secrets()) != self._read:
            self._read, self._client = now, _client(self.url, self._files, self._credentials_file)
        try:
            found = self._client.get_schema(number)
        except SchemaRegistryError as error:
            raise self._refusal(number, error) from None
        except Exception as error:  # what the client's HTTP library raises is no promise of the client
            raise Unreachable(
                code="registry.unreachable",
                where=self.url,
                what=f"the schema registry does not answer: {type(error).__name__}",
                fix=f"start it, or correct {SETTING}; what waits for it goes on by itself",
            ) from None
        if found.references:
            what, fix = f"schema {number} refers to other schemas", "let the converter write whole schemas"
            raise Unreachable(code="registry.references", where=self.url, what=what, fix=fix)
        return str(found.schema_str)

    def _secrets(self) -> tuple[bytes | None, ...]:
        """What the secret files hold now; None: not to be read."""
        paths = [*self._files.named, *([self._credentials_file] if self._credentials_file else [])]
        return tuple(path.read_bytes() if path.is_file() else None for path in paths)

    def _refusal(self, number: int, error: Any) -> Unreachable:
        status = error.http_status_code
        if status == _NO_SCHEMA:
            return Unreachable(
                code="registry.no_schema",
                where=self.url,
                what=f"the schema registry has no schema {number}, which records of the topic were written with",
                fix=f"correct {SETTING} if it names another registry than the connector's, or restore its schemas",
            )
        return Unreachable(
            code="registry.refused",
            where=self.url,
            what=f"the schema registry refuses schema {number}: HTTP {status}",
            fix="check the credentials and rights; what waits for it goes on by itself",
        )


def _client(url: str, files: tls.Files, credentials_file: Path | None) -> Any:
    try:
        from confluent_kafka.schema_registry import SchemaRegistryClient
    except ImportError:
        raise UsageFault(
            code="registry.no_extra",
            where=SETTING,
            what="records in Avro need packages that are not installed",
            fix="install them:  pip install 'syncsvc[avro]'",
        ) from None
    settings: dict[str, Any] = {
        "url": url.rstrip("/"),
        "timeout": ANSWER_SECONDS,
        "max.retries": _RETRIES,
        "retries.wait.ms": _RETRY_MS,
    }
    if files.named:
        files.context()  # refuses a file by its name; the client does not
    for name, file in (
        ("ssl.ca.location", files.ca),
        ("ssl.certificate.location", files.certificate),
        ("ssl.key.location", files.key),
    ):
        if file is not None:
            settings[name] = str(file)
    if credentials_file is not None:
        settings["basic.auth.user.info"] = _credentials(credentials_file)
    try:
        return SchemaRegistryClient(settings)
    except (ValueError, TypeError, OSError) as error:
        raise UsageFault(
            code="registry.bad_url",
            where=SETTING,
            what=f"the schema registry cannot be asked: {type(error).__name__}",
            fix="write it as  http://host:port  or  https://host:port; check the file of the authority",
        ) from None


def _credentials(file: Path) -> str:
    try:
        found = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        what, fix = f"the file cannot be read: {why}", "mount it readable for this user, or correct the name"
        raise UsageFault(code="registry.credentials", where=str(file), what=what, fix=fix) from None
    if ":" not in found:
        what, fix = "it does not hold  user:password", "write both, with a colon between them"
        raise UsageFault(code="registry.credentials", where=str(file), what=what, fix=fix)
    return found
