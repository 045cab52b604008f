"""The published H-TDBU benchmark: bank clients with a mood, 12,000 rows, one texture after another.

    python -m benchmarks.htdbu.bank_text --data DIR [--pools DIR] [--textures a,b] --out FILE

The mood goes with the target: by the manual rule 1 has positive or neutral and 0 neutral or
negative, by the strict rule 1 has positive alone. Under the strict rule the mood is the target,
so that real rows score 1.0000: those figures are printed and judged by nobody. Every texture
fills the same skeleton of targets and moods under the same rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.htdbu.bank import LEADING, Bank
from benchmarks.judge import detection
from benchmarks.measure import cpu
from tablewright import Synthesizer
from tablewright.metrics.preparation import Preparation
from tablewright.metrics.privacy import distance_share, exact_copies
from tablewright.tables.inference import infer_schema
from tablewright.threads import one_thread

ROWS = 12_000
SEEDS = (42, 123, 2024)


@dataclass(frozen=True)
class Texture:
    """One generator below the rules."""

    method: str
    options: Mapping[str, Any] = field(default_factory=dict)


TEXTURES = {
    "independent": Texture("independent"),
    "copula": Texture("copula"),
    "trees": Texture("trees"),
    "forest": Texture("forest"),
    "boosted": Texture("boosted"),
}
PUBLISHED = {
    "manual": {
        "independent": (0.8830, 0.0000, 0.4905, 0.1094),
        "copula": (0.8949, 0.2034, 0.7738, 0.0485),
        "forest": (0.9281, 0.6122, 0.9188, 0.0555),
        "boosted": (0.9139, 0.5621, 0.9190, 0.1127),
        "CTGAN": (0.8992, 0.2694, 0.8358, 0.0646),
        "TVAE": (0.8622, 0.5581, 0.8827, 0.0533),
    },
    "strict": {
        "independent": (0.8830, 0.0000, 0.5359, 0.3320),
        "copula": (0.9423, 0.6749, 0.9968, 0.1605),
        "forest": (0.9971, 0.9878, 0.9998, 0.1437),
        "boosted": (0.9746, 0.9003, 0.9948, 0.3234),
        "CTGAN": (0.9574, 0.7863, 0.9903, 0.1225),
        "TVAE": (0.9881, 0.9476, 0.9885, 0.0193),
    },
}


def skeleton(train: pl.DataFrame, n_rows: int, rng: np.random.Generator) -> pl.DataFrame:
    """Targets and moods as often as in the training rows, by largest remainders."""
    joint = train.group_by(LEADING).len().sort(LEADING)
    exact = joint["len"].to_numpy() / train.height * n_rows
    counts = np.floor(exact).astype(int)
    counts[np.argsort(counts - exact)[: n_rows - counts.sum()]] += 1
    return joint.select(LEADING)[rng.permutation(np.repeat(np.arange(len(counts)), counts))]


def rules(pairs: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    return [{"kind": "align", "on": "y", "attribute": "sentiment", "pairs": dict(pairs)}]


def cross_modal(real: pl.DataFrame, made: pl.DataFrame) -> float:
    """Half the L1 distance of the shares of target and mood."""
    sides = [f.group_by(LEADING).len().with_columns(pl.col("len") / f.height) for f in (real, made)]
    both = sides[0].join(sides[1], on=LEADING, how="full", coalesce=True).fill_null(0)
    return float((both["len"] - both["len_right"]).abs().sum() / 2)


def learned(made: pl.DataFrame, test: pl.DataFrame) -> tuple[float, float, float]:
    """Accuracy, F1 and AUROC on real rows of a logistic regression that learned from made ones."""
    inputs = [c for c in made.columns if c != "y"]
    listed = [c for c in inputs if made.schema[c] == pl.String]
    encode = ColumnTransformer(
        [
            ("codes", OneHotEncoder(handle_unknown="ignore"), listed),
            ("numbers", StandardScaler(), [c for c in inputs if c not in listed]),
        ]
    )
    model = make_pipeline(encode, LogisticRegression(max_iter=1000))
    model.fit(made.select(inputs), made["y"] == "yes")
    chance = model.predict_proba(test.select(inputs))[:, 1]
    truth = (test["y"] == "yes").to_numpy()
    said = chance > 0.5
    return accuracy_score(truth, said), f1_score(truth, said), roc_auc_score(truth, chance)


def measure(bank: Bank, made: pl.DataFrame, pairs: Mapping[str, list[str]]) -> dict[str, float]:
    """All measures of made rows."""
    accuracy, f1, auroc = learned(made, bank.test)
    schema = infer_schema(bank.train, target="y")
    ruler = Preparation.fit(bank.train, schema)
    real, other, rest = (ruler.rows(frame) for frame in (bank.train, made, bank.test))
    rng = np.random.default_rng(0)
    broken = ~pl.concat_list("y", "sentiment").is_in(
        [[label, mood] for label, moods in pairs.items() for mood in moods]
    )
    return {
        "Acc": accuracy,
        "F1": f1,
        "AUROC": auroc,
        "AUROC, no mood": learned(made.drop("sentiment"), bank.test.drop("sentiment"))[2],
        "XModal": cross_modal(bank.test, made),
        "violations": float(made.select(broken.sum()).item()),
        "detection": detection(rest, other),
        "copies": exact_copies(real, other, rest, rng).value or 0.0,
        "DCR share": distance_share(real, other, rest, rng).value or np.nan,
    }


def run(
    bank: Bank, texture: Texture, pairs: Mapping[str, list[str]], seed: int
) -> dict[str, float]:
    """Fit one texture, fill the skeleton, measure."""
    synthesizer = Synthesizer(
        texture.method, target="y", options=texture.options, random_state=seed
    )
    _, fitting = cpu(lambda: synthesizer.fit(bank.train))
    seeds = skeleton(bank.train, ROWS, np.random.default_rng(seed))
    made, drawing = cpu(lambda: synthesizer.sample(seed_data=seeds, rules=rules(pairs)))
    with one_thread():
        found = measure(bank, made, pairs)
    return {**found, "fit s": fitting, "sample s": drawing}
