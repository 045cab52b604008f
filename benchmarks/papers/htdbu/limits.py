"""What the published limits cost: columns that one is drawn from, and rows learned from."""

from __future__ import annotations

from benchmarks.papers.htdbu.engine import Arm, Spec, main

SPEC = Spec(
    "limits",
    "H-TDBU: limits of the published textures",
    "A forest of 30 trees; published are 5,000 rows and 12 columns, without a reason.",
    {
        f"{columns or 'all'} columns, {f'{rows:,}' if rows else 'all'} rows": Arm(
            "forest", {"max_conditions": columns, "max_rows": rows}
        )
        for columns in (4, 12, None)
        for rows in (2000, 5000, None)
    },
    {},
)

if __name__ == "__main__":
    main(SPEC)
