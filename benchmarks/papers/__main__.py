"""List what can be made of the papers.

python -m benchmarks.papers --list
python -m benchmarks.papers --readme     # writes the README of each paper anew
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.papers import cllm_epic, date, htdbu, mallm_gan, rddg, t2

PAPERS = (t2.PAPER, cllm_epic.PAPER, htdbu.PAPER, date.PAPER, mallm_gan.PAPER, rddg.PAPER)
FOLDER = Path(__file__).parent


def listing() -> str:
    """Say what there is, paper by paper."""
    lines = []
    for paper in PAPERS:
        lines += [paper.title, f"  {paper.source}"]
        for entry in paper.entries:
            seconds = "" if entry.seconds is None else f"  ({entry.seconds:,} s)"
            lines.append(f"  {entry.table}: {entry.command or entry.differs}{seconds}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    text = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=text)
    parser.add_argument("--list", action="store_true", help="say what there is (the default)")
    parser.add_argument("--readme", action="store_true", help="write the READMEs")
    if parser.parse_args(arguments).readme:
        for paper in PAPERS:
            (FOLDER / paper.folder / "README.md").write_text(paper.readme())
    else:
        print(listing())


if __name__ == "__main__":
    main()
