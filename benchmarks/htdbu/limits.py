"""What the published limits cost: columns that one is drawn from, and rows learned from.

    python -m benchmarks.htdbu.limits --data DIR --log FILE --out FILE

Forest, manual rule, seed 42; measures as in `bank_text`.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

from benchmarks.htdbu.bank import PAIRS, load
from benchmarks.htdbu.bank_text import Texture, run
from benchmarks.measure import markdown, options

COLUMNS = (4, 8, 12, None)
ROWS = (2000, 8000, None)
SEED = 42
SHOWN = ("F1", "AUROC", "AUROC, no mood", "detection", "DCR share", "fit s", "sample s")


def main() -> None:
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--log", type=Path, required=True, help="one JSON line for each run")
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    result = (
        [json.loads(line) for line in asked.log.read_text().splitlines()]
        if asked.log.exists()
        else []
    )
    bank = load(asked.data, PAIRS["manual"], SEED)
    for rows in ROWS:
        for columns in COLUMNS:
            case = {"rows": rows or "all", "columns": columns or "all"}
            if any(case.items() <= row.items() for row in result):
                continue
            forest = Texture("forest", {"max_rows": rows, "max_conditions": columns})
            result.append({**case, **run(bank, forest, PAIRS["manual"], SEED)})
            with asked.log.open("a") as file:
                file.write(json.dumps(result[-1]) + "\n")
    shown = [{k: row[k] for k in ("rows", "columns", *SHOWN)} for row in result]
    page = f"{HEAD}\n{markdown(shown)}\n"
    print(page)
    if asked.out is not None:
        asked.out.write_text(page)


HEAD = """# Limits of the published textures

`python -m benchmarks.htdbu.limits`: forest of 30 trees, manual rule, 12,000 rows, seed 42, one run
each; measures as in [bank_text.md](bank_text.md). Rows learned from by columns that one is drawn
from at most.
"""


if __name__ == "__main__":
    main()
