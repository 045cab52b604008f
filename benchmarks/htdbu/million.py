"""One million rows under 20 rules that a model wrote once (stand-in: its replies are scripted).

    python -m benchmarks.htdbu.million --data DIR [--rows 1000000] --out FILE

Adult, 16,000 training rows. CPU seconds of all threads; memory is that of the process, read after
every tenth of the rows.
"""

from __future__ import annotations

import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import cpu, markdown, options
from benchmarks.rules.sampling import RULES
from benchmarks.tables import ADULT, read
from tablewright.llm import Scripted
from tablewright.rules import as_rules, check_rules
from tablewright.systems.htdbu.system import HTDBU
from tablewright.tables.inference.casting import typed
from tablewright.tables.table import load_table


def resident() -> float:
    """Memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Run and write."""
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    whole = load_table(read(asked.data, ADULT), target="salary")
    order = np.random.default_rng(0).permutation(whole.frame.height)
    train = whole.frame[order[4000:]]
    replies = [json.dumps({"rules": RULES})] * 3
    model = HTDBU("salary", llm=Scripted(replies), schema=whole.schema, random_state=0)
    before = resident()
    _, fitting = cpu(lambda: model.fit(train))
    calls = model.result_.usage.calls
    rows, broken, spent = [], 0, 0.0
    batches = model.batches(asked.rows)
    created = 0
    check = as_rules(RULES)
    while created < asked.rows:
        batch, seconds = cpu(lambda: next(batches))
        spent += seconds
        created += batch.height
        report = check_rules(typed(batch, model.schema_), check, model.schema_, real=train)
        broken += sum(result.violations for result in report.results)
        if created % (asked.rows // 10) == 0:
            rows.append({"rows": f"{created:,}", "CPU s": spent, "memory MB": round(resident())})
    audit = model.audit_
    reported: list[dict[str, Any]] = [
        {
            "rule": rule.text,
            "drawn right": f"{rule.drawn_right / audit.n_rows:.4%}",
            "computed": rule.computed,
            "repaired": rule.repaired,
            "projected": rule.projected,
            "redrawn": rule.redrawn,
            "broken": rule.broken,
        }
        for rule in audit.rules
    ]
    text = (
        f"Adult, {train.height:,} training rows, {len(RULES)} rules written by a model whose three "
        f"replies are scripted (simulation); {len(model.template_)} stand after voting, "
        f"measuring and leaving out what others imply. Calls while fitting: {calls}; calls after "
        f"{created:,} rows: {model.result_.usage.calls} (none more). CPU seconds of fitting: "
        f"{fitting:.1f}, of the rows: {spent:.1f} ({1e6 * spent / created:.0f} µs per row). Memory "
        f"before fitting: {before:.0f} MB. Rows that break one of the {len(RULES)} rules as asked: "
        f"{broken:,}."
    )
    page = ["# A million rows under rules written once", text, markdown(rows), markdown(reported)]
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text("\n\n".join(page) + "\n")


if __name__ == "__main__":
    main()
