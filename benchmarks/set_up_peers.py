"""Set up each peer in an environment of its own, and say why one does not install.

    python -m benchmarks.set_up_peers FOLDER [PEER ...]

Nothing here is a dependency: SDV is under the Business Source Licence, and peers pin packages
that exclude each other. What is there already is left as it is.
"""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.measure import options

COMMON = ("pandas", "pyarrow", "polars")
PEERS: dict[str, tuple[str, ...]] = {
    "SDV GaussianCopula": ("torch==2.13.0", "sdv==2.0.0"),
    "python-synthpop": ("python-synthpop==0.1.2",),
    "imbalanced-learn SMOTENC": ("imbalanced-learn==0.14.2",),
    "arf": ("arfpy", "numpy<2.4", "pandas<3"),
    "mostlyai-engine": ("torch==2.13.0", "mostlyai-engine"),
    "CTGAN": ("torch==2.13.0", "ctgan"),
    "be_great": ("torch==2.13.0", "be-great"),
    "REaLTabFormer": ("torch==2.13.0", "realtabformer", "transformers<5", "datasets<4"),
}
"""What pip is asked for, in order; arfpy and REaLTabFormer call what newer packages dropped."""


def place_of(peer: str) -> str:
    """Return the name of a peer's folder."""
    return re.sub(r"\W+", "-", peer).lower()


def python_of(peer: str, where: Path) -> str | None:
    """Return the Python of a peer: the one named, or that of its folder if there is one."""
    if not where.is_dir():
        return str(where)
    python = where / place_of(peer) / "bin" / "python"
    return str(python) if (python.parents[1] / "installed").exists() else None


def set_up(peer: str, folder: Path) -> str:
    """Install a peer; return a sentence."""
    place = folder / place_of(peer)
    done = place / "installed"
    if done.exists():
        return f"{peer}: installed before"
    venv.create(place, with_pip=True, clear=True)
    for package in (*PEERS[peer], *COMMON):
        command = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", package]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            errors = [line for line in result.stderr.splitlines() if "ERROR" in line]
            return f"{peer}: not installed, {package}: {(errors or ['no reason given'])[-1]}"
    done.touch()
    return f"{peer}: installed"


def main() -> None:
    """Set up what was named, or all."""
    parser = options(__doc__ or "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("peers", nargs="*", metavar="PEER", choices=[*PEERS, []])
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    for peer in asked.peers or PEERS:
        print(set_up(peer, asked.folder), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
