"""TLS and logins to MongoDB: what goes through, and what a user is told where it does not."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from syncsvc import settings
from syncsvc.devstack import cache
from syncsvc.errors import Unreachable
from syncsvc.mongo.client import Mongo
from syncsvc.wiring import connections
from tests.integration.waiting import wait_until
from tests.security.authority import Authority
from tests.security.guarded import GuardedMongod

pytestmark = pytest.mark.servers
ROLES = [{"role": "readWrite", "db": "shop"}]


@pytest.fixture(scope="module")
def password(mongod: GuardedMongod, place: Path) -> Path:
    """The file with the password of the user `syncsvc`, who is there."""
    with mongod.admin() as admin:
        admin.admin.command("createUser", "syncsvc", pwd="of-mongo", roles=ROLES)
    file = place / "mongo-password"
    file.write_text("of-mongo\n")
    return file


def opened(mongod: GuardedMongod, **given: object) -> Mongo:
    """A connection as a worker makes it, with these settings beside the address."""
    environment = {"SYNCSVC_MONGO_URI": mongod.uri, "SYNCSVC_MONGO_DATABASE": "shop"}
    environment |= {f"SYNCSVC_MONGO_{name.upper()}": str(value) for name, value in given.items()}
    return connections.open_mongo(settings.read(environment))


def test_a_password_in_a_file_over_tls_goes_through(
    mongod: GuardedMongod, authority: Authority, password: Path
) -> None:
    """SCRAM is what MongoDB speaks by itself; the server takes no connection without TLS."""
    mongo = opened(mongod, ca_file=authority.file, username="syncsvc", password_file=password)

    assert mongo.client.admin.command("connectionStatus")["authInfo"]["authenticatedUsers"][0]["user"] == "syncsvc"
    mongo.close()


@pytest.mark.parametrize("split", [True, False], ids=["two files", "one file"])
def test_a_certificate_is_a_login(mongod: GuardedMongod, authority: Authority, split: bool) -> None:
    """MONGODB-X509, with certificate and key in two files as Kubernetes mounts them, or in one."""
    pair = authority.issue("x509-client", hosts=(), unit="clients")
    with mongod.admin() as admin:
        subject = "CN=x509-client,OU=clients,O=syncsvc tests"
        admin["$external"].command("dropAllUsersFromDatabase")
        admin["$external"].command("createUser", subject, roles=ROLES)
    files = {"certificate_file": pair.certificate, "key_file": pair.key} if split else {"certificate_file": pair.both}
    uri = f"{mongod.uri}&authMechanism=MONGODB-X509&authSource=$external"
    mongo = opened(mongod, uri=uri, ca_file=authority.file, **files)

    assert mongo.client.admin.command("connectionStatus")["authInfo"]["authenticatedUsers"][0]["user"] == subject
    mongo.close()


def test_a_server_of_another_authority_is_refused(mongod: GuardedMongod, stranger: Authority, password: Path) -> None:
    """Told as such, with the place and the setting to look at."""
    with pytest.raises(Unreachable) as refused:
        opened(mongod, ca_file=stranger.file, username="syncsvc", password_file=password)

    (problem,) = refused.value.problems
    assert (problem.code, problem.where) == ("tls.unknown_authority", mongod.address)


def test_a_server_that_wants_tls_is_not_spoken_to_without(mongod: GuardedMongod, password: Path) -> None:
    """The message names the setting that switches TLS on."""
    with pytest.raises(Unreachable, match="SYNCSVC_MONGO_CA_FILE"):
        opened(mongod, username="syncsvc", password_file=password)


def test_a_wrong_password_is_told_from_a_missing_right(
    mongod: GuardedMongod, authority: Authority, password: Path, tmp_path: Path
) -> None:
    """One is corrected in the Secret, the other by a grant; the password is in neither message."""
    wrong = tmp_path / "password"
    wrong.write_text("c4nary")
    with pytest.raises(Unreachable) as login:
        opened(mongod, ca_file=authority.file, username="syncsvc", password_file=wrong)
    with pytest.raises(Unreachable) as right:
        opened(mongod, ca_file=authority.file, username="syncsvc", password_file=password, database="other")

    assert login.value.problems[0].code == "mongo.refused"
    assert "c4nary" not in str(login.value)
    assert right.value.problems[0].code == "mongo.forbidden"


#: A mongod refuses to start with a certificate that has expired, so this one expires under it.
SHORT_SECONDS = 8.0


@pytest.mark.parametrize(
    ("how", "code"),
    [({"seconds": SHORT_SECONDS}, "tls.certificate_expired"), ({"hosts": ("db.example",)}, "tls.wrong_host")],
    ids=["expired", "wrong host"],
)
def test_a_bad_certificate_of_the_server_is_refused(
    store: cache.Cache, tmp_path: Path, authority: Authority, how: dict[str, Any], code: str
) -> None:
    """Expired, or made for another host: no connection, and which of the two it is."""
    bad_at = time.time() + (SHORT_SECONDS + 1 if "seconds" in how else 0)
    server = BadMongod(store, tmp_path / "mongod", authority, authority.issue("bad-mongod", **how))
    server.start()
    try:
        wait_until(lambda: time.time() > bad_at, lambda: "the certificate does not expire")
        with pytest.raises(Unreachable) as refused:
            opened(server, ca_file=authority.file)
    finally:
        server.stop()

    assert refused.value.problems[0].code == code


class BadMongod(GuardedMongod):
    """With a certificate that its own administrator would not trust either."""

    def _settle(self) -> None:
        pass
