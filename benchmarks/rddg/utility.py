"""Do models learn more of rare classes with rows of RDDG? Sick and Travel, against cheap controls.

    python -m benchmarks.rddg.utility --data DIR [--splits 20] [--table sick] [--learner NAME ...]

Runs of splits stand in a file of their own, and those that it has are not run again. The published
figures stand beside ours: there models were trained on the real rows and the first 1,000 generated
ones, and "macro-F1" is that of the rare class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.metrics import f1_score, recall_score
from sklearn.model_selection import StratifiedShuffleSplit, cross_val_predict
from sklearn.preprocessing import OrdinalEncoder
from sklearn.utils.class_weight import compute_sample_weight

from benchmarks.intervals import difference
from benchmarks.learners import LEARNERS
from benchmarks.measure import RESULTS, markdown, options, write_csv, write_page
from benchmarks.tables import SICK_TEST, SICK_TRAIN, read
from tablewright import EPIC, RDDG, Synthesizer

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


PARTS: dict[str, dict[str, bool]] = {
    "rddg": {},
    "rddg without relations": {"relations": False},
    "rddg without feedback": {"feedback": False},
    "rddg without calibration": {"calibrate": False},
    "rddg without any": {"relations": False, "feedback": False, "calibrate": False},
}
"""Without a model the coreset has no part: nothing is shown to anybody."""
CONTROLS = ("smotenc", "trees")


def arms(train: pl.DataFrame, target: str, seed: int) -> dict[str, pl.DataFrame]:
    """Return the rows that each arm adds; every class as large as the largest."""
    counts = train[target].value_counts()
    largest = int(counts["count"].max())  # type: ignore[arg-type]  # of a table with rows
    rng = np.random.default_rng(seed)
    again = [
        own[rng.integers(0, own.height, largest - own.height)]
        for _, own in train.group_by(target, maintain_order=True)
    ]
    made = {"resampled real rows": pl.concat(again)}
    for name in CONTROLS:
        fitted = Synthesizer(name, target=target, random_state=seed).fit(train)
        made[name] = fitted.sample(balance="fill")
    made["epic, local"] = EPIC(target, random_state=seed).fit(train).sample(balance="fill")
    for name, off in PARTS.items():
        made[name] = RDDG(target, random_state=seed, **off).fit(train).sample(balance="fill")
    return made


def threshold(make: Callable[[], Any], x: Any, y: Any) -> float:
    """Return the cut of the rare class's probability that is best for balanced accuracy.

    Learned on three folds of the training rows.
    """
    chances = cross_val_predict(make(), x, y, cv=3, method="predict_proba")[:, 1]
    cuts = np.quantile(chances, np.linspace(0.02, 0.98, 49))
    found = [np.mean(recall_score(y, chances >= cut, average=None)) for cut in cuts]
    return float(cuts[int(np.argmax(found))])


def scores(truth: Any, predicted: Any) -> dict[str, float]:
    """Score predictions; True is the rare class."""
    recalls = recall_score(truth, predicted, average=None)
    return {
        "macro_f1": float(f1_score(truth, predicted, average="macro")),
        "rare_f1": float(f1_score(truth, predicted)),
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
    table: pl.DataFrame, target: str, rare: str, rows: tuple[Any, Any], seed: int,
    learners: list[str],
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Give a row for each arm and learner."""
    train, test = table[rows[0]], table[rows[1]]
    made = arms(train, target, seed)
    parts = dict.fromkeys(("real alone", "class weights", "moved threshold"), train)
    parts |= {name: pl.concat([train, extra.select(train.columns)]) for name, extra in made.items()}
    whole = features(pl.concat([test, *parts.values()]), target)
    words = [name for name in whole.columns if not whole[name].dtype.is_numeric()]
    coder = OrdinalEncoder().fit(whole.select(words).fill_null("").to_numpy()) if words else None

    def coded(frame: pl.DataFrame) -> Any:
        cells = [frame.drop(words).to_numpy().astype(float)]
        if coder is not None:
            cells.append(coder.transform(frame.select(words).fill_null("").to_numpy()))
        return np.column_stack(cells)

    x_test, truth = coded(whole[: test.height]), (test[target] == rare).to_numpy()
    start = test.height
    for name, part in parts.items():
        x, y = coded(whole[start : start + part.height]), (part[target] == rare).to_numpy()
        start += part.height
        copies = None
        if name in made:
            equal = made[name].select(train.columns).join(train, on=train.columns, how="semi",
                                                          nulls_equal=True)  # fmt: skip
            copies = equal.height / max(made[name].height, 1)
        weight = compute_sample_weight("balanced", y) if name == "class weights" else None
        for learner in learners:
            # scikit-learn's own takes no missing numbers
            fill = float(np.nanmin(x)) - 1 if learner == "gradient boosting" else np.nan
            inputs, tests = (np.where(np.isnan(cells), fill, cells) for cells in (x, x_test))
            model = LEARNERS[learner]().fit(inputs, y.astype(int), sample_weight=weight)
            cut = 0.5
            if name == "moved threshold":
                cut = threshold(LEARNERS[learner], inputs, y.astype(int))
            predicted = model.predict_proba(tests)[:, 1] >= cut
            yield {"learner": learner, "arm": name, **scores(truth, predicted), "copies": copies}


def main() -> None:
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--table", choices=TABLES, default="sick")
    parser.add_argument("--learner", choices=LEARNERS, nargs="+", default=["XGBoost"])
    args = parser.parse_args()
    table, target, rare = TABLES[args.table](args.data)
    name = f"rddg_utility_{args.table}"
    file = RESULTS / f"{name}.csv"
    runs: list[dict[str, Any]] = pl.read_csv(file).to_dicts() if file.exists() else []
    known = {run["split"] for run in runs}
    cut = StratifiedShuffleSplit(FIRST + args.splits, test_size=0.2, random_state=0)
    for split, rows in enumerate(cut.split(np.zeros(table.height), table[target].to_numpy())):
        if split >= FIRST and split not in known:
            made = run_split(table, target, rare, rows, split, args.learner)
            runs += [{"split": split, **one} for one in made]
            write_csv(name, runs)
            print(f"split {split}", flush=True)
    write_page(name, f"Models trained on rows for {args.table}", page(runs, args.table))


def page(runs: list[dict[str, Any]], table: str) -> list[str]:
    """Write the means of all runs, and RDDG against each control."""
    frame = pl.DataFrame(runs, infer_schema_length=None)
    means = frame.group_by("arm", maintain_order=True).agg(pl.col(*MEASURES, "copies").mean())
    lines = [
        {"arm": "", **dict.fromkeys([*MEASURES, "copies"])} | row
        for row in [*means.to_dicts(), *PUBLISHED[table]]
    ]
    splits, learners = frame["split"].unique(), frame["learner"].unique(maintain_order=True)
    return [
        f"{len(splits)} stratified 80/20 splits (numbers {splits.min()} to {splits.max()} of "
        f"scikit-learn's seed 0, which is that of the rows too: the split's number), mean over "
        f"{', '.join(learners)}; every class filled to the size of the largest. No language model. "
        "Lines marked published are of another split and the mean of four learners. The whole "
        "comparison is 20 splits and four learners. Recorded rows of EPIC and RDDG belong to one "
        "given split, and stand in the page on sick. Differences are paired by split.",
        markdown(lines),
        markdown(list(differences(frame))),
    ]


def differences(frame: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """Compare RDDG with each control, split by split, the mean over learners."""
    runs = frame.group_by("split", "arm", maintain_order=True).agg(pl.col(*MEASURES).mean())

    def values(arm: str, measure: str) -> Any:
        return runs.filter(pl.col("arm") == arm).sort("split")[measure].to_numpy()

    for measure in ("macro_f1", "rare_f1", "balanced_accuracy"):
        for control in runs["arm"].unique(maintain_order=True):
            if control != "rddg":
                gap = difference(values("rddg", measure), values(control, measure))
                yield {"rddg against": control, "measure": measure, **gap.cells()}


if __name__ == "__main__":
    main()
