"""The tables that RDDG is measured on, and how each is split; cells are text, as in a CSV."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.model_selection import StratifiedShuffleSplit

from benchmarks.rddg.simulators import SIMULATORS
from benchmarks.tables import ADULT, HELOC, SICK_TEST, SICK_TRAIN, TRAVEL, read

Pair = tuple[pl.DataFrame, pl.DataFrame]
SIMULATED_TRAIN, SIMULATED_TEST = 1500, 4000
ADULT_TRAIN, ADULT_TEST = 3000, 6000
HELOC_TRAIN, HELOC_TEST = 2500, 4000


@dataclass(frozen=True)
class Task:
    """A table, its rare class, and its splits.

    Attributes
    ----------
    target, rare : str
    split : callable
        From the data folder and the number of a split to rows to train on and rows to test on.
    how : str
        What a split is.
    n_rows : int or None
        Rows that are added, as many of each class; None fills all classes to the largest.
    pools : dict of str to str
        Recorded rows, by the name of their arm.
    published : list of dict
        Figures of the paper, as they stand there.
    """

    target: str
    rare: str
    split: Callable[[Path, int], Pair]
    how: str
    n_rows: int | None = None
    pools: dict[str, str] = field(default_factory=dict)
    published: list[dict[str, object]] = field(default_factory=list)


def _text(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.all().cast(pl.String))


def _shuffled(load: Callable[[Path], pl.DataFrame], target: str) -> Callable[[Path, int], Pair]:
    """Split 80/20 by classes, as scikit-learn's seed 0 does the so-manieth time."""

    def split(folder: Path, number: int) -> Pair:
        table = load(folder)
        cut = StratifiedShuffleSplit(number + 1, test_size=0.2, random_state=0)
        *_, (train, test) = cut.split(np.zeros(table.height), table[target].to_numpy())
        return table[train], table[test]

    return split


def _sick(folder: Path) -> pl.DataFrame:
    return pl.concat([read(folder, SICK_TRAIN), read(folder, SICK_TEST)])


def _given(folder: Path, number: int) -> Pair:
    return read(folder, SICK_TRAIN), read(folder, SICK_TEST)


def _simulated(name: str) -> Callable[[Path, int], Pair]:
    def split(folder: Path, number: int) -> Pair:
        draw = SIMULATORS[name].draw
        return (
            _text(draw(SIMULATED_TRAIN, np.random.default_rng([number, 0]))),
            _text(draw(SIMULATED_TEST, np.random.default_rng([number, 1]))),
        )

    return split


def _adult(percent: int) -> Callable[[Path, int], Pair]:
    """Draw rows of which so many in a hundred have the higher income."""

    def split(folder: Path, number: int) -> Pair:
        table = read(folder, ADULT).sample(fraction=1.0, shuffle=True, seed=number)
        rich = table["salary"] == ">50K"
        parts = []
        start = np.zeros(2, dtype=int)
        for size in (ADULT_TRAIN, ADULT_TEST):
            sizes = np.array([size - size * percent // 100, size * percent // 100])
            own = [
                table.filter(part)[int(first) :].head(int(n_rows))
                for part, first, n_rows in zip((~rich, rich), start, sizes, strict=True)
            ]
            start += sizes
            parts.append(pl.concat(own).sample(fraction=1.0, shuffle=True, seed=number))
        return parts[0], parts[1]

    return split


def _heloc_drawn(folder: Path, number: int) -> Pair:
    table = read(folder, HELOC).sample(HELOC_TRAIN + HELOC_TEST, shuffle=True, seed=number)
    return table[:HELOC_TRAIN], table[HELOC_TRAIN:]


_SHUFFLED = "stratified 80/20, numbered as scikit-learn's seed 0 makes them"
DRAWN = f"{SIMULATED_TRAIN:,} rows drawn to train on and {SIMULATED_TEST:,} to test on"
_THINNED = (
    f"{ADULT_TRAIN:,} rows to train on and {ADULT_TEST:,} others to test on, drawn with that share"
)
_RECORDED = {
    "RDDG, recorded (GPT-3.5)": "rddg/pools/rddg.csv",
    "EPIC, recorded (GPT-3.5)": "rddg/pools/epic.csv",
    "RDDG, recorded (Llama)": "rddg/pools/rddg_llama.csv",
    "RDDG, recorded (second run)": "rddg/pools/rddg_rerun.csv",
}
_PUBLISHED_SICK: list[dict[str, object]] = [
    {"arm": "RDDG, published (GPT-3.5)", "balanced_accuracy": 0.9362},
    {"arm": "CDTD, published", "balanced_accuracy": 0.9325},
    {"arm": "EPIC, published (GPT-3.5)", "balanced_accuracy": 0.9245},
]
_PUBLISHED_TRAVEL: list[dict[str, object]] = [
    {"arm": "real alone, published", "rare_f1": 0.5812, "balanced_accuracy": 0.7121},
    {"arm": "TabDDPM, published", "rare_f1": 0.6532, "balanced_accuracy": 0.7319},
    {"arm": "CDTD, published", "rare_f1": 0.6632, "balanced_accuracy": 0.7482},
    {"arm": "EPIC, published (GPT-3.5)", "rare_f1": 0.6665, "balanced_accuracy": 0.7823},
    {"arm": "RDDG, published (GPT-3.5)", "rare_f1": 0.6863, "balanced_accuracy": 0.7967},
]

TASKS: dict[str, Task] = {
    "sick": Task("Class", "sick", _shuffled(_sick, "Class"), _SHUFFLED, published=_PUBLISHED_SICK),
    "sick-given": Task(
        "Class", "sick", _given,
        "the one split of the reference repository, whose number is the seed of rows and learners",
        1000, _RECORDED, _PUBLISHED_SICK,
    ),
    "travel": Task(
        "Target", "1", _shuffled(lambda folder: read(folder, TRAVEL), "Target"), _SHUFFLED,
        published=_PUBLISHED_TRAVEL,
    ),
    "heloc": Task(
        "RiskPerformance", "1", _heloc_drawn,
        f"{HELOC_TRAIN:,} of the 10,000 rows to train on and {HELOC_TEST:,} others to test on; "
        "there is no rare class",
        1000,
    ),
    **{
        name.split()[0]: Task(one.target, one.rare, _simulated(name), DRAWN)
        for name, one in SIMULATORS.items()
    },
    **{
        f"adult-{percent}": Task("salary", ">50K", _adult(percent), f"{_THINNED}, {percent} %")
        for percent in (1, 2, 5)
    },
}  # fmt: skip
