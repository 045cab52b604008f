"""Write the model files of this version: python -m tests.artefacts.make.

A released version's files are never written again: later ones must go on reading them.
"""

from __future__ import annotations

from pathlib import Path

import tablewright
from tablewright import Synthesizer
from tests.people import people

METHODS = ("trees", "copula", "independent", "smotenc")
HOME = Path(__file__).parent


def main() -> None:
    folder = HOME / f"v{tablewright.__version__}"
    folder.mkdir(exist_ok=True)
    for method in METHODS:
        result = Synthesizer(method, target="state", random_state=0).fit(people(80))
        result.save(folder / f"{method}.tw")


if __name__ == "__main__":
    main()
