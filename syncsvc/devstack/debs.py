"""
Servers out of Debian packages, unpacked into the cache: no root, nothing installed, no maintainer script run.

apt works with lists, status and cache of its own, so that the machine's are not touched.  The package comes with
*all* it depends on, the C library too, and is started through the dynamic loader of that folder: so a server of
another release of Debian runs beside the machine's own libraries.  Which mirror is read off the machine's apt.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from syncsvc.devstack import cache, missing

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
#: Dependencies for maintainer scripts and character set tables of the C library: megabytes that no server loads.
NOT_UNPACKED = ("perl", "libperl", "debconf", "gcc-", "libc-gconv", "libgdbm", "libdb5")
#: Where libraries lie below the unpacked root; the private folders are of single packages.
LIBRARY_FOLDERS = ("usr/lib/{triplet}", "lib/{triplet}", "usr/lib/{triplet}/private", "usr/lib/mysql/private")
#: Beside the unpacked root: which version it is of which package.
VERSION_FILE = "version"

APT_CONFIG = """\
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Log "{folder}/log";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Debug::NoLocking "true";
"""


@dataclass(frozen=True)
class Source:
    """One archive, as a line of `sources.list` says it."""

    #: Address of the mirror, as this machine has it.
    mirror: str
    suite: str
    component: str

    def line(self, options: str = "") -> str:
        """The line for apt."""
        return f"deb {options}{self.mirror} {self.suite} {self.component}"


def unpacked(store: cache.Cache, server: str, package: str, suite: str | None = None) -> Path:
    """
    A folder that holds `package` and all it depends on, as they would lie below `/`.

    Args:
        server: how errors call it.
        suite: a suite of Debian; None: the one this machine runs.

    Raises:
        ServerMissing: this machine has no apt, or its archives have no such package.
    """

    def make(stage: Path) -> None:
        _fetch(store, server, package, suite, stage)

    return store.folder(f"{package}-{suite or 'own-release'}-{platform.machine()}", make)


def through_own_loader(root: Path, program: str) -> list[str]:
    """The start of a command line that runs `program` of an unpacked root with the libraries of that root."""
    triplet = f"{platform.machine()}-linux-gnu"
    folders = [root / folder.format(triplet=triplet) for folder in LIBRARY_FOLDERS]
    loader = next(path for path in sorted(root.glob("**/ld-linux*.so.*")) if path.is_file())
    libraries = ":".join(str(folder) for folder in folders if folder.is_dir())
    return [str(loader), "--library-path", libraries, str(root / program)]


def sources(server: str) -> list[Source]:
    """
    The archives of this machine's own release, without those that others have added.

    Raises:
        ServerMissing: no apt here, or none of its archives belongs to the release.
    """
    fix = f"install {server} so that its server program is on PATH"
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise missing.ServerMissing(server=server, what="not on PATH, and this machine has no apt to fetch it", fix=fix)
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    said = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = {Source(*words) for line in said.stdout.splitlines() if len(words := line.split()) == 3}
    own = [one for one in found if codename and one.suite.split("-")[0] == codename]
    if not own:
        what = f"not on PATH, and apt of this machine lists no archive of its own release {codename!r}"
        raise missing.ServerMissing(server=server, what=what, fix=fix)
    return sorted(own, key=lambda one: (one.suite, one.component))


def _fetch(store: cache.Cache, server: str, package: str, suite: str | None, stage: Path) -> None:
    own = sources(server)
    if suite is None:
        lines = [one.line() for one in own]
    else:
        # The plain suite of the release (not -security or -updates, which may be on another mirror).
        plain = next(one for one in own if "-" not in one.suite and one.component == "main")
        lines = [Source(plain.mirror, suite, "main").line(f"[signed-by={KEYRING}] ")]
    apt = stage / "apt"
    for folder in ("state/lists/partial", "cache/archives/partial", "log"):
        (apt / folder).mkdir(parents=True)
    (apt / "status").touch()
    (apt / "sources.list").write_text("\n".join(lines) + "\n")
    (apt / "apt.conf").write_text(APT_CONFIG.format(folder=apt))
    store.progress(f"{server}: fetching Debian package {package} and its libraries")
    for arguments in (["update"], ["install", "-y", "--download-only", package]):
        store.nursery.run(
            f"apt-get {arguments[0]}",
            ["apt-get", "-q", *arguments],
            log=store.log(package),
            fix=f"check the network and this machine's apt sources, or install {server} so that it is on PATH",
            env={"APT_CONFIG": str(apt / "apt.conf"), "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
            watch=store.watch(server, apt),
        )
    packages = sorted((apt / "cache" / "archives").glob("*.deb"))
    for file in packages:
        if not file.name.startswith(NOT_UNPACKED):
            _unpack(file, stage)
    version = next(file.name.split("_")[1] for file in packages if file.name.startswith(f"{package}_"))
    (stage / VERSION_FILE).write_text(f"{package} {version.replace('%3a', ':')}\n")
    for superfluous in ("apt", "usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale"):
        shutil.rmtree(stage / superfluous, ignore_errors=True)


def _unpack(file: Path, root: Path) -> None:
    for name in ("bin", "sbin", "lib", "lib64"):  # older packages have files in /lib, which is a link in a real root
        if not os.path.lexists(root / name):
            (root / "usr" / name).mkdir(parents=True, exist_ok=True)
            (root / name).symlink_to(Path("usr") / name)
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(file)], stdout=subprocess.PIPE) as packed:
        arguments = ["tar", "-x", "--keep-directory-symlink", "--no-same-owner", "-C", str(root)]
        subprocess.run(arguments, stdin=packed.stdout, check=True)
