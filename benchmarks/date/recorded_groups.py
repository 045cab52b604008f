"""Groups that DATE accepted, with the gain recorded of each: what are they worth on other rows?

    python -m benchmarks.date.recorded_groups --data DIR [--seeds 10]

DIR holds ``bank-marketing/real.parquet`` and ``pools/date-arms.csv`` below it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from benchmarks.date.pools import Cut, asked
from benchmarks.measure import markdown
from benchmarks.trim.report import write
from tablewright.metrics.scorer import Scorer
from tablewright.selection.candidates import read_candidates
from tablewright.tables.table import Table, load_table

KEYS = ["_source", "_model_id", "_arm"]


def groups_of(pool: pl.DataFrame) -> list[tuple[float, bool, pl.DataFrame]]:
    """Return the recorded gain of each group, whether reflection made it, and its rows."""
    made = []
    for _, rows in pool.group_by(KEYS, maintain_order=True):
        gain = rows["_score"].cast(pl.Float64, strict=False).drop_nulls()
        if len(gain):
            reflected = (rows["_reflect"].fill_null("") == "True").any()
            made.append((float(gain[0]), bool(reflected), rows))
    return made


def typed(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Return rows with the types of a table; those that have none are left out."""
    read = read_candidates(rows, table.schema, table.frame)
    return read.frame.filter(pl.Series([not why for why in read.unreadable], dtype=pl.Boolean))


def measured(cut: Cut, groups: list[pl.DataFrame], few: bool) -> list[dict[str, float]]:
    """Return what each group adds on test rows: points of accuracy, and of the proper score."""
    names = ("tree", "forest") if few else ("tree",)
    alone = {name: cut.wrong(name) for name in names}
    table = load_table(cut.train, target=cut.target)
    scorer = Scorer(table.frame, table.schema, holdout=typed(cut.test, table), seed=cut.seed)
    lines = []
    for rows in groups:
        usable = cut.usable(rows)
        gains = {name: alone[name] - cut.wrong(name, usable) for name in names}
        if few:
            usable = typed(usable, table)
            gains["score"] = scorer.gain(usable).value if usable.height else 0.0
        lines.append(gains)
    return lines


def main() -> None:
    options = asked(__doc__ or "", "recorded_groups")
    folder = options.data / "bank-marketing"
    whole = pl.read_parquet(folder / "real.parquet")
    pool = pl.read_csv(folder / "pools" / "date-arms.csv", infer_schema=False)
    groups = groups_of(pool)
    recorded = np.array([100 * gain for gain, _, _ in groups])
    reflected = np.array([one for _, one, _ in groups])
    frames = [rows.select(whole.columns) for *_, rows in groups]
    lines: list[dict[str, Any]] = []
    for few, what in ((False, "60 % of the rows"), (True, "200 rows")):
        runs = [measured(Cut(whole, few, seed), frames, few)
                for seed in range(options.seeds)]  # fmt: skip
        for name in runs[0][0]:
            gains = np.array([[one[name] for one in run] for run in runs])
            mean = gains.mean(axis=0)
            rank, p = stats.spearmanr(recorded, mean)
            error = gains.mean(axis=1).std(ddof=1) / len(gains) ** 0.5
            best = np.argsort(-recorded, kind="stable")[: max(1, len(groups) // 4)]
            lines.append({
                "learned from": what, "gain of": name, "groups": len(groups),
                "mean gain": f"{mean.mean():+.3f} ± {error:.3f}",
                "above 0": f"{(mean > 0).sum()} of {len(mean)}",
                "of the best quarter as recorded": round(float(mean[best].mean()), 3),
                "reflected": round(float(mean[reflected].mean()), 3) if reflected.any() else None,
                "rank correlation": f"{rank:+.2f} (p {p:.2f})",
            })  # fmt: skip
    write(options.out, "Recorded groups and their gains", [
        f"Bank-marketing: {len(groups)} groups of {pool.height} rows that DATE accepted, each with "
        f"the gain recorded of it: {recorded.mean():.2f} points of accuracy in the mean, "
        f"{recorded.min():.2f} to {recorded.max():.2f}, all above 0 as others were dropped. Gain: "
        "what a group alone adds on test rows, mean over splits: points of accuracy of a tree or a "
        "forest, or the proper score of boosted trees and a linear model. Standard errors over "
        f"{options.seeds} splits.", markdown(lines)])  # fmt: skip


if __name__ == "__main__":
    main()
