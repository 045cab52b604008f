"""Recorded output of language models: which rows are copies, shifted, or the real table rescaled.

    python -m benchmarks.evaluation.recorded --data DIR [--out benchmarks/evaluation]

DIR holds one folder per data set with ``real.parquet`` and ``pools/*.csv``: generator output of
the public repository of the DATE paper (github.com/windblow32/DATE, arXiv 2512.21915), which
states no licence for it; no row of it is part of this project. The table names the SHA-256 of
each real table. Four fifths of the real rows are training rows here, so that copies that are
spread over the whole table show as about 80 %.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np

from tablewright.evaluation.evaluate.evaluate import read_leniently
from tablewright.metrics import copies, fidelity, privacy
from tablewright.metrics.encoder import EncodedRows, FeatureEncoder
from tablewright.tables.table import load_table

MEASURES = {
    "exact": privacy.exact_copies,
    "one off": copies.one_off_copies,
    "shifted": copies.shifted_copies,
    "rescaled": copies.rescaled_copies,
    "near": privacy.near_copies,
    "in range": fidelity.range_adherence,
    "shapes": fidelity.column_shapes,
    "repeats": privacy.internal_duplicates,
}
WORDS = {
    "exact": "copies",
    "one off": "copies with one cell changed",
    "shifted": "copies moved by a column",
    "rescaled": "the real table rescaled",
    "near": "near copies",
    "repeats": "repeats itself",
}


def diagnosis(found: dict[str, float], real: dict[str, float]) -> str:
    """Say what is true of at least 2 % of the rows beyond what is true of real rows."""
    declared = [WORDS[name] for name in WORDS if found[name] - real.get(name, 0.0) >= 0.02]
    if "copies" in declared and "near copies" in declared:
        declared.remove("near copies")
    if found["in range"] < 0.9:
        declared.append("out of range")
    return ", ".join(declared) or "no copies found"


def judge(
    real: EncodedRows, pool: EncodedRows, holdout: EncodedRows
) -> tuple[dict[str, float], str]:
    """Measure one pool."""
    scores = {
        name: measure(real, pool, holdout, np.random.default_rng(0))
        for name, measure in MEASURES.items()
    }
    values = {name: score.value or 0.0 for name, score in scores.items()}
    references = {name: score.reference.get("real", 0.0) for name, score in scores.items()}
    return values, diagnosis(values, references)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/evaluation"))
    options = parser.parse_args()
    head = ["data set", "pool", "rows", *MEASURES, "diagnosis"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    sums = []
    for folder in sorted(index.parent for index in options.data.glob("*/real.parquet")):
        source = folder / "real.parquet"
        sums.append(f"{folder.name} {hashlib.sha256(source.read_bytes()).hexdigest()}")
        table = load_table(source)
        order = np.random.default_rng(0).permutation(table.frame.height)
        cut = len(order) * 4 // 5
        train, held = (table.frame[np.sort(part)] for part in (order[:cut], order[cut:]))
        ruler = FeatureEncoder.fit(train, table.schema)
        real, holdout = ruler.rows(train), ruler.rows(held)
        for pool in sorted((folder / "pools").glob("*.csv")):
            rows = read_leniently(pool, table.schema)
            values, declared = judge(real, ruler.rows(rows), holdout)
            shown = [f"{values[name]:.3f}" for name in MEASURES]
            cells = [folder.name, pool.stem, f"{rows.height}", *shown, declared]
            lines.append(f"| {' | '.join(cells)} |")
            print(lines[-1], flush=True)
    text = "\n".join([*lines, "", "SHA-256 of the real tables:", "", *(f"- {s}" for s in sums)])
    (options.out / "recorded.md").write_text(text + "\n")


if __name__ == "__main__":
    main()
