"""The tables of the paper: its given splits, and seeded draws of our own beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.generators.small_tables import ASIA, INSURANCE
from benchmarks.tables import ADULT, SICK_TRAIN, read
from tablewright import MALLMGAN, Synthesizer
from tablewright.tables.table import load_table
from tablewright.testing import Faults, StandIn

N_TEST = 200
SIZES = (25, 50, 100, 200, 400, 800)

GIVEN = {
    "adult": ("Income", True, (25, 50, 100, 200, 400, 800)),
    "asia": ("Dyspnea", True, (25, 50)),
    "insurance": ("charges", False, (25, 50, 100, 200, 400, 800)),
}
"""Target, whether it has classes, and sizes of the splits that are given."""

WIDE = ("sick", "breast_cancer")
"""In place of the private tables of 29 and 37 columns."""

DIALS: dict[str, dict[str, float]] = {
    "heeds all": {},
    "heeds most": {"obedience": 0.7, "ignored": 0.1, "hallucinated": 0.03, "copies": 0.05},
    "heeds little": {
        "obedience": 0.4, "ignored": 0.3, "hallucinated": 0.1, "copies": 0.2, "invalid": 0.1},
}  # fmt: skip
"""Of the simulated model, in place of the backbones of the paper."""

CONTEXT = {
    "adult": "Adults of the United States in the census of 1994, and whether they earn more than "
    "50,000 dollars a year.",
    "asia": "Patients of a chest clinic, their habits, diseases and findings.",
    "insurance": "Persons insured in the United States, and what their treatment was charged.",
}
WHERE = {"adult": "age BETWEEN 40 AND 50", "insurance": "smoker = 'yes' AND age BETWEEN 40 AND 50"}
"""Conditions that a model is asked to keep."""

PUBLISHED_REAL = {
    "adult": (0.80, 0.76, 0.86, 0.85, 0.83, 0.71),
    "asia": (0.83, 0.82, 0.83, 0.83, 0.84, 0.84),
    "insurance": (0.52, 0.78, 0.82, 0.83, 0.85, 0.85),
}
PUBLISHED = {
    "adult": (None, None, 0.79, 0.77, 0.79, 0.80),
    "insurance": (None, None, 0.72, 0.72, 0.71, 0.72),
}
PUBLISHED_ROWS = {"real (published)": PUBLISHED_REAL, "MALLM-GAN (published)": PUBLISHED}
"""By size from 25 on. MALLM-GAN's are of an earlier version of the paper, quoted by a re-run."""


@dataclass(frozen=True)
class Split:
    """Rows to learn from, and rows to be asked about."""

    train: pl.DataFrame
    test: pl.DataFrame
    target: str
    classes: bool
    table: str = ""
    folder: Path = Path()


def given(folder: Path, table: str, size: int) -> Split:
    """Read one of the given splits."""
    target, classes, _ = GIVEN[table]
    files = folder / "mallm_gan" / "splits" / f"{table}{size}"
    train, test = (pl.read_csv(files / f"{part}.csv") for part in ("train", "test"))
    if table == "asia":
        train, test = (part.cast(pl.String) for part in (train, test))
    return Split(train, test.cast(dict(train.schema)), target, classes, table, folder)


def whole(folder: Path, table: str) -> tuple[pl.DataFrame, str, bool]:
    """Read a whole table; Insurance without its duplicate, Adult without the census weight."""
    if table == "adult":
        return load_table(read(folder, ADULT).drop("fnlwgt")).frame, "salary", True
    if table == "asia":
        return read(folder, ASIA), "dysp", True
    if table == "sick":
        return load_table(read(folder, SICK_TRAIN)).frame, "Class", True
    if table == "breast_cancer":
        from sklearn.datasets import load_breast_cancer

        frame = pl.from_pandas(load_breast_cancer(as_frame=True).frame)
        words = pl.col("target").cast(pl.String).replace({"0": "malignant", "1": "benign"})
        return frame.with_columns(words), "target", True
    return load_table(read(folder, INSURANCE).unique(maintain_order=True)).frame, "charges", False


def drawn(folder: Path, table: str, size: int, seed: int) -> tuple[Split, pl.DataFrame]:
    """Draw a split of our own, and as many further rows as it has training rows."""
    frame, target, classes = whole(folder, table)
    order = np.random.default_rng([15, size, seed]).permutation(frame.height)
    test, rest = order[:N_TEST], order[N_TEST:]
    split = Split(frame[rest[:size]], frame[test], target, classes, table, folder)
    return split, frame[rest[size : 2 * size]]


def _generator(name: str) -> Callable[[Split, int], pl.DataFrame]:
    def make(split: Split, seed: int) -> pl.DataFrame:
        learner = Synthesizer(name, target=split.target, random_state=seed)
        return learner.fit(split.train).sample(split.train.height)

    return make


def _system(split: Split, seed: int) -> pl.DataFrame:
    return MALLMGAN(split.target, random_state=seed).fit(split.train).sample(split.train.height)


def without(frame: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Leave out each of some rows once: in a table of categories others may equal it."""
    number = pl.int_range(pl.len()).over(frame.columns).alias("number")
    left = frame.with_columns(number).join(
        rows.with_columns(number), on=[*frame.columns, "number"], how="anti", nulls_equal=True
    )
    return left.drop("number")


def stand_in(split: Split, **dials: float) -> StandIn:
    """A simulated model that knows the whole table but the test rows."""
    frame, target, _ = whole(split.folder, split.table)
    if target == split.target:
        test = split.test.cast(dict(frame.schema), strict=False)
        frame = without(frame, test)
    else:  # the given splits have other names
        frame, target = split.train, split.target
    return StandIn(frame, target=target, faults=Faults(**dials))  # type: ignore[arg-type]  # shares


def _simulated(dials: dict[str, float]) -> Callable[[Split, int], pl.DataFrame]:
    """Let a stand-in have both roles of the system."""

    def make(split: Split, seed: int) -> pl.DataFrame:
        system = MALLMGAN(
            split.target, llm=stand_in(split, **dials), context=CONTEXT.get(split.table, ""),
            random_state=seed,
        )  # fmt: skip
        return system.fit(split.train).sample(split.train.height)

    return make


METHODS: dict[str, Callable[[Split, int], pl.DataFrame]] = {
    "real": lambda split, seed: split.train,
    "trees": _generator("trees"),
    "copula": _generator("copula"),
    "smotenc": _generator("smotenc"),
    "bayes-net": _generator("bayes-net"),
    "mallm-gan": _system,
    **{f"simulated ({name})": _simulated(dials) for name, dials in DIALS.items()},
}
PEERS = ("CTGAN", "TVAE")
"""Run in an environment of their own; see `benchmarks.set_up_peers`."""
