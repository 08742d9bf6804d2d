"""
The wheel's build hook: compiles the hot path with mypyc where SYNCSVC_COMPILE=1 asks for it.

The modules are the ones of `[tool.hatch.build.targets.wheel.hooks.custom]`; they stay in the wheel as plain Python
beside what was compiled, and are the fallback wherever it is not: an editable checkout, a machine without a C compiler.
Both are the same source, so both pass the same tests.  Refuses nothing: a compiler's complaint ends the build.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompileHotPath(BuildHookInterface):  # type: ignore[type-arg]
    """Adds extension modules to a wheel."""

    PLUGIN_NAME = "custom"

    def _wanted(self, version: str = "standard") -> bool:
        return version == "standard" and os.environ.get("SYNCSVC_COMPILE") == "1"

    def dependencies(self) -> list[str]:
        """What the build needs beyond hatchling."""
        return list(self.config["compiler"]) if self._wanted() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compiles, and names what was made to the builder."""
        if not self._wanted(version):
            return
        self._place = Path(tempfile.mkdtemp(prefix="syncsvc-compiled-"))
        for extension in _compiled(Path(self.root), self.config["compiled"], self._place):
            build_data["force_include"][str(extension)] = str(extension.relative_to(self._place))
        build_data["pure_python"], build_data["infer_tag"] = False, True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Removes what the wheel holds by now."""
        if self._wanted(version):
            shutil.rmtree(self._place)


def _compiled(root: Path, modules: list[str], place: Path) -> list[Path]:
    """Extension modules of the package, below `place`."""
    from mypyc.build import mypycify
    from setuptools import Distribution
    from setuptools.command.build_ext import build_ext

    before, arguments = Path.cwd(), sys.argv
    shutil.copytree(root / "syncsvc", place / "syncsvc")
    os.chdir(place)  # mypyc names modules by their path, and writes its C files where it is
    try:
        files = ["--python-version=3.11", "--ignore-missing-imports", *[f"syncsvc/{name}.py" for name in modules]]
        command = build_ext(Distribution({"name": "syncsvc", "ext_modules": mypycify(files, opt_level="3")}))
        command.inplace = True
        command.ensure_finalized()
        command.run()
    finally:
        os.chdir(before)
        sys.argv = arguments
    shutil.rmtree(place / "build")
    return sorted(place.rglob("*.so"))
