"""TLS contexts made of files: they follow the files, and refuse what cannot be used."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from syncsvc import tls
from syncsvc.errors import UsageFault
from tests.security.authority import Authority, Pair


def serving(pair: Pair, trusted: Path) -> ssl.SSLContext:
    """Of a server that asks for a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.both)
    context.load_verify_locations(trusted)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.fixture
async def server(authority: Authority) -> AsyncIterator[tuple[int, list[str]]]:
    """`(port, common names of its clients)` of a server that asks for certificates."""
    names: list[str] = []

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        subject = writer.get_extra_info("ssl_object").getpeercert()["subject"]
        names.append(dict(part[0] for part in subject)["commonName"])
        writer.write(b".")
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(met, "127.0.0.1", 0, ssl=serving(authority.issue("server"), authority.file))
    async with listening:
        yield listening.sockets[0].getsockname()[1], names


async def spoken(port: int, context: ssl.SSLContext) -> None:
    """One connection, as long as the server has it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    await reader.read()
    writer.close()


async def test_a_renewed_certificate_is_shown_by_the_next_connection(
    server: tuple[int, list[str]], authority: Authority, tmp_path: Path
) -> None:
    """One context for ever, as aiokafka keeps it; files that are put in place of others, as Kubernetes does."""
    port, names = server
    mounted = tls.Files(authority.file, tmp_path / "tls.crt", tmp_path / "tls.key")
    assert mounted.certificate is not None
    assert mounted.key is not None
    _mount(authority.issue("old", hosts=()), mounted)
    context = tls.ReloadingContext.of(mounted)
    await spoken(port, context)
    _mount(authority.issue("new", hosts=()), mounted)
    await spoken(port, context)

    assert names == ["old", "new"]


async def test_a_renewed_authority_is_trusted_by_the_next_connection(
    server: tuple[int, list[str]], authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    """Also a new authority's file needs no restart."""
    port, names = server
    pair, trusted = authority.issue("client", hosts=()), tmp_path / "ca.pem"
    shutil.copy(stranger.file, trusted)
    context = tls.ReloadingContext.of(tls.Files(trusted, pair.certificate, pair.key))
    with pytest.raises(ssl.SSLCertVerificationError):
        await spoken(port, context)
    trusted.unlink()
    shutil.copy(authority.file, trusted)
    await spoken(port, context)

    assert names == ["client"]


async def test_files_in_the_middle_of_a_change_leave_the_last_good_ones(
    server: tuple[int, list[str]], authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A certificate whose key has not come yet is not shown, and is told of once for each try."""
    port, names = server
    mounted = tls.Files(authority.file, tmp_path / "tls.crt", tmp_path / "tls.key")
    _mount(authority.issue("whole", hosts=()), mounted)
    context = tls.ReloadingContext.of(mounted)
    assert mounted.certificate is not None
    mounted.certificate.unlink()
    shutil.copy(authority.issue("half", hosts=()).certificate, mounted.certificate)
    await spoken(port, context)

    assert names == ["whole"]
    assert "certificates_not_reloaded" in caplog.text


def test_a_key_of_another_certificate_is_refused(authority: Authority) -> None:
    """At the start, by the name of the file."""
    one, other = authority.issue("one"), authority.issue("other")
    with pytest.raises(UsageFault) as fault:
        tls.Files(authority.file, one.certificate, other.key).context()

    (problem,) = fault.value.problems
    assert (problem.code, problem.where) == ("tls.bad_file", str(one.certificate))


def test_certificate_and_host_name_are_always_checked(authority: Authority) -> None:
    """There is no setting to leave it out."""
    context = tls.Files(authority.file).context()

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def _mount(pair: Pair, mounted: tls.Files) -> None:
    for source, target in ((pair.certificate, mounted.certificate), (pair.key, mounted.key)):
        assert target is not None
        target.unlink(missing_ok=True)
        shutil.copy(source, target)
