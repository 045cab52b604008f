"""Projection and cells of a skeleton against other ways to find the same numbers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import LinearConstraint, minimize
from scipy.special import rel_entr

from tablewright.rules.expressions import Expression, parse
from tablewright.schema import Schema
from tablewright.systems.htdbu.projection import EXACT, Constraint, conflicting, project
from tablewright.systems.htdbu.skeleton_cells import (
    Axis,
    Skeleton,
    as_tree,
    cell_of_each_row,
    column_axis,
)
from tablewright.tables.encoding.layout import Layout

Floats = NDArray[np.float64]
SHARES = np.array([0.05, 0.1, 0.15, 0.2, 0.2, 0.3])
EVERY = np.ones(6, dtype=bool)


def some(*cells: int) -> NDArray[np.bool_]:
    return np.isin(np.arange(6), cells)


def band(name: str, low: float, high: float, *cells: int, inside: object = EVERY) -> Constraint:
    return Constraint(name, some(*cells)[None], np.array([low]), np.array([high]), inside)  # type: ignore[arg-type]  # an array


def nearest(shares: Floats, bands: list[tuple[float, float, tuple[int, ...]]]) -> Floats:
    """The shares of least Kullback-Leibler divergence, by a general solver."""
    rows = np.array([some(*cells).astype(float) for _, _, cells in bands])
    limits = LinearConstraint(rows, [b[0] for b in bands], [b[1] for b in bands])
    found = minimize(
        lambda p: float(rel_entr(p, shares).sum()), shares, method="trust-constr",
        constraints=[limits, LinearConstraint(np.ones(6), 1, 1)], bounds=[(1e-9, 1)] * 6,
        options={"gtol": 1e-10, "xtol": 1e-12, "maxiter": 3000},
    )  # fmt: skip
    return np.asarray(found.x)


@pytest.mark.parametrize(
    "bands",
    [
        [(0.5, 1.0, (0, 1))],
        [(0.0, 0.2, (4, 5)), (0.3, 0.3, (0, 2))],
        [(0.4, 0.6, (0, 1, 2)), (0.5, 0.5, (2, 3)), (0.0, 0.1, (5,))],
    ],
    ids=["raised", "lowered and fixed", "three that overlap"],
)
def test_projected_shares_are_the_nearest_that_meet_the_bands(
    bands: list[tuple[float, float, tuple[int, ...]]],
) -> None:
    wanted = [band(str(k), low, high, *cells) for k, (low, high, cells) in enumerate(bands)]
    found = project(SHARES, wanted)
    assert found is not None
    assert found == pytest.approx(nearest(SHARES, bands), abs=2e-4)
    assert found.sum() == pytest.approx(1)


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.sets(st.integers(0, 5), min_size=1, max_size=5))
def test_a_band_that_holds_changes_nothing_and_another_is_met_at_its_nearer_end(
    one: float, other: float, cells: set[int]
) -> None:
    low, high = sorted((one, other))
    mass = float(SHARES[list(cells)].sum())
    found = project(SHARES, [band("b", low, high, *cells)])
    assert found is not None
    reached = float(found[list(cells)].sum())
    assert reached == pytest.approx(float(np.clip(mass, low, high)), abs=2 * EXACT)
    if low <= mass <= high:
        assert found == pytest.approx(SHARES)
    outside = [k for k in range(6) if k not in cells]
    if 1e-3 < reached < 1 - 1e-3:
        assert found[outside] / found[outside].sum() == pytest.approx(
            SHARES[outside] / SHARES[outside].sum(), abs=1e-6
        )


def test_shares_among_some_cells_leave_all_others() -> None:
    """Half of cells 3 to 5 in cell 3: 0.35 each way, and the first three as they were."""
    found = project(SHARES, [band("c", 0.5, 0.5, 3, inside=some(3, 4, 5))])
    assert found is not None
    assert found[:3] == pytest.approx(SHARES[:3])
    assert found[3:] == pytest.approx([0.35, 0.35 * 0.2 / 0.5, 0.35 * 0.3 / 0.5])


def test_what_cannot_be_met_together_is_named_and_nothing_else() -> None:
    wanted = [band("a", 0.7, 1, 0, 1), band("b", 0.7, 1, 2, 3), band("c", 0.2, 0.4, 4)]
    assert project(SHARES, wanted) is None
    assert sorted(conflicting(SHARES, wanted)) == ["a", "b"]
    empty = SHARES * some(0, 1, 2, 3)
    assert project(empty / empty.sum(), [band("none has it", 0.5, 1, 5)]) is None


# cells --------------------------------------------------------------------------


SCHEMA = Schema.build({"y": "categorical", "mood": "categorical", "age": "integer"}, target="y")
REAL = pl.DataFrame(
    {
        "y": ["no", "yes", None, "no"],
        "mood": ["bad", "good", "good", "bad"],
        "age": [20, 30, 40, 50],
    }
)
LAYOUT = Layout.learn(REAL, SCHEMA)
OLD = Axis("age > 35", 2, parse("age > 35", SCHEMA))


def cells_of(shares: Floats, *bands: Constraint) -> Skeleton:
    axes = (column_axis("y", REAL, LAYOUT), column_axis("mood", REAL, LAYOUT))
    cells = np.array(list(np.ndindex(3, 2)), dtype=np.intp)
    return Skeleton(LAYOUT, axes, cells, SHARES, shares, bands=bands)


def test_a_row_is_in_the_cell_of_its_values_and_answers() -> None:
    axes = (column_axis("y", REAL, LAYOUT), OLD)
    assert [axis.size for axis in axes] == [3, 2], "a missing y has a value of its own"
    levels = LAYOUT.codec.levels("y")
    codes = [levels.index("no"), levels.index("yes"), 2, levels.index("no")]
    assert cell_of_each_row(axes, REAL, LAYOUT).tolist() == [
        2 * code + old for code, old in zip(codes, [0, 0, 1, 1], strict=True)
    ]
    assert cell_of_each_row((), REAL, LAYOUT).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("axis", "code", "expected"),
    [
        (Axis("y", 3), LAYOUT.codec.levels("y").index("no"), [True, False, False, True]),
        (Axis("y", 3), 2, [False, False, True, False]),
        (OLD, 1, [False, False, True, True]),
        (OLD, 0, [True, True, False, False]),
    ],
)
def test_a_cell_as_an_expression_holds_for_its_rows(
    axis: Axis, code: int, expected: list[bool]
) -> None:
    tree = as_tree(axis, code, LAYOUT)
    assert np.asarray(Expression(tree, SCHEMA).holds(REAL)).tolist() == expected


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 500), st.integers(0, 2**31))
def test_every_cell_and_every_run_of_cells_is_off_by_less_than_a_row(
    n_rows: int, seed: int
) -> None:
    skeleton = cells_of(SHARES)
    counts = skeleton.counts(n_rows, np.random.default_rng(seed))
    assert counts.sum() == n_rows
    for start, end in [*pairwise((0, 2, 4, 6)), (0, 1), (0, 5)]:
        exact = SHARES[start:end].sum() * n_rows
        assert abs(counts[start:end].sum() - exact) < 1 + 1e-6


def test_numbers_of_rows_are_right_on_average() -> None:
    """Of 7 rows each cell gets its share over many draws: four standard errors of a Bernoulli."""
    counts = np.array([cells_of(SHARES).counts(7, np.random.default_rng(k)) for k in range(4000)])
    assert counts.mean(axis=0) == pytest.approx(7 * SHARES, abs=4 * 0.5 / np.sqrt(4000))


@settings(max_examples=60, deadline=None)
@given(st.integers(5, 300), st.integers(0, 2**31))
def test_quotas_are_met_to_the_row_and_misses_are_named(n_rows: int, seed: int) -> None:
    quota = band("q", 0.25, 0.25, 0, 3)
    skeleton = cells_of(SHARES, quota)
    counts = skeleton.counts(n_rows, np.random.default_rng(seed))
    least = int(np.ceil(0.25 * n_rows - 1e-6))
    assert counts[[0, 3]].sum() == max(least, int(np.floor(0.25 * n_rows + 1e-6)))
    assert skeleton.broken(counts) == set()
    moved = counts.copy()
    moved[[0, 3]] = 0
    moved[5] += counts[[0, 3]].sum()
    assert skeleton.broken(moved) == ({"q"} if 0.25 * n_rows >= 1 else set())


def test_effect_and_distance_are_total_variations() -> None:
    wanted = np.array([0.15, 0.1, 0.05, 0.2, 0.2, 0.3])
    skeleton = cells_of(wanted)
    assert skeleton.effect == pytest.approx(0.1)
    assert skeleton.intended == ["the rules change 10.0% of the table on purpose, by its y, mood"]
    assert cells_of(SHARES).intended == []
    shares = np.bincount(skeleton.cell_of_each_row(REAL), minlength=6) / 4
    assert skeleton.shares_of(REAL) == pytest.approx(shares)
    assert skeleton.distance(REAL) == pytest.approx(0.5 * np.abs(shares - wanted).sum())
