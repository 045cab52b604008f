"""Labels of rows as probabilities: what a language model knows, updated by the real rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri

from tablewright.errors import InputError, ModelError
from tablewright.llm.closed_answers import choice_probabilities
from tablewright.llm.endpoint.base import LLM, Prompt
from tablewright.llm.prompts.builder import PromptBuilder, sharing_of
from tablewright.llm.prompts.sharing import Cell, Sharing, plain
from tablewright.schema import Schema
from tablewright.selection.label_features import LabelFeatures
from tablewright.selection.label_prompts import (
    LEVELS,
    MAX_CLASSES,
    choices_for,
    instructions,
    question,
)
from tablewright.selection.model_prior import (
    Evidence,
    Floats,
    Posterior,
    class_posterior,
    number_posterior,
)

MAX_REAL_ROWS = 300
"""Real rows that a belief is held against; from more of them it has little to add."""

_LEVEL_SCORES = ndtri((np.arange(len(LEVELS)) + 0.5) / len(LEVELS))


@dataclass(frozen=True)
class Labels:
    """What is believed of the labels of some rows.

    Attributes
    ----------
    classes : list
        Classes of the target; for a number the levels from very low to very high.
    probabilities : ndarray of shape (n_rows, n_classes)
        They sum to 1.
    scores : Posterior or None
        Of a number, in normal scores of its values in the real rows.
    weight : float
        Share of the model in what is believed: 1 without real rows, 0 without a model.
    unanswered : int
        Rows about which no answer could be had from the model.
    values : ndarray
        Sorted values of a number in the real rows.
    """

    classes: list[object]
    probabilities: Floats
    scores: Posterior | None
    weight: float
    unanswered: int = 0
    values: Floats = field(default_factory=lambda: np.zeros(0))

    def expected(self) -> Floats:
        """Return the value that is expected of a number; its mean score where none is known."""
        assert self.scores is not None
        if not len(self.values):
            return self.scores.mean
        spread = np.sqrt(self.scores.variance)[:, None]
        nodes = ndtri((np.arange(15) + 0.5) / 15)
        values = self._from_scores(self.scores.mean[:, None] + spread * nodes)
        return np.asarray(values.mean(axis=1))

    def draw(self, rng: np.random.Generator) -> NDArray[np.object_]:
        """Draw one label for each row from its probabilities."""
        if self.scores is not None:
            noise = rng.normal(size=len(self.scores.mean)) * np.sqrt(self.scores.variance)
            return self._from_scores(self.scores.mean + noise).astype(object)
        marks = self.probabilities.cumsum(axis=1)
        codes = (rng.random(len(marks))[:, None] > marks[:, :-1]).sum(axis=1)
        return np.asarray(np.array(self.classes, dtype=object)[codes])

    def _from_scores(self, scores: Floats) -> Floats:
        """Put normal scores back on the scale of the real values, within their range."""
        known = ndtri((np.arange(len(self.values)) + 0.5) / len(self.values))
        return np.asarray(np.interp(scores, known, self.values))


class LabelModel:
    """Says how probable each label is for a row.

    A language model is asked one closed question about each row. Its answers are the prior
    mean of a Gaussian process that is updated by the real rows: how far they are trusted, and
    what the features say beyond them, is averaged by the evidence.

    Parameters
    ----------
    schema : Schema
        Columns of the rows.
    target : str
        Whose values are asked for; a number or a column with up to 26 values.
    llm : LLM or None, default=None
        None judges by the real rows alone.
    about : str, default=""
        What the table is about, in a sentence; it is worth more than any other option.
    seed : int, default=0
        Of the choice among more than 300 real rows.
    question : str, default=""
        What to ask of each row, in words of your own, where names of columns and classes do
        not say it. For two classes it has to be one that Yes answers for the second, such as
        ``"Does this person earn more than 50,000 dollars a year?"``.

    Attributes
    ----------
    stopped_ : ModelError or None
        What ended the questions before their time; rows without an answer are judged by the real
        rows alone.

    Examples
    --------
    >>> schema = Schema.build({"age": "integer", "ill": "categorical"}, target="ill")
    >>> train = pl.DataFrame({"age": [20, 30, 60, 70], "ill": ["no", "no", "yes", "yes"]})
    >>> model = LabelModel(schema, "ill").fit(train)
    >>> labels = model.predict(pl.DataFrame({"age": [25, 65]}))
    >>> labels.classes, bool(labels.probabilities[0, 1] < labels.probabilities[1, 1])
    (['no', 'yes'], True)
    """

    def __init__(
        self, schema: Schema, target: str, llm: LLM | None = None, about: str = "", seed: int = 0,
        question: str = "",
    ) -> None:  # fmt: skip
        self.schema, self.target, self.llm = schema, target, llm
        self.about, self.seed, self.question = about, seed, question
        self._features = [name for name in schema.names if name != target]
        self._scale: tuple[Floats, Floats] | None = None
        self.stopped_: ModelError | None = None
        self._has_answers = False

    @property
    def is_number(self) -> bool:
        """Whether the target is a number."""
        return not self.schema[self.target].kind.is_discrete

    def fit(self, train: pl.DataFrame | None = None) -> LabelModel:
        """Take the real rows in; None or an empty frame leaves what the model knows.

        Raises
        ------
        InputError
            If the classes are not known, or too many, or rows may not leave the machine.
        """
        rows = pl.DataFrame() if train is None else train
        if rows.height:
            rows = rows.filter(pl.col(self.target).is_not_null())
        if rows.height > MAX_REAL_ROWS:
            order = np.random.default_rng(self.seed).permutation(rows.height)[:MAX_REAL_ROWS]
            rows = rows[np.sort(order)]
        self.train_ = rows
        self.classes_: list[object] = list(LEVELS) if self.is_number else self._classes(rows)
        self._real_answers = self._ask(rows)
        return self

    def predict(self, rows: pl.DataFrame) -> Labels:
        """Return probabilities of the labels of rows.

        Parameters
        ----------
        rows : DataFrame
            Typed rows with all columns but the target.
        """
        answers = np.vstack([self._real_answers, self._ask(rows)])
        unanswered = int(np.isnan(answers[len(self._real_answers) :, 0]).sum())
        names = self._features
        real = self.train_.select(names) if self.train_.height else self.train_
        features = LabelFeatures.of(real, rows.select(names), self._schema())
        if self.is_number:
            return self._predict_numbers(answers, features, unanswered)
        beliefs = self._standard(_log_odds(answers))
        labels = self.train_[self.target].to_list() if self.train_.height else []
        result = [
            _class_posterior(
                beliefs[:, j],
                features,
                np.array([label == self.classes_[j] for label in labels], dtype=bool),
            )
            for j in ([1] if len(self.classes_) == 2 else range(len(self.classes_)))
        ]
        values = np.column_stack([posterior.probability for posterior in result])
        values = np.hstack([1 - values, values]) if len(self.classes_) == 2 else values
        weight = float(np.mean([posterior.weight for posterior in result]))
        scaled = values / values.sum(axis=1, keepdims=True)
        return Labels(self.classes_, scaled, None, self._weight(weight), unanswered)

    def _predict_numbers(self, answers: Floats, features: LabelFeatures, unanswered: int) -> Labels:
        belief = self._standard(np.nan_to_num(answers @ _LEVEL_SCORES)[:, None])[:, 0]
        values = self.train_[self.target].to_numpy() if self.train_.height else np.zeros(0)
        scores = _normal_scores(values.astype(float))
        learned = features.number_scores(scores)
        evidence = Evidence(belief, features.kernel, features.variance, learned)
        posterior = number_posterior(evidence, scores)
        levels = _level_shares(posterior)
        return Labels(
            self.classes_, levels, posterior, self._weight(posterior.weight), unanswered,
            np.sort(values.astype(float)),
        )  # fmt: skip

    def _weight(self, weight: float) -> float:
        return weight if self.llm is not None else 0.0

    def _classes(self, rows: pl.DataFrame) -> list[object]:
        known = self.schema[self.target].categories
        seen = rows[self.target].unique().drop_nulls().to_list() if rows.height else []
        classes = list(known) if known else sorted(seen, key=str)
        if not 2 <= len(classes) <= MAX_CLASSES:
            raise InputError(
                f"labels need between 2 and {MAX_CLASSES} classes of {self.target!r}, and "
                f"{len(classes)} are known; name them as categories in the schema"
            )
        return classes

    def _schema(self) -> Schema:
        columns = [column for column in self.schema.each() if column.name != self.target]
        return Schema(columns=columns)

    def _ask(self, rows: pl.DataFrame) -> Floats:
        """Return the model's probabilities of the classes; equal ones where nobody is asked."""
        n_classes = len(self.classes_)
        if self.llm is None or not rows.height:
            return np.full((rows.height, n_classes), 1 / n_classes)
        unanswered = np.full((rows.height, n_classes), np.nan)
        if self.stopped_ is not None:
            return unanswered
        names = [str(name) for name in self.classes_]
        try:
            result = choice_probabilities(self.llm, self._prompts(rows, names), choices_for(names))
            if len(result.failures) == rows.height:
                raise result.failures[0]
        except ModelError as error:
            if not (error.fatal and self._has_answers):
                raise
            self.stopped_ = error  # what was answered about the real rows was paid for
            return unanswered
        self._has_answers = True
        self.stopped_ = next((e for e in result.failures if e.fatal), None)
        return result.values

    def _prompts(self, rows: pl.DataFrame, names: Sequence[str]) -> list[Prompt]:
        assert self.llm is not None
        sharing = sharing_of(self.llm)
        sharing.need("rows", "asking a model for labels")
        system = instructions(self.target, names, self.about, self.question)
        return [self._prompt(rows[index], sharing, system, names) for index in range(rows.height)]

    def _prompt(
        self, row: pl.DataFrame, sharing: Sharing, system: str, names: Sequence[str]
    ) -> Prompt:
        builder = PromptBuilder(sharing, self.train_ if self.train_.height else None)
        are_named = not (self.is_number or (self.question and len(names) == 2))
        if are_named and not builder.names_values(self.schema[self.target], self._plain_classes()):
            raise InputError(
                f"a question about {self.target!r} names its classes, and the column is redacted: "
                "with two classes, ask in words of your own that name none (--question)"
            )
        cells = builder.admit(row.select(self._features))[0]
        builder.say(question(cells, self.target, names, self.question))
        return builder.prompt(system, stage="label", role="label", expected=choices_for(names)[0])

    def _plain_classes(self) -> list[Cell]:
        return [plain(value) for value in self.classes_]

    def _standard(self, beliefs: Floats) -> Floats:
        """Scale beliefs to standard scores, by the rows that were seen first."""
        if self._scale is None:
            spread = np.nanstd(beliefs, axis=0)
            self._scale = np.nanmean(beliefs, axis=0), np.where(spread > 1e-9, spread, np.inf)
        mean, spread = self._scale
        return np.asarray(np.nan_to_num((beliefs - mean) / spread))


def _class_posterior(
    belief: Floats, features: LabelFeatures, is_class: NDArray[np.bool_]
) -> Posterior:
    learned = features.class_logits(is_class)
    return class_posterior(Evidence(belief, features.kernel, features.variance, learned), is_class)


def _log_odds(answers: Floats) -> Floats:
    return np.asarray(np.log(answers) - np.log1p(-np.minimum(answers, 1 - 1e-12)))


def _normal_scores(values: Floats) -> Floats:
    """Return normal scores of values; equal values share one."""
    from scipy.stats import rankdata

    return np.asarray(ndtri((rankdata(values) - 0.5) / max(1, len(values))))


def _level_shares(posterior: Posterior) -> Floats:
    """Return how probable each level of a number is."""
    from scipy.special import ndtr

    edges = ndtri(np.arange(1, len(LEVELS)) / len(LEVELS))
    spread = np.sqrt(posterior.variance)[:, None]
    below = ndtr((edges - posterior.mean[:, None]) / spread)
    padded = np.hstack([np.zeros((len(below), 1)), below, np.ones((len(below), 1))])
    return np.asarray(np.diff(padded, axis=1))
