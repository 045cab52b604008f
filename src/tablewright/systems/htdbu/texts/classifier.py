"""From texts to labels, learned from texts that a person has labelled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from tablewright.errors import InputError
from tablewright.metrics.texts import plain_texts
from tablewright.tables.io.model_file import Artefact
from tablewright.threads import one_thread

_FOLDS = 5
_TERMS = 50_000
_STRENGTH = 10.0


class TextClassifier:
    """Words and pairs of words, weighted by TF-IDF, in a logistic regression of even classes.

    Attributes
    ----------
    classes_ : list
        Labels, sorted by their text.
    accuracy_ : float or None
        Share of the texts whose label the other folds' model gives, each distinct text once;
        None where a label has one text alone.
    baseline_ : float
        Share of the most frequent label: the accuracy of always saying it.
    n_texts_ : int
        Distinct texts learned from.

    Examples
    --------
    >>> texts = pl.Series([f"sales {how} by {k}" for how in ("rose", "fell") for k in range(9)])
    >>> labels = pl.Series(["good"] * 9 + ["bad"] * 9)
    >>> made = TextClassifier().fit(texts, labels, np.random.default_rng(0))
    >>> made.label(pl.Series(["profits rose", None])).to_list(), made.accuracy_
    (['good', None], 1.0)
    """

    def fit(self, texts: pl.Series, labels: pl.Series, rng: np.random.Generator) -> Self:
        """Learn from labelled texts; a text that stands twice counts once.

        Parameters
        ----------
        texts : Series of str
        labels : Series
            Texts without a label are left out.
        rng : numpy Generator
            Makes the folds.

        Raises
        ------
        InputError
            If fewer than two labels are left, or no text has a word.
        """
        known = pl.DataFrame({"text": texts.cast(pl.String), "label": labels}).drop_nulls()
        known = known.with_columns(plain_texts(known["text"]).alias("key"))
        known = known.unique("key", keep="first", maintain_order=True)
        self.classes_: list[Any] = sorted(known["label"].unique().to_list(), key=str)
        if len(self.classes_) < 2:
            raise InputError(
                f"a classifier of texts needs two labels at least; there are {self.classes_}"
            )
        indices = {label: code for code, label in enumerate(self.classes_)}
        codes = np.array([indices[label] for label in known["label"]])
        counts = np.bincount(codes)
        self.n_texts_, self.baseline_ = len(codes), float(counts.max() / len(codes))
        self._vectorizer = TfidfVectorizer(**_TFIDF, min_df=2 if len(codes) >= 1_000 else 1)
        self._model = LogisticRegression(C=_STRENGTH, class_weight="balanced", max_iter=1_000)
        try:
            with one_thread():
                self.accuracy_ = self._out_of_fold(known["text"].to_list(), codes, counts, rng)
                self._model.fit(self._vectorizer.fit_transform(known["text"].to_list()), codes)
        except ValueError as error:
            raise InputError(f"no classifier can be learned from these texts: {error}") from error
        return self

    def _out_of_fold(
        self,
        texts: list[str],
        codes: NDArray[np.int64],
        counts: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> float | None:
        n_folds = int(min(_FOLDS, counts.min()))
        if n_folds < 2:
            return None
        folds = StratifiedKFold(n_folds, shuffle=True, random_state=int(rng.integers(2**31)))
        both = make_pipeline(self._vectorizer, self._model)
        return float((cross_val_predict(both, texts, codes, cv=folds) == codes).mean())

    def label(self, texts: pl.Series, sure: float = 0.0) -> pl.Series:
        """Return the most likely label of each text.

        Parameters
        ----------
        texts : Series of str
        sure : float, default=0
            Probability that a label has at least.

        Returns
        -------
        Series
            Missing where the text is, or no label is sure enough.
        """
        asked = texts.cast(pl.String, strict=False)
        known = asked.is_not_null().to_numpy()
        labels: list[Any] = [None] * len(asked)
        if known.any():
            with one_thread():
                words = self._vectorizer.transform(asked.drop_nulls().to_list())
                probabilities = self._model.predict_proba(words)
            for row, probability in zip(np.flatnonzero(known), probabilities, strict=True):
                best = int(probability.argmax())
                labels[row] = self.classes_[best] if probability[best] >= sure else None
        return pl.Series(labels, strict=False)

    def state(self) -> Artefact:
        """Return all that `restore` needs; it holds words of the texts."""
        facts = {
            "classes": self.classes_,
            "accuracy": self.accuracy_,
            "baseline": self.baseline_,
            "n_texts": self.n_texts_,
        }
        arrays = {
            "terms": np.array(self._vectorizer.get_feature_names_out(), dtype=np.str_),
            "idf": self._vectorizer.idf_,
            "coef": self._model.coef_,
            "intercept": self._model.intercept_,
        }
        return Artefact(facts, {"classifier": arrays}, {})

    @classmethod
    def restore(cls, state: Artefact) -> Self:
        """Make the fitted classifier again."""
        result, facts, arrays = cls(), state.facts, state.arrays["classifier"]
        result.classes_, result.accuracy_ = list(facts["classes"]), facts["accuracy"]
        result.baseline_, result.n_texts_ = facts["baseline"], facts["n_texts"]
        result._vectorizer = TfidfVectorizer(**_TFIDF, vocabulary=arrays["terms"].tolist())
        result._vectorizer.idf_ = arrays["idf"]
        result._model = LogisticRegression()
        result._model.coef_, result._model.intercept_ = arrays["coef"], arrays["intercept"]
        result._model.classes_ = np.arange(len(result.classes_))
        return result


_TFIDF: Mapping[str, Any] = {
    "ngram_range": (1, 2),
    "sublinear_tf": True,
    "max_features": _TERMS,
    "strip_accents": "unicode",
}
