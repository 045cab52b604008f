"""How good labels are: the model alone, the real rows alone, and one updated by the other.

    python -m benchmarks.labels.known --data DIR --scores FILE --model gguf:PATH --out FILE

A model is asked about each row once; FILE keeps its answers, so the rest runs without it.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import spearmanr
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, roc_auc_score

from benchmarks.labels.tables import REPORTED, TUNED, LabelTable
from tablewright.errors import ModelError
from tablewright.llm import connect
from tablewright.llm.endpoint.base import Prompt, Reply
from tablewright.llm.prompts.sharing import Sharing
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.schema import Schema
from tablewright.selection.label_model import LabelModel
from tablewright.tables.inference.infer import infer_schema

N_REAL = (0, 10, 20, 40, 100)
N_DRAWS = 10
MIN_TEST = 50


class Remembered:
    """A model whose answers are kept in a file, by prompt."""

    sharing = Sharing("rows")

    def __init__(
        self, path: Path, model: str, connected: str | None, base_url: str | None = None
    ) -> None:
        self.path, self.model = path, model
        self.llm = connect(connected, base_url, share="rows") if connected else None
        self.known: dict[str, dict[str, float]] = {}
        for line in path.read_text().splitlines() if path.exists() else ():
            entry = json.loads(line)
            if entry["model"] == model:
                self.known[entry["prompt"]] = entry["logprobs"]

    def complete(self, prompt: Prompt) -> Reply:
        """Answer from the file, else from the model."""
        return self.complete_all([prompt])[0]

    def complete_all(
        self, prompts: Sequence[Prompt], on_reply: Callable[[int], None] | None = None
    ) -> list[Reply]:
        """Answer many: the model is asked those that are not in the file."""
        asked = list({p.text: p for p in prompts if p.text not in self.known}.values())
        if asked and self.llm is None:
            raise SystemExit(f"{self.path} has no answer of {self.model} to\n{asked[0].text}")
        replies = self.llm.complete_all(asked) if self.llm is not None and asked else []
        with self.path.open("a") as file:
            for prompt, reply in zip(asked, replies, strict=True):
                if isinstance(reply, ModelError):
                    raise reply
                self.known[prompt.text] = dict(reply.logprobs[0])
                entry = {"model": self.model, "prompt": prompt.text, "logprobs": reply.logprobs[0]}
                file.write(json.dumps(entry) + "\n")
        return [Reply("-", logprobs=(self.known[prompt.text],)) for prompt in prompts]


@dataclass(frozen=True)
class Figures:
    """One draw of one table: AUROC, or the rank correlation of numbers; and log loss."""

    table: str
    n_real: int
    draw: int
    real_alone: float
    local: float
    model: float
    updated: float
    loss_local: float
    loss_updated: float
    weight: float


def schema_of(table: LabelTable) -> Schema:
    """Infer the schema; the classes are given, as a user would."""
    schema = infer_schema(table.frame)
    columns = []
    for column in schema.each():
        if column.name == table.target and table.classes:
            column = column.model_copy(update={"categories": list(table.classes)})
        columns.append(column)
    return Schema(columns=columns, target=table.target)


def measured(table: LabelTable, llm: Remembered | None, draws: Sequence[int]) -> Iterator[Figures]:
    """Split the rows anew in each draw; the smaller sets of real rows lie in the larger."""
    schema = schema_of(table)
    for draw in draws:
        order = np.random.default_rng([11, draw]).permutation(table.frame.height)
        for n_real in N_REAL:
            n_held = max(n for n in N_REAL if table.frame.height - n >= MIN_TEST)
            if n_real > n_held:
                continue
            train = table.frame[order[:n_real].tolist()]
            test = table.frame[order[n_held:].tolist()]
            if n_real and train[table.target].n_unique() < 2:
                continue
            yield _figures(table, schema, train, test, llm, draw)


def _figures(
    table: LabelTable, schema: Schema, train: pl.DataFrame, test: pl.DataFrame,
    llm: Remembered | None, draw: int,
) -> Figures:  # fmt: skip
    truth = test[table.target]
    models = {
        "local": LabelModel(schema, table.target).fit(train),
        "model": LabelModel(schema, table.target, llm, table.about, question=table.question).fit(
            train.head(0)
        ),
        "updated": LabelModel(schema, table.target, llm, table.about, question=table.question).fit(
            train
        ),
    }
    labels = {name: model.predict(test) for name, model in models.items()}
    score = {name: quality(truth, result) for name, result in labels.items()}
    loss = {name: _loss(truth, result, table) for name, result in labels.items()}
    alone = real_alone(train, test, schema, table) if train.height else float("nan")
    return Figures(
        table.name, train.height, draw, alone, score["local"], score["model"], score["updated"],
        loss["local"], loss["updated"], labels["updated"].weight,
    )  # fmt: skip


def quality(truth: pl.Series, labels) -> float:
    """AUROC, of several classes by one against the rest; for numbers the rank correlation."""
    if labels.scores is not None:
        if labels.scores.mean.std() < 1e-9:
            return 0.0
        return float(spearmanr(truth.to_numpy(), labels.scores.mean).statistic)
    return _auroc(truth, labels.classes, labels.probabilities)


def _auroc(truth: pl.Series, classes: Sequence[object], probabilities: np.ndarray) -> float:
    parts = [
        roc_auc_score((truth == name).to_numpy(), probabilities[:, j])
        for j, name in enumerate(classes)
        if 0 < (truth == name).sum() < len(truth)
    ]
    return float(np.mean(parts))


def _loss(truth: pl.Series, labels, table: LabelTable) -> float:
    if table.is_number:
        return float("nan")
    codes = [labels.classes.index(value) for value in truth]
    return float(log_loss(codes, labels.probabilities, labels=range(len(labels.classes))))


def real_alone(train: pl.DataFrame, test: pl.DataFrame, schema: Schema, table: LabelTable) -> float:
    """A forest and a linear model, averaged: what the real rows alone teach."""
    features = Schema(columns=[c for c in schema.each() if c.name != table.target])
    encoder = FeatureEncoder.fit(train, features)
    rows, asked = encoder.rows(train).standardised(), encoder.rows(test).standardised()
    y = train[table.target].to_numpy()
    if table.is_number:
        numeric = (RandomForestRegressor(200, min_samples_leaf=2, random_state=0), Ridge(10.0))
        result = [learner.fit(rows, y).predict(asked) for learner in numeric]
        return float(spearmanr(test[table.target].to_numpy(), np.mean(result, axis=0)).statistic)
    learners = (
        RandomForestClassifier(200, min_samples_leaf=2, random_state=0),
        LogisticRegression(C=0.3, max_iter=1000),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = [learner.fit(rows, y) for learner in learners]
    classes = list(fitted[0].classes_)
    mean = np.mean([learner.predict_proba(asked) for learner in fitted], axis=0)
    return _auroc(test[table.target], classes, mean)


def main() -> None:
    """Measure, and write one line a draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--model", help="gguf:PATH, for rows that the file does not know")
    parser.add_argument("--base-url", help="where another server has the model")
    parser.add_argument("--name", default="qwen-1.5b")
    parser.add_argument("--rows", type=float, default=1.0, help="times the usual number of rows")
    parser.add_argument("--tables", default=",".join(REPORTED))
    parser.add_argument("--plain", action="store_true", help="ask by the names of the columns")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    llm = Remembered(given.scores, given.name, given.model, given.base_url)
    rows = []
    for name in given.tables.split(","):
        make, n_rows = {**REPORTED, **TUNED}[name]
        table = make(given.data, round(n_rows * given.rows))
        table = replace(table, question="") if given.plain else table
        rows += [vars(f) for f in measured(table, llm, range(N_DRAWS))]
        frame = pl.DataFrame(rows)
        frame.write_csv(given.out)
        print(summary(frame.filter(pl.col("table") == name)))


def summary(frame: pl.DataFrame) -> pl.DataFrame:
    """Mean of the draws, and the standard error of what the update adds to the real rows."""
    gain = pl.col("updated") - pl.col("real_alone")
    return frame.group_by("table", "n_real", maintain_order=True).agg(
        pl.col("real_alone", "local", "model", "updated").mean().round(3),
        gain.mean().round(3).alias("gain"),
        (gain.std() / pl.len().sqrt()).round(3).alias("gain_se"),
        pl.col("loss_local", "loss_updated").mean().round(3),
        pl.col("weight").mean().round(2),
        pl.len().alias("draws"),
    )


if __name__ == "__main__":
    main()
