"""Leaves of a tree are told as conditions that hold of the rows in them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.tree import DecisionTreeClassifier

from tablewright.metrics.encoder import FeatureEncoder
from tablewright.schema import Schema
from tablewright.selection.leaves import leaf_texts

FRAME = pl.DataFrame({
    "x": np.arange(40.0),
    "city": ["Ulm"] * 16 + ["Bonn"] * 12 + ["Rom"] * 8 + ["Oslo"] * 4,
})  # fmt: skip
SCHEMA = Schema.build({"x": "continuous", "city": "categorical"})
ENCODED = FeatureEncoder.fit(FRAME, SCHEMA).rows(FRAME)


def told(labels: np.ndarray, columns: list[str], **options: int) -> list[str]:
    """Return the text of each row's leaf in a tree of some columns."""
    use = [FRAME.columns.index(name) for name in columns]
    tree = DecisionTreeClassifier(random_state=0, **options).fit(ENCODED.values[:, use], labels)
    texts = leaf_texts(tree.tree_, [ENCODED.features[j] for j in use])
    return [texts[int(leaf)] for leaf in tree.apply(ENCODED.values[:, use])]


def test_numbers_are_told_by_the_tightest_bounds() -> None:
    x = np.arange(40)
    found = told((x > 9) & (x <= 19), ["x"])
    assert [found[k] for k in (0, 15, 30)] == ["x <= 9.5", "9.5 < x <= 19.5", "x > 19.5"]


@pytest.mark.parametrize(
    ("inside", "text", "other"),
    [
        (["Ulm"], "city = Ulm", "city in Bonn, Rom, Oslo"),
        (["Ulm", "Bonn"], "city in Ulm, Bonn", "city in Rom, Oslo"),
    ],
)
def test_categories_are_told_by_name(inside: list[str], text: str, other: str) -> None:
    labels = FRAME["city"].is_in(inside).to_numpy()
    assert set(told(labels, ["city"])) == {text, other}


def test_all_but_a_few_categories_are_told_by_those() -> None:
    levels = [f"c{k:02}" for k in range(9)]
    frame = pl.DataFrame({"c": [level for k, level in enumerate(levels) for _ in range(20 - k)]})
    encoded = FeatureEncoder.fit(frame, Schema.build({"c": "categorical"})).rows(frame)
    labels = frame["c"].is_in(levels[:2]).to_numpy()
    tree = DecisionTreeClassifier().fit(encoded.values, labels)
    assert set(leaf_texts(tree.tree_, encoded.features).values()) == {
        "c in c00, c01",
        "c not c00, c01",
    }
    labels = frame["c"].is_in(levels[:5]).to_numpy()
    tree = DecisionTreeClassifier().fit(encoded.values, labels)
    assert set(leaf_texts(tree.tree_, encoded.features).values()) == {
        "c in 5 of 9 categories", "c in 4 of 9 categories"}  # fmt: skip


def test_a_lone_leaf_is_all_rows_and_conditions_are_joined() -> None:
    assert set(told(np.zeros(40), ["x"])) == {"all rows"}
    labels = (FRAME["city"] == "Ulm").to_numpy() & (np.arange(40) > 7)
    assert "city = Ulm and x > 7.5" in " | ".join(
        " and ".join(sorted(text.split(" and "))) for text in told(labels, ["x", "city"])
    )


def test_leaves_whose_bounds_look_alike_have_different_texts() -> None:
    x = np.array([1e8 + 0.1 * k for k in range(12)])
    frame = pl.DataFrame({"x": x})
    encoded = FeatureEncoder.fit(frame, Schema.build({"x": "continuous"})).rows(frame)
    tree = DecisionTreeClassifier().fit(encoded.values, np.arange(12) % 3)
    texts = leaf_texts(tree.tree_, encoded.features)
    assert len(set(texts.values())) == len(texts) == tree.get_n_leaves()
