"""
TLS to every server we speak to: contexts made of PEM files, read again when they change, and refusals told in words.

`settings` names the files, `engine`, `mongo` and `source` use them.  Certificate and host name are always checked:
there is no switch to leave that out.  Refuses files that cannot be used, by name.
"""

from __future__ import annotations

import logging
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncsvc.errors import Unreachable, UsageFault

LOG = logging.getLogger("syncsvc")
#: One handshake made to find out why another one failed.
PROBE_SECONDS = 2.0
#: How long after it a server may say that it does not take our certificate; TLS 1.3 tells it then.
ALERT_SECONDS = 0.5

#: OpenSSL's reasons for an answer that is none of TLS.
_NOT_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"}
#: `{OpenSSL's number of a verification that failed: (code, what is wrong)}`.
_VERIFICATIONS = {
    10: ("tls.certificate_expired", "its certificate has expired"),
    9: ("tls.certificate_not_yet_valid", "its certificate is not valid yet"),
    62: ("tls.wrong_host", "its certificate is for another host name"),
    64: ("tls.wrong_host", "its certificate is for another IP address"),
}
_FIXES = {
    "tls.certificate_expired": "renew the certificate of the server; if it is new, check the clock of this machine",
    "tls.certificate_not_yet_valid": "check the clocks of this machine and of the one that issued the certificate",
    "tls.wrong_host": "connect by a name that is in the certificate (subjectAltName), or issue one for this name",
    "tls.unknown_authority": "give the PEM file of the authority that signed the server's certificate as the CA file",
    "tls.client_refused": "give certificate and key files of a client that the server knows, signed by an authority "
    "that it trusts and not expired",
    "tls.not_spoken": "use the port of the server's TLS listener, or leave the TLS settings out",
    "tls.failed": "compare TLS versions and ciphers of both sides",
}


@dataclass(frozen=True, slots=True)
class Files:
    """PEM files of one connection, each optional."""

    #: Authorities to trust; None: those of the system.
    ca: Path | None = None
    #: Our certificate with its chain, and its key; the key may stand in the certificate's file.
    certificate: Path | None = None
    key: Path | None = None

    @property
    def named(self) -> tuple[Path, ...]:
        """Those that are given."""
        return tuple(file for file in (self.ca, self.certificate, self.key) if file is not None)

    def context(self) -> ssl.SSLContext:
        """
        A client's context of what the files hold now.

        Raises:
            UsageFault: `tls.bad_file`.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except OSError as error:  # ssl.SSLError is one
            assert self.ca is not None
            raise _bad_file(self.ca, error) from None
        if self.certificate is not None:
            try:
                # The empty password: OpenSSL would otherwise ask for one on the terminal.
                context.load_cert_chain(self.certificate, self.key, password="")
            except OSError as error:
                raise _bad_file(self.certificate, error) from None
        return context


#: TLS is not spoken, or with what the system trusts.
NONE = Files()


class ReloadingContext(ssl.SSLContext):
    """
    A context whose next handshake uses what the files hold then.

    For libraries that keep one context as long as they live (aiokafka): connections that are open stay as they are.
    Files that cannot be used, as in the middle of a change, leave the last good ones in force.
    """

    _files: Files
    _state: tuple[Any, ...]
    _current: ssl.SSLContext

    @classmethod
    def of(cls, files: Files) -> ReloadingContext:
        """Of these files; raises `UsageFault` (`tls.bad_file`) where they cannot be used now."""
        made = cls(ssl.PROTOCOL_TLS_CLIENT)
        made._files, made._state, made._current = files, _state(files), files.context()
        return made

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        """What asyncio and uvloop call at each handshake."""
        return self.current().wrap_bio(*args, **kwargs)

    def current(self) -> ssl.SSLContext:
        """The context in force; looks at the files."""
        state = _state(self._files)
        if state != self._state:
            try:
                self._current = self._files.context()
            except UsageFault as fault:
                (problem,) = fault.problems  # the last good ones stay
                shown = {"file": problem.where, "what": problem.what}
                LOG.warning("certificates_not_reloaded", extra={"fields": shown})
            else:
                self._state = state
        return self._current


def _state(files: Files) -> tuple[Any, ...]:
    """Changes when a file is written or, as Kubernetes does, put in the place of another one."""
    found = []
    for file in files.named:
        try:
            stat = file.stat()
        except OSError:
            found.append((0, 0, 0))
        else:
            found.append((stat.st_ino, stat.st_mtime_ns, stat.st_size))
    return tuple(found)


def refusal(error: BaseException | None, where: str) -> Unreachable | None:
    """
    The error in words, when it or one of its causes is one of TLS.

    Args:
        where: the server, `host:port`.
    """
    while error is not None and not isinstance(error, ssl.SSLError):
        error = getattr(error, "original_exception", None) or error.__cause__ or error.__context__  # the first: PyMySQL
    if error is None:
        return None
    code, what = _told(error)
    return Unreachable(code=code, where=where, what=f"no TLS with this server: {what}", fix=_FIXES[code])


def _told(error: ssl.SSLError) -> tuple[str, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        known = _VERIFICATIONS.get(error.verify_code)
        return known or ("tls.unknown_authority", f"its certificate is not trusted ({error.verify_message})")
    reason = error.reason or ""
    if "ALERT" in reason and ("CERTIFICATE" in reason or "UNKNOWN_CA" in reason or "ACCESS_DENIED" in reason):
        return "tls.client_refused", f"it does not take our certificate ({reason.lower().replace('_', ' ')})"
    if isinstance(error, ssl.SSLEOFError) or reason in _NOT_TLS:
        return "tls.not_spoken", "what answers there does not speak TLS"
    return "tls.failed", reason.lower().replace("_", " ") or "the handshake was broken off"


def probe(host: str, port: int, context: ssl.SSLContext) -> Unreachable | None:
    """Why a handshake fails there, by making one; None when it does not.  Only after a failure: it takes a moment."""
    try:
        with socket.create_connection((host, port), PROBE_SECONDS) as plain:
            try:
                secure = context.wrap_socket(plain, server_hostname=host)
            except ConnectionError:  # it hung up at our first words
                return refusal(ssl.SSLEOFError(), f"{host}:{port}")
            with secure:
                secure.settimeout(ALERT_SECONDS)
                secure.recv(1)
    except ssl.SSLError as error:
        return refusal(error, f"{host}:{port}")
    except OSError:  # nobody listens, or it waits for us to speak (the timeout)
        return None
    return None


def _bad_file(file: Path, error: OSError) -> UsageFault:
    reason = error.strerror or type(error).__name__
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or reason).lower().replace("_", " ")
    return UsageFault(
        code="tls.bad_file",
        where=str(file),
        what=f"the file cannot be used for TLS: {reason}",
        fix="mount it readable for this user, in PEM form; the key must fit the certificate and have no passphrase",
    )
