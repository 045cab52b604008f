"""Do models learn more of rare classes with rows of RDDG? Sick and Travel, against cheap controls.

    python -m benchmarks.rddg.utility --data DIR [--splits 3] [--table sick] [--learner XGBoost]

The published figures stand beside ours: there models were trained on the real rows and the first
1,000 generated ones, and "macro-F1" is that of the rare class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.metrics import f1_score, recall_score
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.preprocessing import OrdinalEncoder
from sklearn.utils.class_weight import compute_sample_weight

from benchmarks.intervals import difference
from benchmarks.learners import LEARNERS
from benchmarks.measure import markdown, options, write_page
from benchmarks.tables import SICK_TEST, SICK_TRAIN, read
from tablewright import RDDG, Synthesizer

MEASURES = ("macro_f1", "rare_f1", "balanced_accuracy", "sensitivity", "specificity")
FIRST = 20
"""Splits before this one were used to choose settings of other systems; ours come after them."""
PUBLISHED = {
    "sick": [{"arm": "RDDG, published (GPT-3.5)", "balanced_accuracy": 0.9362},
             {"arm": "EPIC, published (GPT-3.5)", "balanced_accuracy": 0.9245}],
    "travel": [{"arm": "real alone, published", "rare_f1": 0.5812, "balanced_accuracy": 0.7121},
               {"arm": "RDDG, published (GPT-3.5)", "rare_f1": 0.6863,
                "balanced_accuracy": 0.7967},
               {"arm": "EPIC, published (GPT-3.5)", "rare_f1": 0.6665,
                "balanced_accuracy": 0.7823}],
}  # fmt: skip


def sick(folder: Path) -> tuple[pl.DataFrame, str, str]:
    return pl.concat([read(folder, SICK_TRAIN), read(folder, SICK_TEST)]), "Class", "sick"


def travel(folder: Path) -> tuple[pl.DataFrame, str, str]:
    return pl.read_csv(folder / "rddg/travel/full.csv", infer_schema=False), "Target", "1"


TABLES: dict[str, Callable[[Path], tuple[pl.DataFrame, str, str]]] = {
    "sick": sick,
    "travel": travel,
}


def arms(train: pl.DataFrame, target: str, seed: int) -> dict[str, pl.DataFrame]:
    """Return the rows that each arm learns from; every class as large as the largest."""
    counts = train[target].value_counts()
    largest = int(counts["count"].max())  # type: ignore[arg-type]  # of a table with rows
    rng = np.random.default_rng(seed)
    again = [
        own[rng.integers(0, own.height, largest - own.height)]
        for _, own in train.group_by(target, maintain_order=True)
    ]
    found = {"resampled real rows": pl.concat(again)}
    for name in ("smotenc", "trees"):
        made = Synthesizer(name, target=target, random_state=seed).fit(train)
        found[name] = made.sample(balance="fill")
    for name, off in (
        ("rddg", {}),
        ("rddg without relations", {"relations": False}),
    ):
        system = RDDG(target, random_state=seed, **off).fit(train)
        found[name] = system.sample(balance="fill")
    return found


def scores(y: Any, predicted: Any, rare: str) -> dict[str, float]:
    recalls = recall_score(y == rare, predicted == rare, average=None)
    return {
        "macro_f1": float(f1_score(y, predicted, average="macro")),
        "rare_f1": float(f1_score(y == rare, predicted == rare)),
        "balanced_accuracy": float(np.mean(recalls)),
        "sensitivity": float(recalls[1]),
        "specificity": float(recalls[0]),
    }


def features(frame: pl.DataFrame, target: str) -> pl.DataFrame:
    """Read text cells as numbers where a column holds nothing else."""
    columns = []
    for column in frame.drop(target).get_columns():
        numbers = column.cast(pl.Float64, strict=False)
        columns.append(numbers if numbers.null_count() == column.null_count() else column)
    return pl.DataFrame(columns)


def run_split(
    table: pl.DataFrame, target: str, rare: str, rows: tuple[Any, Any], seed: int, learner: str
) -> Iterator[dict[str, Any]]:
    """Give a row for each arm."""
    train, test = table[rows[0]], table[rows[1]]
    made = arms(train, target, seed)
    parts = {"real alone": train, "class weights": train}
    parts |= {name: pl.concat([train, extra.select(train.columns)]) for name, extra in made.items()}
    whole = features(pl.concat([test, *parts.values()]), target)
    words = [name for name in whole.columns if not whole[name].dtype.is_numeric()]
    if words:
        coder = OrdinalEncoder().fit(whole.select(words).fill_null("").to_numpy())
    start = test.height

    def coded(frame: pl.DataFrame) -> Any:
        cells = [frame.drop(words).to_numpy().astype(float)]
        cells += [coder.transform(frame.select(words).fill_null("").to_numpy())] if words else []
        return np.column_stack(cells)

    x_test, y_test = coded(whole[:start]), test[target].to_numpy()
    for name, part in parts.items():
        x, y = coded(whole[start : start + part.height]), part[target].to_numpy()
        start += part.height
        weight = compute_sample_weight("balanced", y) if name == "class weights" else None
        model = LEARNERS[learner]().fit(x, (y == rare).astype(int), sample_weight=weight)
        predicted = np.where(model.predict(x_test) == 1, rare, "other")
        truth = np.where(y_test == rare, rare, "other")
        copies = None
        if name in made:
            equal = made[name].select(train.columns).join(train.unique(), on=train.columns)
            copies = equal.height / max(made[name].height, 1)
        yield {"arm": name, **scores(truth, predicted, rare), "copies": copies}


def main() -> None:
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--table", choices=TABLES, default="sick")
    parser.add_argument("--learner", choices=LEARNERS, default="XGBoost")
    args = parser.parse_args()
    table, target, rare = TABLES[args.table](args.data)
    cut = StratifiedShuffleSplit(FIRST + args.splits, test_size=0.2, random_state=0)
    found: list[dict[str, Any]] = []
    for split, rows in enumerate(cut.split(np.zeros(table.height), table[target].to_numpy())):
        if split < FIRST:
            continue
        made = run_split(table, target, rare, rows, split, args.learner)
        found += [{"split": split, **one} for one in made]
        print(f"split {split}", flush=True)
    runs = pl.DataFrame(found, infer_schema_length=None)
    means = runs.group_by("arm", maintain_order=True).agg(pl.col(*MEASURES, "copies").mean())
    table_rows = [{"arm": "", **dict.fromkeys([*MEASURES, "copies"])} | row
                  for row in [*means.to_dicts(), *PUBLISHED[args.table]]]  # fmt: skip
    parts = [
        f"{args.splits} stratified 80/20 splits (numbers {FIRST} to {FIRST + args.splits - 1} of "
        f"scikit-learn's seed 0), {args.learner}; every class filled to the size of the largest. "
        "Lines marked published are of another split and the mean of four learners. The whole "
        "comparison is 20 splits and four learners (`--splits 20`, `--learner` one by one), which "
        "has not been run.",
        markdown(table_rows),
        markdown(list(differences(runs))),
    ]
    write_page(f"rddg_utility_{args.table}", f"Models trained on rows for {args.table}", parts)


def differences(runs: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """Compare RDDG with each control, split by split."""

    def values(arm: str, measure: str) -> Any:
        return runs.filter(pl.col("arm") == arm).sort("split")[measure].to_numpy()

    for measure in ("macro_f1", "balanced_accuracy"):
        for control in runs["arm"].unique(maintain_order=True):
            if control != "rddg":
                gap = difference(values("rddg", measure), values(control, measure))
                yield {"rddg against": control, "measure": measure, **gap.cells()}


if __name__ == "__main__":
    main()
