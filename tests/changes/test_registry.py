"""The schema registry through its kept client: asked once for each schema, and never the fault of a record."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from syncsvc.errors import Unreachable, UsageFault
from syncsvc.source.registry import Registry
from tests.changes.registry_server import RegistryServer


@pytest.fixture
def server():
    """A registry with one schema."""
    found = RegistryServer({7: '{"type": "string"}'})
    yield found
    found.close()


def test_a_schema_is_fetched_once(server):
    """Schemas never change under their number."""
    registry = Registry(server.url)

    assert registry.missing({7}) == {7}
    registry.prepare({7})
    assert registry(7) == registry(7) == '{"type": "string"}'
    assert registry.missing({7}) == set()
    assert len(server.asked) == 1


def test_a_schema_that_is_not_there_can_come_later(server):
    """A restored registry is enough; nothing has to be restarted."""
    registry = Registry(server.url)
    with pytest.raises(Unreachable) as caught:
        registry(8)
    assert caught.value.problems[0].code == "registry.no_schema"
    server.schemas[8] = '"int"'

    assert registry(8) == '"int"'


@pytest.mark.parametrize("status", [401, 403, 422, 500, 503])
def test_a_registry_that_refuses_is_not_a_fault_of_the_record(server, status):
    """It is unreachable, with the status, and asked again the next time."""
    registry = Registry(server.url)
    server.failing = status
    with pytest.raises(Unreachable) as caught:
        registry(7)
    assert str(status) in caught.value.problems[0].what
    server.failing = 0

    assert registry(7)


def test_a_registry_that_is_down_is_named(server):
    """With the setting that leads there."""
    registry = Registry(server.url)
    server.close()
    with pytest.raises(Unreachable) as caught:
        registry(7)

    (problem,) = caught.value.problems
    assert problem.code == "registry.unreachable"
    assert problem.where == server.url
    assert "SYNCSVC_SCHEMA_REGISTRY_URL" in problem.fix


def test_credentials_are_read_from_a_file(server, tmp_path: Path):
    """And sent as HTTP's basic authentication."""
    file = tmp_path / "credentials"
    file.write_text("ada:secret\n")

    assert Registry(server.url, credentials_file=file)(7)
    assert server.authorizations == ["Basic " + base64.b64encode(b"ada:secret").decode()]


@pytest.mark.parametrize("content", ["lovelace", None])
def test_credentials_that_cannot_be_read_are_told_without_their_content(server, tmp_path: Path, content):
    """At the start, not at the first record."""
    file = tmp_path / "credentials"
    if content:
        file.write_text(content)
    with pytest.raises(UsageFault) as caught:
        Registry(server.url, credentials_file=file)

    assert caught.value.problems[0].where == str(file)
    assert "lovelace" not in str(caught.value)


def test_what_is_no_address_is_told_at_the_start():
    """With the form it should have."""
    with pytest.raises(UsageFault) as caught:
        Registry("registry:8081")

    assert caught.value.problems[0].code == "registry.bad_url"
