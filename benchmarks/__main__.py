"""
Everything that fits in ten minutes: the stages, then the transport; one JSON line each.

The meetup workload against a rival is run by the benchmark kit's harness with `benchmarks/run-meetup`.
"""

from __future__ import annotations

import subprocess
import sys

for module in ("benchmarks.stages", "benchmarks.transport"):
    print(f"· {module}", file=sys.stderr)
    if code := subprocess.run([sys.executable, "-m", module], check=False).returncode:
        sys.exit(code)
