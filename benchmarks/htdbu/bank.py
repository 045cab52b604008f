"""The published benchmark's table: bank clients paired with the mood of a sentence.

Every row of the bank file gets a mood, drawn among those that a pairing allows for its target,
by their shares in the corpus. The published text does not say what a target of 0 may have; its
figures agree with neutral or negative.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.model_selection import train_test_split

from benchmarks.recipes import bank, phrasebank
from benchmarks.tables import Source, read
from tablewright.tables.table import load_table

BANK = Source.of(bank.RECIPE)
MOODS = Source.of(phrasebank.RECIPE)
PAIRS: Mapping[str, Mapping[str, list[str]]] = {
    "manual": {"yes": ["positive", "neutral"], "no": ["neutral", "negative"]},
    "strict": {"yes": ["positive"], "no": ["neutral", "negative"]},
}
LEADING = ["y", "sentiment"]


@dataclass(frozen=True)
class Bank:
    """One split of the table, the target and the mood first; cells are typed."""

    train: pl.DataFrame
    test: pl.DataFrame


def load(folder: Path, pairs: Mapping[str, list[str]], seed: int) -> Bank:
    """Pair, then split 80 to 20 by target."""
    table = load_table(read(folder, BANK), target="y").frame
    corpus = read(folder, MOODS)["sentiment"].value_counts()
    shares = dict(corpus.iter_rows())
    rng = np.random.default_rng(seed)
    mood = np.empty(table.height, dtype=object)
    for label, allowed in pairs.items():
        rows = np.flatnonzero((table["y"] == label).to_numpy())
        weights = np.array([shares[m] for m in allowed], dtype=float)
        mood[rows] = rng.choice(allowed, len(rows), p=weights / weights.sum())
    frame = table.with_columns(pl.Series("sentiment", mood, dtype=pl.String))
    frame = frame.select(*LEADING, pl.exclude(LEADING))
    train, test = train_test_split(
        np.arange(frame.height), test_size=0.2, random_state=seed, stratify=frame["y"].to_numpy()
    )
    return Bank(frame[np.sort(train)], frame[np.sort(test)])
