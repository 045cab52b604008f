"""Run every benchmark that needs no data but scikit-learn's tables and the simulators.

python -m benchmarks.run_offline
"""

from __future__ import annotations

import subprocess
import sys

MODULES = ("anchors", "conditions", "determinism", "scale")


def main() -> None:
    """Run one after the other; stop at the first that fails."""
    for module in MODULES:
        subprocess.run([sys.executable, "-m", f"benchmarks.{module}", *sys.argv[1:]], check=True)


if __name__ == "__main__":
    main()
