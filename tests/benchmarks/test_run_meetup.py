"""What the benchmarks start is what production runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_compiled_path_comes_before_the_checkout_wherever_it_is_started(tmp_path):
    """Also in the checkout itself, where `-m` alone would find the sources first."""
    here = tmp_path / "checkout"
    for folder in (here / "benchmarks", here / "probe", here / ".venv" / "compiled" / "probe"):
        folder.mkdir(parents=True)
        (folder / "__main__.py").write_text("import sys\nprint(__file__, *sys.argv[1:])\n")
    (here / ".venv" / "compiled" / "made").touch()
    script = here / "benchmarks" / "run-meetup"
    script.write_bytes((ROOT / "benchmarks" / "run-meetup").read_bytes())
    script.chmod(0o755)
    given = {**os.environ, "BENCH_ENVIRONMENT": sys.executable}

    said = subprocess.run([script, "probe", "one"], cwd=here, env=given, capture_output=True, text=True, check=True)

    assert said.stdout == f"{here / '.venv' / 'compiled' / 'probe' / '__main__.py'} one\n"
