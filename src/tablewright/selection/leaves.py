"""Leaves of a tree of encoded rows, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from tablewright.metrics.encoder import Feature

_LISTED = 3
"""Categories that are named; of more their number."""

Bounds = dict[int, tuple[float, float]]


def leaf_texts(tree: Any, features: Sequence[Feature]) -> dict[int, str]:
    """Return a condition for each leaf of a tree of scikit-learn; "all rows" of a lone one."""
    result: dict[int, str] = {}
    todo: list[tuple[int, Bounds]] = [(0, {})]
    while todo:
        node, bounds = todo.pop()
        if tree.children_left[node] < 0:
            texts = [_text(features[j], low, high) for j, (low, high) in sorted(bounds.items())]
            result[node] = " and ".join(texts) or "all rows"
            continue
        j, cut = int(tree.feature[node]), float(tree.threshold[node])
        low, high = bounds.get(j, (-np.inf, np.inf))
        todo.append((int(tree.children_left[node]), {**bounds, j: (low, min(high, cut))}))
        todo.append((int(tree.children_right[node]), {**bounds, j: (max(low, cut), high)}))
    counts = Counter(result.values())
    return {leaf: text if counts[text] == 1 else f"{text} (leaf {leaf})"
            for leaf, text in result.items()}  # fmt: skip


def _text(feature: Feature, low: float, high: float) -> str:
    """Say what cells of a column are above one number, or code of a category, and up to another."""
    if feature.levels is None:
        if np.isinf(low):
            return f"{feature.name} <= {high:.6g}"
        return f"{feature.name} > {low:.6g}" if np.isinf(high) else (
            f"{low:.6g} < {feature.name} <= {high:.6g}"
        )  # fmt: skip
    inside = [level for code, level in enumerate(feature.levels) if low < code <= high]
    others = [level for level in feature.levels if level not in inside]
    if len(inside) <= _LISTED and inside:
        return f"{feature.name} {'=' if len(inside) == 1 else 'in'} {', '.join(inside)}"
    if len(others) <= _LISTED:
        return f"{feature.name} not {', '.join(others)}"
    return f"{feature.name} in {len(inside)} of {len(feature.levels)} categories"
