"""What a text's attribute costs where a classifier tells it, and what shared sentences leak.

    python -m benchmarks.htdbu.texts --data DIR --out FILE

Bank clients get a sentence whose mood goes with the target (1: positive or neutral, 0: neutral or
negative, by the shares of the corpus), each sentence as often as any other of its mood.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix, hstack
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.htdbu.bank import BANK, MOODS, PAIRS
from benchmarks.measure import markdown, options
from benchmarks.tables import read
from tablewright import Synthesizer
from tablewright.metrics.texts import shared_share
from tablewright.systems.htdbu.texts import TextClassifier, TextColumn, TextPool
from tablewright.tables.table import load_table
from tablewright.threads import one_thread

ROWS = 12_000
SEEDS = (42, 123, 2024)
LABELLED = (100, 300, 1_000, 3_000)
HELD_OUT = 0.2
FEW = 500
"""Labelled sentences of the user who has not labelled all of them."""
ALONE = "rows with a label alone"
ATTRIBUTES: dict[str, float | None] = {
    "labels of all": None,
    f"labels of {FEW}, sure 0": 0.0,
    f"labels of {FEW}, sure 0.8": 0.8,
    f"labels of {FEW}, sure 1": 1.0,
    f"labels of {FEW}, {ALONE}": None,
}


def main() -> None:
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=ROWS, help="synthetic rows")
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    asked = parser.parse_args()
    corpus = read(asked.data, MOODS)
    bank = load_table(read(asked.data, BANK), target="y").frame
    seeds = SEEDS[: asked.seeds]
    with one_thread():
        reported = [accuracy(corpus, n, seeds) for n in LABELLED]
        words = [row for shared in (True, False) for row in leakage(bank, corpus, shared, seeds)]
        result = [
            row for name in ATTRIBUTES for row in written(bank, corpus, name, seeds, asked.rows)
        ]
    page = f"""# Texts with a mood

`python -m benchmarks.htdbu.texts --data DIR`, seeds {", ".join(map(str, seeds))}: means and
(standard deviations). Bank Marketing (45,211 rows, CC BY 4.0) paired with Financial PhraseBank
(4,846 sentences, CC BY-NC-SA 3.0, for experiments): target yes has positive or neutral, no has
neutral or negative.

## The mood, told by a classifier

Words and pairs of words, TF-IDF, logistic regression, learned from so many labelled sentences,
asked about the others. "Said" is the out-of-fold accuracy that the program tells its user. Always
saying the most frequent mood is right for 59.4 %.

{markdown(reported)}

## What shared sentences leak

Models learn from 36,168 real rows and are asked about 9,043 others; AUROC of the target. Shared:
one pool of sentences, so that each stands on both sides. Disjoint: the pool is parted 80 to 20
before pairing. A sentence tells of the target what its mood tells, so "mood" is the most that words
can bring; what words bring more where sentences are shared is knowing them by heart.

{markdown(words)}

## Synthetic rows with real texts

Trees learn the training rows (disjoint sentences), the text column gives {asked.rows:,} rows their
sentences by mood; tested on real rows. Attribute: the labels of all sentences, or those of {FEW}
and a classifier for the others; "sure" is the probability that it has to give a mood before a
sentence without a label is drawn for new rows (0.8 is the default, 1 draws labelled ones alone). In
the last line rows whose sentence has no label are left out of everything. XModal takes the true
mood of each sentence; "seen" takes the mood that the user has. XModal of real rows is that between
training and test rows.

{markdown(result)}
"""
    asked.out.write_text(page)
    print(page)


def accuracy(corpus: pl.DataFrame, n: int, seeds: Sequence[int]) -> dict[str, Any]:
    result = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        order = rng.permutation(corpus.height)
        known, rest = corpus[order[:n]], corpus[order[n:]]
        created = TextClassifier().fit(known["text"], known["sentiment"], rng)
        right = (created.label(rest["text"]) == rest["sentiment"]).to_numpy()
        sure = (rest["all_agree"] == "1").to_numpy()
        result.append((right.mean(), created.accuracy_, right[sure].mean()))
    return {"labelled sentences": n} | summed(result, ["right", "said", "right, all agree"])


def summed(found: Sequence[Sequence[Any]], names: Sequence[str]) -> dict[str, str]:
    values = np.array(found, dtype=float)
    spread = values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(len(names))
    return {
        name: f"{mean:.4f} ({sd:.4f})"
        for name, mean, sd in zip(names, values.mean(axis=0), spread, strict=True)
    }


def sides(bank: pl.DataFrame, corpus: pl.DataFrame, shared: bool, seed: int) -> list[pl.DataFrame]:
    """Training and test rows with a mood and a sentence."""
    rng = np.random.default_rng(seed)
    pool = TextPool(corpus["text"], corpus["sentiment"])
    pools = (pool, pool) if shared else pool.split(HELD_OUT, rng)
    indices = train_test_split(
        np.arange(bank.height), test_size=0.2, random_state=seed, stratify=bank["y"].to_numpy()
    )
    return [paired(bank[np.sort(at)], one, rng) for at, one in zip(indices, pools, strict=True)]


def paired(rows: pl.DataFrame, pool: TextPool, rng: np.random.Generator) -> pl.DataFrame:
    shares = dict(pool.frame["value"].value_counts().iter_rows())
    mood = np.empty(rows.height, dtype=object)
    for label, allowed in PAIRS["manual"].items():
        at = np.flatnonzero((rows["y"] == label).to_numpy())
        weights = np.array([shares[value] for value in allowed], dtype=float)
        mood[at] = rng.choice(allowed, len(at), p=weights / weights.sum())
    with_mood = rows.with_columns(pl.Series("sentiment", mood, dtype=pl.String))
    return with_mood.with_columns(pool.draw(with_mood["sentiment"], rng).alias("text"))


def learned(train: pl.DataFrame, test: pl.DataFrame, inputs: str) -> float:
    """AUROC on test rows of a logistic regression on the table, the mood or the words."""
    columns = [c for c in train.columns if c not in ("y", "sentiment", "text")]
    columns = columns if "table" in inputs else []
    columns += ["sentiment"] if "mood" in inputs else []
    listed = [c for c in columns if train.schema[c] == pl.String]
    blocks = []
    encode = ColumnTransformer(
        [
            ("codes", OneHotEncoder(handle_unknown="ignore"), listed),
            ("numbers", StandardScaler(), [c for c in columns if c not in listed]),
        ]
    )
    if columns:
        blocks.append((encode.fit_transform(train.select(columns)), encode.transform(test)))
    if "words" in inputs:
        words = TfidfVectorizer(min_df=2, sublinear_tf=True)
        fitted = words.fit_transform(train["text"].to_list())
        blocks.append((fitted, words.transform(test["text"].to_list())))
    x, asked = (hstack([csr_matrix(block[side]) for block in blocks]).tocsr() for side in (0, 1))
    model = LogisticRegression(max_iter=1_000).fit(x, train["y"] == "yes")
    return float(roc_auc_score(test["y"] == "yes", model.predict_proba(asked)[:, 1]))


INPUTS = ("mood", "words", "table", "table + mood", "table + words")


def leakage(
    bank: pl.DataFrame, corpus: pl.DataFrame, shared: bool, seeds: Sequence[int]
) -> list[dict[str, Any]]:
    result, stands = [], []
    for seed in seeds:
        train, test = sides(bank, corpus, shared, seed)
        result.append([learned(train, test, inputs) for inputs in INPUTS])
        stands.append(shared_share(test["text"], train["text"]))
    head = {"sentences": "shared" if shared else "disjoint"}
    head["test rows whose text is a training row's"] = f"{np.mean(stands):.1%}"
    return [head | summed(result, INPUTS)]


def written(
    bank: pl.DataFrame, corpus: pl.DataFrame, attribute: str, seeds: Sequence[int], n_rows: int
) -> list[dict[str, Any]]:
    names = ["XModal", "XModal seen", "XModal of real rows", "AUROC words", "AUROC table + words",
             "AUROC words, real"]  # fmt: skip
    result, used = [], []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        train, test = sides(bank, corpus, shared=False, seed=seed)
        known = train if attribute == "labels of all" else _unlabelled(train, rng)
        known = known.drop_nulls() if ALONE in attribute else known
        sure = ATTRIBUTES[attribute]
        if sure is None:
            column = TextColumn("text", "sentiment").fit(known, rng=rng)
        else:
            column = TextColumn("text", "sentiment", source="classifier", sure=sure)
            column.fit(known, rng=rng)
        seen = known.with_columns(column.attribute_of(known))
        created = Synthesizer("trees", target="y", random_state=seed).fit(seen.drop("text"))
        rows = created.sample(n_rows)
        rows = rows.with_columns(column.write(rows, rng))
        reported = column.told(rows)
        assert reported["real_share"] == 1.0
        used.append(reported["most_used"])
        truth = dict(corpus.select("text", "sentiment").iter_rows())
        true = rows.with_columns(rows["text"].replace_strict(truth).alias("sentiment"))
        result.append(
            (
                cross_modal(test, true), cross_modal(test, rows), cross_modal(train, test),
                learned(true, test, "words"), learned(true, test, "table + words"),
                learned(train, test, "words"),
            )
        )  # fmt: skip
    head = {"attribute": attribute, "training rows": seen.height}
    drawn = {"sentences": len(column.pool_), "a sentence at most": max(used)}
    return [head | summed(result, names) | drawn]


def _unlabelled(train: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Take the label from all but a few sentences."""
    texts = train["text"].unique(maintain_order=True)
    known = texts.gather(rng.choice(len(texts), FEW, replace=False))
    kept = pl.when(pl.col("text").is_in(known.implode())).then("sentiment")
    return train.with_columns(kept.alias("sentiment"))


def cross_modal(real: pl.DataFrame, made: pl.DataFrame) -> float:
    """Half the L1 distance of the shares of target and mood."""
    keys = ["y", "sentiment"]
    both = [f.group_by(keys).len().with_columns(pl.col("len") / f.height) for f in (real, made)]
    joined = both[0].join(both[1], on=keys, how="full", coalesce=True).fill_null(0)
    return float((joined["len"] - joined["len_right"]).abs().sum() / 2)


if __name__ == "__main__":
    main()
