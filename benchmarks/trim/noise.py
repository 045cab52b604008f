"""Half a pool true draws, half noise: is the true half found?

    python -m benchmarks.trim.noise [--seeds 20] [--rows 10 60] [--out FILE]

Pools of 200 rows of the simulated Diabetes table. Noise is of two kinds: every cell drawn evenly
from its declared range and the label at random; or true features with a label at random.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import markdown
from benchmarks.trim.diabetes import FEATURES, LEVELS, RANGE, TARGET, draw, imbalanced, schema
from benchmarks.trim.report import shown, write
from tablewright import Trim

HALF = 100


def noise(kind: str, rng: np.random.Generator) -> pl.DataFrame:
    rows = draw(HALF, rng).with_columns(pl.Series(TARGET, rng.choice(LEVELS, HALF)))
    if kind == "labels":
        return rows
    cells = {
        f.name: np.round(f.mean + rng.uniform(-RANGE, RANGE, HALF) * f.sd * (1 - 1e-6), f.decimals)
        for f in FEATURES
    }
    return rows.with_columns(
        pl.Series(name, values).cast(rows[name].dtype) for name, values in cells.items()
    )


def run(n: int, kind: str, trust: Any, seed: int) -> tuple[float, float, float]:
    """Share kept, precision and recall of keeping, in percent."""
    rng = np.random.default_rng([seed, n])
    real, true = imbalanced(n, rng), draw(HALF, rng)
    order = rng.permutation(2 * HALF)
    pool, sound = pl.concat([true, noise(kind, rng)])[order], order < HALF
    trim = Trim(schema=schema(), trust=trust, random_state=seed).fit(real)
    trim.transform(pool)
    keep = trim.result_.keep
    precision = 100 * sound[keep].mean() if keep.any() else np.nan
    return 100 * keep.mean(), precision, 100 * keep[sound].mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rows", type=int, nargs="+", default=[10, 60])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/trim/results/noise.md"))
    options = parser.parse_args()
    lines = []
    for kind in ("cells", "labels"):
        for n in options.rows:
            for trust in ("generator",) if n < 30 else ("auto", "generator"):
                result = np.array([run(n, kind, trust, seed) for seed in range(options.seeds)])
                some = result[~np.isnan(result[:, 1])]
                lines.append(
                    {
                        "noise": kind,
                        "real rows": n,
                        "trust": trust,
                        "kept, %": shown(result[:, 0]),
                        "precision, %": shown(some[:, 1]) if len(some) > 1 else "–",
                        "recall, %": shown(result[:, 2]),
                        "nothing kept": f"{len(result) - len(some)} of {len(result)}",
                    }
                )
                print(lines[-1], flush=True)
    intro = (
        f"Simulation. {options.seeds} seeds; after ± the standard error. Precision: true draws "
        "among the rows kept, where any are; recall: true draws that are kept. Of all rows 50 % "
        "are true."
    )
    write(options.out, "Half true draws, half noise", [intro, markdown(lines)])


if __name__ == "__main__":
    main()
