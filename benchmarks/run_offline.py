"""Run every benchmark that needs no data but scikit-learn's tables and the simulators.

python -m benchmarks.run_offline
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

MODULES = ("anchors", "conditions", "determinism", "scale")


def main() -> None:
    """Run one after the other; stop at the first that fails; say what each took."""
    for module in MODULES:
        wall, cpu = time.perf_counter(), _cpu()
        subprocess.run([sys.executable, "-m", f"benchmarks.{module}", *sys.argv[1:]], check=True)
        wall = time.perf_counter() - wall
        print(f"{module}: {wall:.0f} s, {_cpu() - cpu:.0f} CPU s", file=sys.stderr, flush=True)


def _cpu() -> float:
    times = os.times()
    return times.children_user + times.children_system


if __name__ == "__main__":
    main()
