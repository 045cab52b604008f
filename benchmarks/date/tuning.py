"""Constants of the bandit, chosen on constructed pools of made tables.

    python -m benchmarks.date.tuning [--seeds 4] [--out FILE]

No recorded table or pool is in it. The gain is that of the scorer's learners on test rows.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.date.selectors import POOLS, Split, chosen, made_tables
from benchmarks.measure import markdown
from benchmarks.trim.report import shown, write
from tablewright.metrics.scorer import Scorer
from tablewright.selection import arms, selector

AS_LANDED = {"margin": 1.0, "pulls": 4, "share": 0.35}
TRIED = [{}, {"margin": 0.5}, {"margin": 1.5}, {"pulls": 2}, {"pulls": 8}, {"share": 0.2},
         {"share": 0.5}]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/date/tuning.md"))
    options = parser.parse_args()
    splits = [
        (Split.of(whole, pool, seed), seed)
        for whole in made_tables().values() for seed in range(100, 100 + options.seeds)
        for pool in POOLS
    ]  # fmt: skip
    testers = [Scorer(s.train, s.schema, holdout=s.test, seed=seed) for s, seed in splits]
    lines: list[dict[str, Any]] = []
    for changes in TRIED:
        setting = {**AS_LANDED, **changes}
        selector._Z, arms._PULLS_PER_ARM, arms._SET_SIZE = (  # type: ignore[assignment]
            setting["margin"], setting["pulls"], setting["share"])  # fmt: skip
        gains, counts, gaps = [], [], []
        for (split, seed), tester in zip(splits, testers, strict=True):
            rows, told = chosen("ours", split, seed)
            gains.append(tester.gain(rows).value if rows.height else 0.0)
            counts.append(rows.height)
            if rows.height and told["honest"] is not None:
                gaps.append(told["honest"] - gains[-1])
        lines.append({**setting, "gain on test": shown(np.array(gains), 4),
                      "kept nothing": counts.count(0), "rows": round(float(np.mean(counts))),
                      "honest - test": shown(np.array(gaps), 4) if gaps else "–",
                      "runs": len(gains)})  # fmt: skip
        print(pl.DataFrame(lines[-1:]), flush=True)
    write(options.out, "Constants of the bandit", [
        "Pools in groups, in regions, mixed, and turned. Margin: standard errors by which a group "
        "has to be worth more than nothing; pulls: sets for each group; share: groups in a set. "
        "± standard error.",
        markdown(lines)])  # fmt: skip


if __name__ == "__main__":
    main()
