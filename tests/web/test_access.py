"""Who may decide something through the port: nobody without a token, and no other site's page with one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from syncsvc.errors import CheckFailed, UsageFault
from syncsvc.web.access import SESSION_SECONDS, Access
from tests.web.conftest import HANDLE, TOKEN, Answer, Site

DECISION = {"pipeline": "meetings", "generation": "2", "handle": HANDLE, "action": "retry"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def signed_in(site: Site) -> dict[str, str]:
    """Headers of a browser that signed in."""
    answer = site.ask("POST", "/sign-in", {"token": TOKEN})
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    return {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}


def form_token(site: Site, cookie: dict[str, str]) -> str:
    """What the page's own forms carry for this browser."""
    found = re.search(r'name="form" value="([0-9a-f]{64})"', site.ask("GET", "/", headers=cookie).text)
    assert found is not None
    return found[1]


def refused(site: Site, answer: Answer) -> None:
    """403, and nothing was decided."""
    assert (answer.status, site.decided) == (403, [])


@pytest.mark.parametrize("path", ["/parked", "/sign-in", "/sign-out"])
@pytest.mark.parametrize("headers", [{}, BEARER, {"Cookie": "syncsvc_session=1.2.3"}])
def test_without_a_token_everything_is_refused(site: Site, path: str, headers: dict[str, str]) -> None:
    """Also a request that shows one: there is none to compare it with."""
    refused(site, site.ask("POST", path, {**DECISION, "token": TOKEN}, headers))
    assert "form-action 'none'" in site.get("/").headers["Content-Security-Policy"]


def test_a_program_decides_with_the_token(start: Callable[..., Site]) -> None:
    """As `Authorization: Bearer`; the answer is JSON."""
    site = start(token=True)

    answer = site.ask("POST", "/parked", DECISION, BEARER)

    assert (answer.status, answer.json()) == (200, {"ok": True, "action": "retry"})
    assert [(one.pipeline, one.generation, one.handle) for one in site.decided] == [("meetings", 2, HANDLE)]


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", "Basic " + TOKEN, TOKEN, "Bearer \u00e9"])
def test_a_wrong_token_is_refused(start: Callable[..., Site], header: str) -> None:
    """Whatever it looks like."""
    site = start(token=True)

    refused(site, site.ask("POST", "/parked", DECISION, {"Authorization": header}))


def test_a_session_decides_with_a_form_of_its_own(start: Callable[..., Site]) -> None:
    """The cookie is out of reach of scripts and of other sites."""
    site = start(token=True)
    answer = site.ask("POST", "/sign-in", {"token": TOKEN})
    cookie = {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}

    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "SameSite=Strict" in answer.headers["Set-Cookie"]
    done = site.ask("POST", "/parked", {**DECISION, "form": form_token(site, cookie)}, cookie)
    assert (done.status, "Tried again" in done.text) == (200, True)


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        pytest.param("", {}, id="no form token"),
        pytest.param("0" * 64, {}, id="a guessed one"),
        pytest.param("\u00e9", {}, id="one that is no text of ours"),
        pytest.param(None, {"Sec-Fetch-Site": "cross-site"}, id="from another site"),
        pytest.param(None, {"Sec-Fetch-Site": "same-site"}, id="from a sister site"),
        pytest.param(None, {"Origin": "https://evil.example"}, id="from another origin"),
        pytest.param(None, {"Origin": "null"}, id="from nowhere"),
    ],
)
def test_a_session_alone_is_not_enough(start: Callable[..., Site], form: str | None, headers: dict[str, str]) -> None:
    """A page of another site can make the browser send a request, but not with a form of ours."""
    site = start(token=True)
    cookie = signed_in(site)
    fields = {**DECISION, "form": form_token(site, cookie) if form is None else form}

    refused(site, site.ask("POST", "/parked", fields, {**cookie, **headers}))


def test_a_form_of_one_session_is_none_of_another(start: Callable[..., Site]) -> None:
    """Each has its own token."""
    site = start(token=True)
    mine, theirs = signed_in(site), signed_in(site)

    refused(site, site.ask("POST", "/parked", {**DECISION, "form": form_token(site, theirs)}, mine))


@pytest.mark.parametrize(
    "change", [{"action": "drop"}, {"generation": "x"}, {"generation": ""}, {"generation": "9" * 5000}]
)
def test_a_decision_that_is_none_is_a_bad_request(start: Callable[..., Site], change: dict[str, str]) -> None:
    """400, and nothing was decided."""
    site = start(token=True)

    assert (site.ask("POST", "/parked", {**DECISION, **change}, BEARER).status, site.decided) == (400, [])


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Content-Type": f"{FORM}; charset=unknown"}, 400, id="charset"),
        pytest.param({"Content-Type": "multipart/form-data"}, 400, id="no boundary"),
        pytest.param({"Content-Type": "multipart/form-data; boundary=x"}, 400, id="another boundary"),
        pytest.param({"Content-Type": FORM, "Origin": "http://["}, 403, id="no origin"),
    ],
)
@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/parked"])
def test_a_body_that_is_no_form_is_a_fault_of_its_sender(
    start: Callable[..., Site], caplog: pytest.LogCaptureFixture, path: str, headers: dict[str, str], status: int
) -> None:
    """400, as nobody has to be signed in to send one: no server error, and no traceback in the log."""
    site = start(token=True)

    assert site.ask("POST", path, {"token": "x"}, headers).status == status
    assert caplog.records == []


def test_a_refusal_is_told_by_its_code_and_never_by_its_text(start: Callable[..., Site]) -> None:
    """The text of an error may name a key or quote a value."""
    site = start(token=True)
    site.refusal = CheckFailed(code="parked.again", where="p/document/00ff", what="'Somebody' is no number", fix="-")

    program = site.ask("POST", "/parked", DECISION, BEARER)
    cookie = signed_in(site)
    person = site.ask("POST", "/parked", {**DECISION, "form": form_token(site, cookie)}, cookie)

    assert (program.status, program.json()["code"], person.status) == (409, "parked.again", 409)
    assert not [text for text in (program.text, person.text) if "Somebody" in text or "00ff" in text]


def test_the_token_is_nowhere_in_what_is_served(start: Callable[..., Site]) -> None:
    """Not on the page of one who signed in, in JSON, metrics, cookies or refusals."""
    site = start(token=True)
    cookie = signed_in(site)
    served = [site.ask("GET", path, headers=cookie) for path in ("/", "/api/status", "/api/fleet", "/metrics")]
    served += [site.ask("POST", "/sign-in", {"token": "x" * 30}), site.ask("POST", "/parked", DECISION, BEARER)]

    assert [answer for answer in served if TOKEN in answer.text or TOKEN in str(answer.headers)] == []
    assert TOKEN not in str(cookie)


def test_a_session_ends_with_the_day_and_with_the_token(tmp_path: Path) -> None:
    """The file is read again each time: a new token ends what the old one signed; no file, nobody decides."""
    file, now = tmp_path / "token", [1000.0]
    file.write_text(TOKEN)
    access = Access(file, clock=lambda: now[0])
    cookie = access.begin()
    form = access.form_token(cookie)
    assert access.form_holds(cookie, form)

    now[0] += SESSION_SECONDS
    assert not access.holds(cookie)
    now[0] = 1000.0
    file.write_text("another-token-long-enough")
    assert not access.holds(cookie)
    file.unlink()
    assert not access.knows(TOKEN)
    assert not access.holds("..")
    assert not access.form_holds("", "")


def test_any_worker_accepts_what_another_has_signed(tmp_path: Path) -> None:
    """Behind a Service a person's next request may reach another worker."""
    (tmp_path / "token").write_text(TOKEN)

    assert Access(tmp_path / "token").holds(Access(tmp_path / "token").begin())


@pytest.mark.parametrize(
    ("text", "code"), [("short", "web.weak_token"), ("", "web.weak_token"), (None, "web.token_file")]
)
def test_a_token_that_protects_nothing_is_refused_at_the_start(tmp_path: Path, text: str | None, code: str) -> None:
    """Exit code 2, rather than a page that is open in a way nobody meant."""
    if text is not None:
        (tmp_path / "token").write_text(text)

    with pytest.raises(UsageFault) as refused:
        Access(tmp_path / "token")

    assert refused.value.problems[0].code == code
