"""RDDG as a resampler in a pipeline of imbalanced-learn, on 17 tables, against cheap ways to fill.

    python -m benchmarks.rddg.pipeline --data DIR [--only NAME] [--out DIR]

The ways, folds and learners are those of `benchmarks.resampling.fill`: 3 x 5 stratified folds, a
forest and boosted trees. A table is added to the file once its folds are whole, and those that the
file has are not run again.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from benchmarks.measure import RESULTS, append_csv, cpu, markdown, options, write_page
from benchmarks.resampling.fill import (
    MEASURES,
    Way,
    by_table,
    ours,
    over_tables,
    plain,
    repeated,
    run,
    smote,
)
from benchmarks.resampling.tables import TARGET, tables
from tablewright import RDDG


def rddg(train: pl.DataFrame, seed: int) -> pl.DataFrame:
    x, y = RDDG(random_state=seed).fit_resample(train.drop(TARGET), train[TARGET])
    return x.with_columns(y)


WAYS = {
    "plain": Way(plain),
    "class weights": Way(plain, "balanced"),
    "repeated": Way(repeated),
    "SMOTE": Way(smote),
    "trees": Way(ours("trees")),
    "rddg": Way(rddg),
}


def main() -> None:
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--only", default="", help="part of a table's name")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    name = "rddg_pipeline"
    file = args.out / f"{name}.csv"
    done = set(pl.read_csv(file)["table"]) if file.exists() else set()
    for table, frame in tables(args.data):
        if args.only in table and table not in done:
            rows, seconds = cpu(lambda frame=frame: run(frame, WAYS))
            append_csv(file, [{"table": table, **row} for row in rows])
            print(f"{table}: {seconds:.0f} s of CPU", flush=True)
    runs = pl.read_csv(file).with_columns(pl.col(MEASURES).round(4))
    parts = [f"{runs['table'].n_unique()} tables; 3 x 5 stratified folds, paired by fold."]
    if runs["table"].n_unique() > 1:
        parts += ["## Over the tables", markdown(over_tables(runs, WAYS, "rddg"))]
    parts += ["## Table by table", markdown(by_table(runs, WAYS, first="rddg"))]
    write_page(name, "RDDG in a pipeline", parts, args.out)


if __name__ == "__main__":
    main()
