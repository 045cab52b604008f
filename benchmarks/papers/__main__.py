"""List what can be made of the papers.

python -m benchmarks.papers --list
python -m benchmarks.papers --readme     # writes the README of each paper anew
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.papers import cllm_epic, date, htdbu, mallm_gan, rddg, t2

_README = """# The papers' tables and figures

Written by `python -m benchmarks.papers --readme`. What came of their claims stands in
[docs/papers.md](../../docs/papers.md).

| paper | tables and figures that a command makes | that none makes |
|---|---|---|
{papers}

From a checkout, once:

    python -m pip install -e ".[bench]"
    python -m benchmarks.recipes --list                                  # addresses, licences
    python -m benchmarks.recipes compas ORIGINALS --out DIR --download   # one file of DIR

Without `--download` a recipe takes the originals from the folder ORIGINALS; it says by checksum
whether what it makes is the file that was measured. Then any command of a paper's page, with your
folder for `DIR`:

    python -m benchmarks.papers.t2.table1

Each run is printed as it ends and kept below `build/papers`, so that a command goes on where it
was stopped. The page is written over the committed one below `results`: `git diff` shows what
differs. With one thread (`OMP_NUM_THREADS=1`) and the versions at the foot of a page the figures
are the same. `--seeds 1` is a first look. CTGAN and TVAE need `make peers` and
`--peers build/peers`.
"""
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


def overview() -> str:
    """Return the page of all papers."""
    rows = []
    for paper in PAPERS:
        made, rest = ([e.table for e in paper.entries if bool(e.module) is with_module]
                      for with_module in (True, False))  # fmt: skip
        link = f"[{paper.title}]({paper.folder}/README.md)"
        rows.append(f"| {link} | {'; '.join(made)} | {'; '.join(rest) or '–'} |")
    return _README.format(papers="\n".join(rows))


def main(arguments: Sequence[str] | None = None) -> None:
    text = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=text)
    parser.add_argument("--list", action="store_true", help="say what there is (the default)")
    parser.add_argument("--readme", action="store_true", help="write the READMEs")
    if parser.parse_args(arguments).readme:
        (FOLDER / "README.md").write_text(overview())
        for paper in PAPERS:
            (FOLDER / paper.folder / "README.md").write_text(paper.readme())
    else:
        print(listing())


if __name__ == "__main__":
    main()
