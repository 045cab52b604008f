"""Make the page of runs: `python -m benchmarks.real_models.report runs.jsonl > results.md`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

_HEADS = (
    "table", "system", "asked", "kept", "in the form asked for", "examples of the prompt",
    "rejected by stage", "equal to a real row", "s", "tokens a kept row", "estimate", "bill",
    "ledger", "of it estimated", "calls", "load",
)  # fmt: skip


def main(path: Path) -> None:
    """Print two tables: what was written, and what it is worth."""
    runs = [json.loads(line) for line in path.read_text().splitlines()]
    print(_table(_HEADS, [_written(run) for run in runs if run["system"] != "labels"]))
    kinds = ("real", "+ model rows", "+ local rows", "+ probabilities")
    rows = [
        [run["table"], run["system"], str(run.get("kept", 0)),
         *(_pair(run.get("worth", {}).get(kind)) for kind in kinds)]
        for run in runs
    ]  # fmt: skip
    print()
    print(_table(["table", "system", "rows", *kinds], rows))


def _written(run: dict[str, Any]) -> list[str]:
    read = run.get("read", 0) + run.get("written", 0)
    begun = [run["table"], run["system"], str(run["asked"])]
    if "error" in run:
        return [*begun, "0", *["–"] * 8, f"{read:,}", "–", "–", str(run["load"])]
    lost, kept = sum(run["unreadable"].values()), run["kept"]
    echoes = run["unreadable"].get("it is an example of the prompt", 0)
    rejected = ", ".join(f"{stage} {n}" for stage, n in Counter(run["rejected"]).most_common())
    readable = run["proposed"] + echoes
    return [
        *begun, str(kept), f"{readable} of {run['proposed'] + lost}", str(echoes), rejected or "–",
        str(run["equal to a real row"]), str(run["seconds"]),
        f"{run['bill'] / kept:,.0f}" if kept else "–", f"{run['estimate']:,}", f"{run['bill']:,}",
        f"{read:,}", f"{run['not counted']} calls", str(run["calls"]), str(run["load"]),
    ]  # fmt: skip


def _pair(scores: list[float] | None) -> str:
    return "–" if scores is None else " / ".join(f"{score:.3f}" for score in scores)


def _table(heads: Any, rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
