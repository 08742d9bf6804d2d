"""The schema registry that a worker would ask is asked before it does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from syncsvc.doctor import examine
from syncsvc.doctor.finding import Finding
from syncsvc.settings import Settings
from tests.changes.registry_server import RegistryServer


@pytest.fixture
def server() -> Iterator[RegistryServer]:
    """A registry without a schema, as before the first change."""
    found = RegistryServer()
    yield found
    found.close()


def examined(settings: Settings) -> list[Finding]:
    """Findings of the looks at a registry."""
    return examine.examine([look for look in examine.looks([], settings) if look[0] == "registry"], 30)


def test_a_registry_that_answers_is_fine_even_when_it_is_empty(server: RegistryServer) -> None:
    """It is asked as a worker asks, so that rights to list schemas are not needed."""
    (found,) = examined(Settings(schema_registry_url=server.url))

    assert (found.check, found.state) == ("registry.answers", "ok")
    assert server.asked[0].startswith("/schemas/ids/")


def test_a_registry_that_refuses_fails(server: RegistryServer) -> None:
    """Credentials or rights are missing: every record would wait."""
    server.failing = 403
    (found,) = examined(Settings(schema_registry_url=server.url))

    assert (found.check, found.state, "403" in found.what) == ("registry.refused", "fail", True)
    assert found.fix


def test_a_registry_that_is_down_is_unreachable(server: RegistryServer) -> None:
    """By its address."""
    url = server.url
    server.close()
    (found,) = examined(Settings(schema_registry_url=url))

    assert (found.check, found.state, found.where) == ("registry.unreachable", "unreachable", url)


def test_without_avro_there_is_nothing_to_look_at() -> None:
    """Most pipelines read JSON."""
    assert examined(Settings()) == []
