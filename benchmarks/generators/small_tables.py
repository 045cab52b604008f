"""Which generator suits a table of 25 to 200 rows.

    python -m benchmarks.generators.small_tables [--data DIR] [--seeds 5] [--out FILE]

Rows are taken at random, what is left of the table (up to 1,000 rows) is held out, and 500 rows
are made.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.measure import markdown
from benchmarks.recipes import asia, insurance
from benchmarks.tables import ADULT, SICK_TRAIN, Source, read, simulated
from tablewright.generators.base import Generator, Given
from tablewright.generators.blend import Blend
from tablewright.generators.copula import GaussianCopula
from tablewright.generators.forest import Forest
from tablewright.generators.trees import SequentialTrees
from tablewright.metrics.detection import detection_auc
from tablewright.metrics.encoder import EncodedRows, FeatureEncoder
from tablewright.metrics.privacy import distance_share, search
from tablewright.schema import Schema
from tablewright.tables.encoding.codec import Matrix
from tablewright.tables.encoding.layout import Layout
from tablewright.tables.table import load_table
from tablewright.threads import one_thread

Floats = NDArray[np.float64]

SIZES = (25, 50, 100, 200)
LEAST = 40  # held-out rows at least
MADE = 500
HELD_OUT = 1000
JUDGED = 20  # held-out rows whose cells are judged
DRAWS = 60  # draws of each such cell
COLUMNS = 6  # columns that are judged at most, taken at random
FLOOR = 0.05  # part of the marginal shares in every prediction

METHODS: dict[str, Callable[[], Generator]] = {
    "trees": SequentialTrees,
    "copula": GaussianCopula,
    "forest": lambda: Forest(max_conditions=None),
    "blend": Blend,
}

INSURANCE = Source.of(insurance.RECIPE)
ASIA = Source.of(asia.RECIPE)

Table = tuple[pl.DataFrame, str]


def bundled(load: Callable[[], Any], target: str) -> Table:
    """One of scikit-learn's tables; classes as text."""
    data = load()
    frame = pl.DataFrame(data.data, schema=[str(name) for name in data.feature_names])
    outcome = pl.Series(target, data.target)
    if hasattr(data, "target_names"):
        outcome = pl.Series(target, [str(data.target_names[k]) for k in data.target])
    return frame.with_columns(outcome), target


def crossed(n_rows: int, rng: np.random.Generator) -> pl.DataFrame:
    """Draw a table in which no line helps: products, a step, a mixture."""
    a, b = rng.normal(size=(2, n_rows))
    group = rng.choice(["p", "q", "r"], n_rows)
    dose = np.where(group == "p", a * b, np.where(group == "q", -a, 2.0)) + rng.normal(
        0, 0.3, n_rows
    )
    count = rng.poisson(np.where((a > 0) & (dose > 0), 6, 1))
    y = np.where((a * b > 0) ^ (rng.random(n_rows) < 0.1), "yes", "no")
    columns = {"a": a.round(3), "b": b.round(3), "group": group, "dose": dose.round(3)}
    return pl.DataFrame({**columns, "count": count, "y": y})


def tables(folder: Path | None) -> dict[str, Table]:
    """All tables that are there."""
    rng = np.random.default_rng(0)
    result = {
        "iris": bundled(load_iris, "species"),
        "wine": bundled(load_wine, "kind"),
        "diabetes": bundled(load_diabetes, "progress"),
        "breast_cancer": bundled(load_breast_cancer, "diagnosis"),
        "simulated": (simulated(1500, rng), "churn"),
        "crossed": (crossed(1500, rng), "y"),
    }
    if folder is not None:
        result["insurance"] = (read(folder, INSURANCE), "charges")
        result["asia"] = (read(folder, ASIA)[:2000], "dysp")
        result["adult"] = (read(folder, ADULT)[:2000], "salary")
        result["sick"] = (read(folder, SICK_TRAIN)[:2000], "Class")
    return result


def judge(
    make: Callable[[], Generator],
    frame: pl.DataFrame,
    schema: Schema,
    train: NDArray[np.intp],
    rest: NDArray[np.intp],
    seed: int,
) -> dict[str, float]:
    """All measures of one generator on one draw of rows."""
    layout = Layout.learn(frame, schema)
    matrix, held_out = layout.encode(frame[train]), layout.encode(frame[rest])
    rng = np.random.default_rng(seed)
    start = time.process_time()
    model = make().fit(matrix, rng)
    values = model.sample(MADE, rng)
    seconds = time.process_time() - start
    result = layout.assemble(values, rng).select(schema.names)
    ruler = FeatureEncoder.fit(frame[train], schema)
    real, other, unseen = (ruler.rows(f) for f in (frame[train], result, frame[rest]))
    near = search(real, other, unseen, np.random.default_rng(seed))
    return {
        "nats": nats(model, matrix, held_out.values, np.random.default_rng(seed)),
        "detection": detection_auc(unseen, other, np.random.default_rng(seed)),
        "DCR": distance_share(near).value or np.nan,
        "TSTR": learned(other, unseen),
        "real": learned(real, unseen),
        "seconds": seconds,
    }


def nats(model: Generator, train: Matrix, held_out: Floats, rng: np.random.Generator) -> float:
    """Mean log chance of held-out cells given the cells before them, from 60 draws of each.

    Numbers are cut into at most ten bins by the training rows.
    """
    order = sorted(range(len(train.fields)), key=lambda j: not train.fields[j].target)
    rows = held_out[rng.permutation(len(held_out))[:JUDGED]]
    scores = []
    for index in rng.permutation(len(order))[:COLUMNS]:
        j = order[index]
        known = np.zeros((JUDGED * DRAWS, len(order)), dtype=bool)
        known[:, order[:index]] = True
        given = Given(np.where(known, np.repeat(rows, DRAWS, axis=0), np.nan), known)
        drawn = model.sample(len(known), rng, given=given if index else None)[:, j]
        scores.append(_log_score(train, j, drawn.reshape(JUDGED, DRAWS), rows[:, j]))
    return float(np.mean(scores))


def _log_score(train: Matrix, j: int, drawn: Floats, truth: Floats) -> float:
    real = train.values[:, j]
    edges = np.arange(train.fields[j].levels) + 0.5
    if not train.fields[j].discrete:
        n_bins = int(np.clip(len(real) // 5, 2, 10))
        edges = np.unique(np.nanquantile(real, np.linspace(0, 1, n_bins + 1)[1:-1]))

    def bins(values: Floats) -> NDArray[np.intp]:
        return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values))

    marginal = np.bincount(bins(real), minlength=len(edges) + 2) + 0.5
    share = (bins(drawn) == bins(truth)[:, None]).mean(axis=1)
    floor = (marginal / marginal.sum())[bins(truth)]
    return float(np.log((1 - FLOOR) * share + FLOOR * floor).mean())


def learned(made: EncodedRows, holdout: EncodedRows) -> float:
    """AUROC (numbers: R2) on held-out rows of a linear model that learned from others."""
    target = holdout.encoder.target
    assert target is not None
    listed = [f.levels is not None for j, f in enumerate(holdout.features) if j != target]
    x, z = (np.nan_to_num(np.delete(r.values, target, axis=1)) for r in (made, holdout))
    y, truth = made.values[:, target], holdout.values[:, target]
    classes = holdout.features[target].levels is not None
    if classes and len(np.unique(y)) < 2:
        return 0.5
    model = make_pipeline(
        ColumnTransformer(
            [
                ("codes", OneHotEncoder(handle_unknown="ignore"), np.flatnonzero(listed)),
                ("numbers", StandardScaler(), np.flatnonzero(~np.array(listed))),
            ]
        ),
        LogisticRegression(max_iter=500) if classes else Ridge(),
    ).fit(x, y)
    if not classes:
        return float(max(-1.0, r2_score(truth, model.predict(z))))
    probability, labels = model.predict_proba(z), model.classes_
    each = [
        roc_auc_score(truth == label, probability[:, k])
        for k, label in enumerate(labels)
        if 0 < (truth == label).sum() < len(truth)
    ]
    return float(np.mean(each))


def runs(folder: Path | None, seeds: int, names: list[str]) -> Iterator[dict[str, Any]]:
    """Every method on every draw."""
    for name, (raw, target) in tables(folder).items():
        table = load_table(raw, target=target)
        for n_rows in SIZES:
            if table.frame.height < n_rows + LEAST:
                continue
            for seed in range(seeds):
                order = np.random.default_rng([seed, n_rows]).permutation(table.frame.height)
                train, rest = order[:n_rows], order[n_rows : n_rows + HELD_OUT]
                for method in names:
                    with one_thread(), warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        result = judge(
                            METHODS[method], table.frame, table.schema, train, rest, seed
                        )
                    yield {"table": name, "rows": n_rows, "method": method, "seed": seed, **result}


MEASURES = ("nats", "detection", "DCR", "TSTR", "real", "seconds")


def summary(found: pl.DataFrame, by: list[str]) -> list[dict[str, Any]]:
    """Means over tables and draws, the last of `by` innermost."""
    means = found.group_by(by, maintain_order=True).agg(pl.col(MEASURES).mean(), runs=pl.len())
    return means.sort(by[:-1], maintain_order=True).to_dicts()


def page(found: pl.DataFrame, seeds: int) -> str:
    """Lay the results out."""
    return "\n\n".join(
        [
            "# Tables of 25 to 200 rows",
            HEAD.format(seeds=seeds),
            markdown(summary(found, ["rows", "method"])),
            "## Table by table",
            markdown(summary(found, ["table", "rows", "method"])),
        ]
    )


HEAD = """Means of {seeds} draws of each table; `python -m benchmarks.generators.small_tables`.

- nats: mean log chance of held-out cells given the cells before them (target first, then the
  table's order); 20 rows, at most six columns, 60 draws of each cell, numbers in up to ten bins.
  Higher is better.
- detection: AUC of boosted trees between made and held-out rows; 0.5 is ideal.
- DCR: share of made rows nearer to training rows than to as many held-out ones; 0.5 is ideal.
- TSTR: AUROC (for a number R2) on held-out rows of a linear model that learned from 500 made
  rows; real: that learned from the training rows.
- seconds: CPU of fitting and drawing 500 rows."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Which generator suits a table of 25 to 200 rows.")
    parser.add_argument("--data", type=Path, default=None, help="folder of files that are not ours")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    rows = []
    for row in runs(asked.data, asked.seeds, list(METHODS)):
        rows.append(row)
        print(row, flush=True)
    text = page(pl.DataFrame(rows), asked.seeds)
    print(text)
    if asked.out is not None:
        asked.out.write_text(text + "\n")
        pl.DataFrame(rows).write_csv(asked.out.with_suffix(".csv"), float_precision=4)


if __name__ == "__main__":
    main()
