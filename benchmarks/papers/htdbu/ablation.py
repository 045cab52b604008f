"""The ablation of XGBoost: rows to learn from, and columns that a column is drawn from."""

from __future__ import annotations

from benchmarks.papers.htdbu.engine import Arm, Spec, main

SPEC = Spec(
    "ablation",
    "H-TDBU, ablation of XGBoost",
    "Published are the best of each rule alone: 12 columns under the manual, 4 under the "
    "strict one.",
    {
        f"{columns} columns, {rows:,} rows": Arm(
            "boosted", {"max_conditions": columns, "max_rows": rows}
        )
        for columns in (4, 12)
        for rows in (2000, 8000)
    },
    {
        "manual": {"12 columns, 8,000 rows": (0.9139, 0.5621, 0.9190, 0.1127)},
        "strict": {"4 columns, 8,000 rows": (0.9925, 0.9690, 0.9999, None)},
    },
)

if __name__ == "__main__":
    main(SPEC)
