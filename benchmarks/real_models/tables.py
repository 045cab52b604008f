"""Small tables: one of scikit-learn's own, and three that are read from a folder of the user's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl


@dataclass(frozen=True)
class Split:
    """Real rows to learn from, and held-out ones of the same table."""

    name: str
    target: str
    about: str
    train: pl.DataFrame
    test: pl.DataFrame
    text: str = ""


_FILES = {
    "travel": ("rddg/travel/full.csv", "Target", "customers of a travel agency, who leave or not"),
    "insurance": ("mallm_gan/insurance_1338.csv", "charges", "medical insurance costs in the US"),
}
_TEXTS = "htdbu/financial_phrasebank_50agree.csv"
_ROWS = {"iris": 30, "travel": 60, "insurance": 50, "phrases": 60}
TABLES = tuple(_ROWS)


def load(name: str, seed: int, data: Path | None) -> Split:
    """Draw the rows of a seed; all others are held out."""
    text = ""
    if name == "iris":
        frame, target, about = _iris(), "species", "iris flowers, measured in centimetres"
    elif data is None:
        raise SystemExit(f"{name} is read from a folder: give --data")
    elif name == "phrases":
        frame = pl.read_csv(data / _TEXTS).select("sentiment", "text").unique(maintain_order=True)
        target, about, text = "sentiment", "sentences of news about companies", "text"
    else:
        path, target, about = _FILES[name]
        frame = pl.read_csv(data / path)
    frame = frame.sample(frame.height, shuffle=True, seed=seed)
    n_rows = _ROWS[name]
    return Split(name, target, about, frame[:n_rows], frame[n_rows:], text)


def _iris() -> pl.DataFrame:
    from sklearn.datasets import load_iris

    iris = load_iris()
    names = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
    species = [str(iris.target_names[code]) for code in iris.target]
    return pl.DataFrame(iris.data, schema=names).with_columns(pl.Series("species", species))
