"""A stranger's first hour: from an empty folder to the first useful result, command by command.

Makes an environment of its own, installs this checkout into it as the README says, runs the demo,
and does the main job on a table that is made up here. Every command is timed; one that fails, or
that says nothing of what it should, ends the script with exit code 1. The package registry, or a
local index or cache of it, has to be within reach.

    python -m benchmarks.first_hour [--keep FOLDER] [--out PAGE]
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

CLONE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Step:
    """A command as the README has it, and what has to be in its output."""

    says: str
    command: str
    expected: str = ""
    file: str = ""


STEPS = (
    Step("make an environment", f"{sys.executable} -m venv .venv"),
    Step("install", f".venv/bin/pip install --quiet {CLONE}"),
    Step("the demo: rows, verdict, report", ".venv/bin/tablewright demo", "macro-F1",
         "tablewright-demo/rows-report.html"),
    Step("look at a table of one's own", ".venv/bin/tablewright profile birds.csv --target species",
         "species"),
    Step("rows of it, judged",
         ".venv/bin/tablewright generate birds.csv --target species -n 500 --balance equal "
         "--out rows.csv --report report.html", "report in report.html", "report.html"),
    Step("rows on a condition",
         ".venv/bin/tablewright generate birds.csv -n 100 --out some.csv "
         "--where \"species = 'tern' AND mass > 120\"", "100 rows in some.csv", "some.csv"),
)  # fmt: skip


def birds(path: Path, n: int = 340) -> None:
    """Write a table of three kinds of birds, one of them rare, with gaps."""
    draw = random.Random(0)
    kinds = {"gull": (900, 58, 0.6), "tern": (125, 32, 0.33), "skua": (1400, 52, 0.07)}
    rows = []
    for _ in range(n):
        [kind] = draw.choices(list(kinds), [share for *_, share in kinds.values()])
        mass, bill, _ = kinds[kind]
        rows.append(
            [
                kind,
                draw.choice(["north", "south", "west"]),
                round(draw.gauss(mass, mass / 12)),
                round(draw.gauss(bill, 2.5), 1),
                draw.choice(["f", "m", ""]),
            ]
        )
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["species", "island", "mass", "bill", "sex"], *rows])


def run(step: Step, folder: Path) -> tuple[float, str]:
    """Run a step; return its seconds and what is wrong, if anything is."""
    started = time.perf_counter()
    done = subprocess.run(
        step.command, shell=True, cwd=folder, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    said = done.stdout + done.stderr
    if done.returncode:
        return seconds, f"exit code {done.returncode}: {said.strip()[-300:]}"
    if step.expected not in said:
        return seconds, f"it does not say {step.expected!r}"
    if step.file and not (folder / step.file).exists():
        return seconds, f"{step.file} is not there"
    return seconds, ""


def page(times: list[tuple[Step, float]]) -> str:
    """Write the times as a table of Markdown."""
    lines = ["| | command | seconds |", "| --- | --- | ---: |"]
    for step, seconds in times:
        command = step.command.replace(sys.executable, "python3.11").replace(str(CLONE), "CLONE")
        command = command.replace("|", "\\|")
        lines.append(f"| {step.says} | `{command}` | {seconds:.1f} |")
    first = sum(seconds for _, seconds in times[:3])
    every = sum(seconds for _, seconds in times)
    cores = len(os.sched_getaffinity(0))
    lines.append(
        f"\nThe first useful result after 3 commands and {first:.0f} seconds, all "
        f"{len(times)} commands in {every:.0f}; cores: {cores}."
    )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run all steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="Folder to work in, which is kept.")
    parser.add_argument("--out", type=Path, help="Page to write.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        birds(folder / "birds.csv")
        times = []
        for step in STEPS:
            seconds, wrong = run(step, folder)
            times.append((step, seconds))
            print(f"{seconds:7.1f} s  {step.says}{f': {wrong}' if wrong else ''}", flush=True)
            if wrong:
                return 1
    print(page(times))
    if arguments.out is not None:
        arguments.out.write_text(page(times), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
