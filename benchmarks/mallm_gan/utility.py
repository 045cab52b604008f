"""The main table: what models learn from written rows, and how near these come to real ones.

    python -m benchmarks.mallm_gan.utility --data DIR --part splits|draws|wide --out FOLDER
        [--tables adult,asia] [--sizes 100] [--draws 20] [--methods ...] [--peers FOLDER] [--report]

The given splits, one for each size; draws of our own; and draws of two wide tables that stand for
the private ones of the paper. Each run is a line of a file, and a run that is there is not made
again. Peers take the folder of `benchmarks.set_up_peers`, in which SDV brings CTGAN and TVAE.
"""

from __future__ import annotations

import subprocess
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from benchmarks import peers
from benchmarks.mallm_gan.command import collect, mean, names, parser
from benchmarks.mallm_gan.learning import utility
from benchmarks.mallm_gan.tables import (
    GIVEN,
    METHODS,
    PEERS,
    PUBLISHED_ROWS,
    SIZES,
    WIDE,
    Split,
    drawn,
    given,
)
from benchmarks.measure import cpu_seconds, markdown
from benchmarks.set_up_peers import python_of
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.metrics.neighbours import nearest
from tablewright.schema import Kind
from tablewright.tables.inference.casting import typed
from tablewright.tables.table import load_table

QUARTILES = (25, 50, 75)


def scored(made: pl.DataFrame, split: Split) -> float:
    return utility(made.select(split.train.columns), split.test, split.target, split.classes)


def by_peer(name: str, split: Split, folder: Path) -> pl.DataFrame:
    """Let a peer write as many rows as it learns from."""
    python = python_of("SDV GaussianCopula", folder)
    with tempfile.TemporaryDirectory() as place:
        train, out = Path(place) / "train.parquet", Path(place) / "out.parquet"
        split.train.write_parquet(train)
        subprocess.run(
            [str(python), peers.__file__, name, str(train), split.target,
             str(split.train.height), str(out)],
            check=True, capture_output=True,
        )  # fmt: skip
        rows = pl.read_parquet(out).select(split.train.columns)
    listed = [name for name in rows.columns if split.train.schema[name] == pl.String]
    floats = [name for name in rows.columns if split.train.schema[name].is_float()]
    whole = [name for name in floats if (split.train[name].drop_nulls() % 1 == 0).all()]
    return rows.with_columns(pl.col(listed).replace("", None), pl.col(whole).round())


def membership(made: pl.DataFrame, train: pl.DataFrame, others: pl.DataFrame, target: str) -> float:
    """AUROC of an attack that takes rows near to written ones for training rows."""
    table = load_table(train, target=target)
    encoder = FeatureEncoder.fit(table.frame, table.schema)
    # Ages of sick are whole but for a mean that somebody filled in, which few rows may lack.
    whole = [column.name for column in table.schema.each() if column.kind is Kind.INTEGER]
    rows = [
        np.ascontiguousarray(encoder.rows(typed(frame, table.schema)).gower)
        for frame in (frame.with_columns(pl.col(whole).round()) for frame in (made, train, others))
    ]
    near = [nearest(part, rows[0], 1)[0][:, 0] for part in rows[1:]]
    truth = np.repeat([1, 0], [len(near[0]), len(near[1])])
    return float(roc_auc_score(truth, -np.concatenate(near)))


def distances(made: pl.DataFrame, real: pl.DataFrame, unit: pl.DataFrame) -> NDArray[np.float64]:
    """L1 distance to the nearest real row, numbers in standard deviations of `unit`."""
    numeric = [name for name in unit.columns if unit[name].dtype.is_numeric()]
    listed = [name for name in unit.columns if name not in numeric]

    def blocks(frame: pl.DataFrame) -> tuple[NDArray[Any], NDArray[Any]]:
        numbers = [
            ((frame[n].cast(pl.Float64) - unit[n].mean()) / ((unit[n].std() or 0) or 1)).fill_null(
                0
            )
            for n in numeric
        ]
        words = [frame[n].cast(pl.String).fill_null("").to_numpy() for n in listed]
        return np.array(numbers, dtype=float).T, np.array(words, dtype=object).T

    (x, a), (y, b) = blocks(made), blocks(real)
    far = np.zeros((made.height, real.height))
    for j in range(len(numeric)):
        far += np.abs(x[:, [j]] - y[:, j])
    for j in range(len(listed)):
        far += a[:, [j]] != b[:, j]
    return np.asarray(far.min(axis=1))


def near(made: pl.DataFrame, split: Split, others: pl.DataFrame) -> dict[str, float]:
    """Quartiles of the distances to the training rows and to as many others."""
    made, result = made.select(split.train.columns), {}
    for name, real in (("train", split.train), ("unseen", others)):
        values = np.percentile(distances(made, real, split.train), QUARTILES)
        result |= {f"DCR {name} {q}": float(v) for q, v in zip(QUARTILES, values, strict=True)}
    return result


def measured(made: pl.DataFrame, split: Split, others: pl.DataFrame) -> dict[str, float]:
    """All that is measured of written rows."""
    made = made.select(split.train.columns).cast(dict(split.train.schema), strict=False)
    copies = made.join(split.train, on=split.train.columns, nulls_equal=True, how="semi")
    return {
        "utility": scored(made, split),
        "copies": copies.height / max(1, made.height),
        "membership": membership(made, split.train, others, split.target),
        **near(made, split, others),
    }


def tasks(asked: Namespace) -> Iterator[tuple[str, int, int, Split, pl.DataFrame]]:
    """Give table, size and seed with the rows that belong to it."""
    for table in asked.tables:
        sizes = asked.sizes or (GIVEN[table][2] if asked.part == "splits" else (100,))
        for size in sizes:
            for seed in range(asked.first, asked.first + asked.draws):
                if asked.part == "splits":
                    split = given(asked.data, table, size)
                    yield table, size, seed, split, split.test[:size]
                    continue
                split, others = drawn(asked.data, table, size, seed)
                if split.train[split.target].n_unique() > 1:  # few rows may be of one class
                    yield table, size, seed, split, others


def runs(asked: Namespace, file: Path) -> Iterator[dict[str, Any]]:
    """Make the runs that the file lacks."""
    keys = ["table", "rows", "seed", "method"]
    done = set(pl.read_csv(file).select(keys).iter_rows()) if file.exists() else set()
    for table, size, seed, split, others in tasks(asked):
        for name in asked.methods:
            if (table, size, seed, name) in done:
                continue
            start = cpu_seconds()
            made = (
                by_peer(name, split, asked.peers) if name in PEERS else METHODS[name](split, seed)
            )
            seconds = cpu_seconds() - start
            yield {"table": table, "rows": size, "seed": seed, "method": name,
                   "written": made.height, **measured(made, split, others),
                   "seconds": seconds}  # fmt: skip


def layout(part: str, runs: pl.DataFrame) -> list[dict[str, Any]]:
    """Lay utility out as the paper does: methods by size below each other, a column a table."""
    tables = runs["table"].unique(maintain_order=True).to_list()

    def many(n: int) -> str:
        return "" if part == "splits" else f" ({n})"

    grid = []
    for size in sorted(runs["rows"].unique()):
        at = SIZES.index(size) if part == "splits" else -1
        for name, known in PUBLISHED_ROWS.items() if at >= 0 else ():
            found = {table: known.get(table, (None,) * 6)[at] for table in tables}
            if any(found.values()):
                grid.append({"rows": size, "method": name, **found})
        for name in (*METHODS, *PEERS):
            some = runs.filter(pl.col("rows") == size, pl.col("method") == name)
            if some.height:
                values = [some.filter(pl.col("table") == table)["utility"] for table in tables]
                shown = [mean(v) + many(len(v)) if len(v) else None for v in values]
                grid.append({"rows": size, "method": name, **dict(zip(tables, shown, strict=True))})
    return grid


def page(part: str, file: Path) -> str:
    """Lay out what the file holds."""
    runs = pl.read_csv(file).sort("table", "rows", maintain_order=True)
    parts = [TITLES[part], markdown(layout(part, runs))]
    rows = [
        {"table": table, "rows": size, "method": name, "draws": some.height,
         "copies": _number(some["copies"]), "membership": mean(some["membership"].to_numpy()),
         **{f"DCR {side}, quartiles": ", ".join(
             f"{some[f'DCR {side} {q}'].mean():.2f}" for q in QUARTILES)
            for side in ("train", "unseen")},
         "CPU seconds": _number(some["seconds"])}
        for (table, size, name), some in runs.group_by(
            "table", "rows", "method", maintain_order=True)
        if size == 100
    ]  # fmt: skip
    return "\n\n".join([*parts, NEAR, markdown(rows)]) + "\n"


def _number(values: pl.Series) -> float | None:
    found = values.drop_nulls().to_numpy()  # CPU seconds of some peers were not measured
    return float(found.mean()) if len(found) else None


TITLES = {
    "splits": """# The given splits

`python -m benchmarks.mallm_gan.utility --data DIR --part splits`. Weighted F1 (adult, asia) or R2
(insurance) on 200 test rows of the best of four (three) learners with the settings of the
authors' program; as many rows are written as were learned from; one split for each size, so that
differences of some hundredths are noise. The published MALLM-GAN is of an earlier version of the
paper, with GPT models. No model here: mallm-gan's roles have their local bodies.""",
    "draws": """# Draws of our own

`python -m benchmarks.mallm_gan.utility --data DIR --part draws`. Seeded draws (insurance without
its duplicate), none of which had a part in choosing a method; utility as on the given splits, mean
and standard error, the number of draws in brackets. Simulated: a stand-in that knows the table but
the test rows has both roles, and its dials stand for backbones. CTGAN and TVAE (ctgan 0.12.1,
default settings) are given ten draws, as they are slow.""",
    "wide": """# Wide tables

`python -m benchmarks.mallm_gan.utility --data DIR --part wide`. Sick (28 columns) and breast_cancer
(30 numbers) stand for the private tables of the paper (ATACH2, ERICH), which cannot be had;
weighted F1 as in the main table, mean and standard error.""",
}
NEAR = """Membership: AUROC of an attack by the distance to the nearest written row, training rows
against as many others; 0.5 is ideal. DCR: L1 distance of written rows to the nearest of the
training rows, and of as many unseen real ones, numbers in standard deviations."""


def main() -> None:
    made = parser(__doc__ or "", TITLES, draws=1)
    made.add_argument("--methods", type=names, default=list(METHODS))
    made.add_argument("--peers", type=Path)
    asked = made.parse_args()
    asked.tables = asked.tables or list(WIDE if asked.part == "wide" else GIVEN)
    file = asked.out / f"mallm_gan_{asked.part}.csv"
    if not asked.report:
        collect(runs(asked, file), file)
    print(page(asked.part, file))


if __name__ == "__main__":
    main()
