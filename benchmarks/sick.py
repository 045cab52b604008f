"""Do generated rows help on Sick? Twenty splits, four learners, seven ways to treat the rare class.

    python -m benchmarks.sick --data DIR

Every split is written as it is done, and a run that was stopped goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import f1_score, precision_recall_curve, recall_score
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit, cross_val_predict
from sklearn.utils.class_weight import compute_sample_weight

from benchmarks.intervals import Difference, difference
from benchmarks.learners import LEARNERS
from benchmarks.measure import RESULTS, markdown, options, write_page
from benchmarks.tables import SICK_TEST, SICK_TRAIN, read
from tablewright import Synthesizer

TARGET, RARE = "Class", "sick"
EQUAL_ROWS = 1000
MEASURES = ("macro_f1", "minority_f1", "balanced_accuracy", "sensitivity", "specificity")
SAME_MIX = {
    "fill": "resampled like fill",
    "equal": "resampled like equal",
    "SMOTE-NC fill": "resampled like fill",
}
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Arm:
    """One way to treat the rare class: rows to learn from, and how."""

    rows: pl.DataFrame
    weighted: bool = False


def splits(table: pl.DataFrame, n_splits: int) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Cut the table 80/20, classes in proportion."""
    cut = StratifiedShuffleSplit(n_splits, test_size=0.2, random_state=0)
    for train, test in cut.split(np.zeros(table.height), table[TARGET].to_numpy()):
        yield table[train], table[test]


def made_rows(train: pl.DataFrame, seed: int) -> dict[str, pl.DataFrame]:
    """Write the rows of each generator arm."""
    ours = Synthesizer(target=TARGET, random_state=seed).fit(train)
    smote = Synthesizer("smotenc", target=TARGET, random_state=seed).fit(train)
    return {
        "fill": ours.sample(balance="fill"),
        "equal": ours.sample(EQUAL_ROWS, balance="equal"),
        "SMOTE-NC fill": smote.sample(balance="fill"),
    }


def resampled(train: pl.DataFrame, like: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Repeat real rows at random, as many of each class as there are in `like`."""
    parts = []
    for (label,), requested in like.group_by(TARGET, maintain_order=True):
        rows = train.filter(pl.col(TARGET) == label)
        parts.append(rows[rng.integers(0, rows.height, requested.height)])
    return pl.concat(parts)


def arms(
    train: pl.DataFrame, made: dict[str, pl.DataFrame], rng: np.random.Generator
) -> dict[str, Arm]:
    """Return all arms: real rows first, then what is compared with them."""
    result = {
        "real alone": Arm(train),
        "class weights": Arm(train, weighted=True),
    }
    for kind in ("fill", "equal"):
        again = resampled(train, made[kind], rng)
        result[f"resampled like {kind}"] = Arm(pl.concat([train, again]))
    return result | {name: Arm(pl.concat([train, rows])) for name, rows in made.items()}


class Coding:
    """Integer codes for text cells; numbers as they are, empty cells as NaN."""

    def __init__(self, table: pl.DataFrame) -> None:
        self.levels: dict[str, list[str] | None] = {
            name: None if _is_number(table[name]) else table[name].unique().sort().to_list()
            for name in table.columns
            if name != TARGET
        }

    def inputs(self, frame: pl.DataFrame) -> Floats:
        """Return the features, shape (n_rows, n_features)."""
        columns = [
            frame[name].cast(pl.Float64)
            if levels is None
            else frame[name].replace_strict(levels, range(len(levels)), return_dtype=pl.Float64)
            for name, levels in self.levels.items()
        ]
        return pl.DataFrame(columns).fill_null(float("nan")).to_numpy()

    def cells(self, frame: pl.DataFrame) -> Floats:
        """Return features and class."""
        return np.column_stack([self.inputs(frame), self.outcome(frame)])

    def outcome(self, frame: pl.DataFrame) -> NDArray[np.int64]:
        """Return 1 for the rare class."""
        return (frame[TARGET] == RARE).to_numpy().astype(np.int64)


def _is_number(series: pl.Series) -> bool:
    return bool(series.cast(pl.Float64, strict=False).is_not_null().all())


def scores(y: NDArray[np.int64], positive: NDArray[Any]) -> dict[str, float]:
    """Return all measures of one set of predictions."""
    sensitivity = float(recall_score(y, positive, pos_label=1))
    specificity = float(recall_score(y, positive, pos_label=0))
    return {
        "macro_f1": float(f1_score(y, positive, average="macro")),
        "minority_f1": float(f1_score(y, positive)),
        "balanced_accuracy": (sensitivity + specificity) / 2,
        "sensitivity": sensitivity,
        "specificity": specificity,
    }


def best_threshold(learner: str, x: Floats, y: NDArray[np.int64], seed: int) -> dict[str, float]:
    """Find, by three folds of the training rows, the threshold that each measure likes best."""
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    probability = cross_val_predict(LEARNERS[learner](), x, y, cv=folds, method="predict_proba")[
        :, 1
    ]
    _, _, thresholds = precision_recall_curve(y, probability)
    tried = np.unique(np.quantile(thresholds, np.linspace(0, 1, 200)))
    result = [scores(y, probability >= t) for t in tried]
    return {
        measure: float(tried[int(np.argmax([one[measure] for one in result]))])
        for measure in ("macro_f1", "balanced_accuracy")
    }


def judge(
    learner: str, arms: dict[str, Arm], test: pl.DataFrame, coding: Coding, seed: int
) -> dict[str, dict[str, float]]:
    """Fit one learner on every arm and score it on the test rows."""
    x_test, y_test = coding.inputs(test), coding.outcome(test)
    real = arms["real alone"].rows
    thresholds = best_threshold(learner, coding.inputs(real), coding.outcome(real), seed)
    result: dict[str, dict[str, float]] = {}
    for name, arm in arms.items():
        x, y = coding.inputs(arm.rows), coding.outcome(arm.rows)
        weight = compute_sample_weight("balanced", y) if arm.weighted else None
        model = LEARNERS[learner]().fit(x, y, sample_weight=weight)
        probability = model.predict_proba(x_test)[:, 1]
        result[name] = scores(y_test, probability >= 0.5)
        if arm.rows is real and not arm.weighted:
            for measure, threshold in thresholds.items():
                result[f"threshold for {measure}"] = scores(y_test, probability >= threshold)
    return result


def copies(made: pl.DataFrame, train: pl.DataFrame, coding: Coding) -> float:
    """Share of rows that equal a training row in every cell."""
    known = {row.tobytes() for row in coding.cells(train)}
    return float(np.mean([row.tobytes() in known for row in coding.cells(made)]))


def run_split(
    table: pl.DataFrame,
    train: pl.DataFrame,
    test: pl.DataFrame,
    split: int,
    learners: Iterable[str],
) -> Iterator[list[dict[str, Any]]]:
    """Give, for each learner, a row per arm."""
    created = made_rows(train, split)
    coding = Coding(pl.concat([table, *created.values()]))
    shares = {name: copies(rows, train, coding) for name, rows in created.items()}
    treated = arms(train, created, np.random.default_rng(split))
    for learner in learners:
        yield [
            {"split": split, "learner": learner, "arm": arm, **result, "copies": shares.get(arm)}
            for arm, result in judge(learner, treated, test, coding, split).items()
        ]


def run(table: pl.DataFrame, n_splits: int, learners: list[str], path: Path) -> pl.DataFrame:
    """Run what the file lacks, and return all of it."""
    known = pl.read_csv(path) if path.exists() else pl.DataFrame({"split": [], "learner": []})
    done = set(known.select("split", "learner").iter_rows())
    for split, (train, test) in enumerate(splits(table, n_splits)):
        todo = [name for name in learners if (split, name) not in done]
        for rows in run_split(table, train, test, split, todo) if todo else ():
            block = pl.DataFrame(rows).write_csv(include_header=not path.exists())
            with path.open("a") as file:
                file.write(block)
            print(f"split {split}, {rows[0]['learner']}", flush=True)
    return pl.read_csv(path).filter(pl.col("split") < n_splits).sort("split", maintain_order=True)


def arm_table(runs: pl.DataFrame) -> list[dict[str, Any]]:
    """Mean of each measure by learner and arm, then over the learners."""
    everything = pl.concat([runs, runs.with_columns(learner=pl.lit("mean of the four"))])
    means = everything.group_by("learner", "arm", maintain_order=True).agg(
        pl.col(*MEASURES, "copies").mean()
    )
    return means.to_dicts()


def compare(runs: pl.DataFrame, first: str, second: str, measure: str) -> dict[str, Difference]:
    """Compare two arms by learner, and by the mean over the learners."""

    def values(arm: str, learner: str | None) -> Floats:
        mine = runs.filter(pl.col("arm") == arm)
        if learner:
            mine = mine.filter(pl.col("learner") == learner)
        return mine.group_by("split").agg(pl.col(measure).mean()).sort("split")[measure].to_numpy()

    kinds = {**dict.fromkeys(LEARNERS), "mean of the four": None}
    return {
        name: difference(
            *(values(arm, name if name in LEARNERS else None) for arm in (first, second))
        )
        for name in kinds
    }


def target_table(runs: pl.DataFrame) -> list[dict[str, Any]]:
    """Return what was to be reached, with intervals."""
    rows = []
    for arm, control in SAME_MIX.items():
        for measure, against in (("macro_f1", "real alone"), ("balanced_accuracy", control)):
            for learner, result in compare(runs, arm, against, measure).items():
                rows.append(
                    {
                        "arm": arm,
                        "measure": measure,
                        "against": against,
                        "learner": learner,
                        **result.cells(),
                    }
                )
    return rows


def published_split(folder: Path) -> list[dict[str, Any]]:
    """Score the arms on the split that was published, once."""
    train, test = read(folder, SICK_TRAIN), read(folder, SICK_TEST)
    result = run_split(pl.concat([train, test]), train, test, 0, LEARNERS)
    return arm_table(pl.DataFrame([row for rows in result for row in rows]))


NOTES = f"""\
Rows of `rddg/train.csv` and `rddg/test.csv` together ({{n_rows}}, 6.2 % sick), {{n_splits}}
stratified 80/20 splits. `fill` and `equal` are rows of `Synthesizer(target="Class")` with default
settings, added to the real training rows: as many sick rows as are missing, and {EQUAL_ROWS} rows
half of each class. SMOTE-NC is ours. Scores are those of the test rows, at the threshold 0.5 where
nothing else is said; thresholds were found by three folds of the training rows. The corrected
interval (Nadeau and Bengio 2003) takes into account that splits share rows; the plain one does not
and is too narrow. Learners: XGBoost 0.03 and depth 4, CatBoost 0.003 and depth 6, LightGBM 0.1 and
depth 3, gradient boosting of scikit-learn with its defaults. `sick_runs.csv` has every score."""

READING = """\
Reading, of the run of twenty splits that is committed. The aim for macro-F1 is missed: over the
four learners `fill` is 0.018 below real rows alone, by both intervals; `equal` is 0.011 below, by
the plain interval, while the corrected one holds 0. An interval that holds 0 does not show that
there is no loss: these are wide. Balanced accuracy is not shown to be below that of real rows
repeated in the same mix (-0.003 and -0.004, both intervals hold 0 over the four learners), but
CatBoost alone is below by the plain interval in both arms, -0.010 and -0.016. No row made equals a
training row, so that aim is reached. SMOTE-NC and real rows repeated do as well or slightly better
than `fill`. Whoever wants macro-F1 here should add no rows; whoever wants the rare class found can
as well weight the classes.

How far to trust it. That trees tell the classes apart, that one row of four is taken by the chance
of its class, and that copies are drawn anew, was chosen on this table: some thirty variants of leaf
size, order of columns, weights and number of candidates were looked at on four to eight other
splits of the same rows, with XGBoost and LightGBM, before this run (gradient boosting in a first
look, CatBoost not at all). The first of the twenty splits is one of those. Expect a little less on
tables that had no part in it. The twenty splits and the published split below were run with
neighbouring states of the code."""

PUBLISHED = """\
Published for this split (mean of the four learners, five seeds each, 1,000 rows added): balanced
accuracy RDDG 93.62, CDTD 93.25, EPIC 92.45. Nothing here is tuned to it; one run, no interval."""


def main() -> None:
    """Run the benchmark."""
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--learners", nargs="+", choices=LEARNERS, default=list(LEARNERS))
    asked = parser.parse_args()
    table = pl.concat([read(asked.data, SICK_TRAIN), read(asked.data, SICK_TEST)])
    RESULTS.mkdir(exist_ok=True)
    runs = run(table, asked.splits, asked.learners, RESULTS / "sick_runs.csv")
    parts = [
        NOTES.format(n_rows=table.height, n_splits=asked.splits),
        "## What was to be reached",
        markdown(target_table(runs)),
        READING,
        "## All arms, mean over the splits",
        markdown(arm_table(runs)),
        "## The published split",
        PUBLISHED,
        markdown([row for row in published_split(asked.data) if row["learner"].startswith("mean")]),
    ]
    write_page("sick", "Sick: do generated rows help?", parts)


if __name__ == "__main__":
    main()
