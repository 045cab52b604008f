"""Judge runs and make a page of them.

python -m benchmarks.real_models.report runs.jsonl --data DIR > tables.md
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.real_models.systems import SYSTEMS
from benchmarks.real_models.tables import Split, load
from benchmarks.real_models.worth import text_worth, worth

_HEADS = (
    "table", "system", "seed", "asked", "kept", "in the form asked for", "examples of the prompt",
    "rejected by stage", "equal to a real row", "expected of held-out rows", "s",
    "tokens a kept row", "calls", "bill", "the server's own count", "bill / estimate",
)  # fmt: skip


ECHO = "it is an example of the prompt"


def main() -> None:
    """Print what was written, what it is worth, and what was written of rules."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    runs = [json.loads(line) for line in options.runs.read_text().splitlines()]
    order = {name: k for k, name in enumerate(SYSTEMS)}
    runs.sort(key=lambda run: (order[run["system"]], run["table"], run["seed"]))
    print(table(_HEADS, [written(run) for run in runs]))
    print()
    print(table(("table", "system", "seed", "rows", "real", "+ model rows", "+ local rows"),
                [judged(run, options.data) for run in runs]))  # fmt: skip
    print()
    print(table(("table", "seed", "rules read", "kept", "refused", "tokens"),
                [ruled(run) for run in runs if "rules" in run]))  # fmt: skip


def written(run: dict[str, Any]) -> list[str]:
    """Return the line of a run in the first table."""
    unreadable, kept = run.get("unreadable", {}), run["kept"]
    echoes = unreadable.get(ECHO, 0)
    proposed = run.get("proposed", 0)
    lost = sum(n for why, n in unreadable.items() if why != ECHO and " lies outside of " not in why)
    formed = proposed + sum(unreadable.values())
    rejected = ", ".join(f"{stage} {n}" for stage, n in run.get("rejected", {}).items())
    bill, server = run.get("bill", run["spent"]), run.get("server")
    return [
        run["table"], run["system"], str(run["seed"]), str(run["asked"]), str(kept),
        f"{formed - lost} of {formed}", str(echoes), rejected or "–",
        str(run.get("equal to a real row", 0)), f"{run.get('copy reference', 0):.0%}",
        f"{run['seconds']:.0f}", f"{bill / kept:,.0f}" if kept else "–", str(run.get("calls", "")),
        f"{bill:,}", "–" if server is None else f"{server:,}", f"{bill / run['estimate']:.2f}",
    ]  # fmt: skip


def judged(run: dict[str, Any], data: Path | None) -> list[str]:
    """Return the line of a run in the second table: real rows alone, and with more."""
    split = load(run["table"], run["seed"], data)
    score = text_worth if split.text else worth
    rows = frame(run.get("rows", []), split)
    begun = [run["table"], run["system"], str(run["seed"]), str(rows.height), pair(score(split))]
    if not rows.height:
        return [*begun, "–", "–"]
    local = SYSTEMS[run["system"]](split, None).fit(split.train).sample(rows.height)
    return [*begun, pair(score(split, rows)), pair(score(split, local.select(rows.columns)))]


def frame(rows: list[dict[str, Any]], split: Split) -> pl.DataFrame:
    """Return the rows of a run with the data types of the table."""
    read = pl.DataFrame(rows, schema=split.train.schema, strict=False)
    return read.drop_nulls()


def ruled(run: dict[str, Any]) -> list[str]:
    """Return the line of a run in the table of rules."""
    rules = run["rules"]
    return [
        run["table"], str(run["seed"]), str(rules["proposed"]), str(len(rules["kept"])),
        str(len(rules["refused"])), f"{run['spent']:,}",
    ]  # fmt: skip


def pair(scores: Sequence[float]) -> str:
    """Write the scores of a forest and of a linear model."""
    return " / ".join(f"{score:.3f}" for score in scores)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table.

    Examples
    --------
    >>> print(table(["a", "b"], [["1", "2"]]))
    | a | b |
    | --- | --- |
    | 1 | 2 |
    """
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main()
