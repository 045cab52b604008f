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

from benchmarks.tables import Source, read
from tablewright.tables.table import load_table

BANK = Source(
    "htdbu/bank_full.csv",
    "b44507c26634736d4a0619ec2d7c4b6ff56a2c63cbeb5176d3134e7b25e416f0",
    "UCI Bank Marketing, bank-full.csv (Moro, Cortez, Rita 2014)",
    "CC BY 4.0",
)
MOODS = Source(
    "htdbu/financial_phrasebank_50agree.csv",
    "e53f824f55762b3158d37c57a0d2ac8b3f07f20741da7a03091692e29291d544",
    "Financial PhraseBank v1.0 (Malo et al. 2014), sentences with 50 % agreement",
    "CC BY-NC-SA 3.0, for experiments",
)
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
