"""Rare classes are written as what they are, by every generator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tablewright.generators.base import Bools, Generator, Given
from tablewright.generators.parts.few_rows import FewRows, _Around
from tablewright.generators.parts.local import FewRowsWarning
from tablewright.generators.plugin import Plugin
from tablewright.registry import resolve
from tablewright.tables.encoding.codec import Field, Floats, Matrix
from tests.generators.conditions import Both, Rule, between

METHODS = ["trees", "copula", "independent", "smotenc", "forest", "blend", "boosted", "plugin"]
METHODS.append("bayes-net")
FIELDS = (
    Field("a"),
    Field("b", step=1.0),
    Field("channel", levels=3),
    Field("y", levels=2, target=True),
)


ONE_COLUMN = (Field("a"), Field("y", levels=2, target=True))


class Repeats:
    """A synthesizer of frames that draws real rows again."""

    def fit(self, frame: Any) -> None:
        self.frame = frame

    def sample(self, n: int) -> Any:
        return self.frame.sample(n, replace=True, random_state=0).reset_index(drop=True)


def table(n_rare: int, n_rows: int = 400, seed: int = 0) -> Matrix:
    """Two classes, three standard deviations apart in both numbers."""
    rng = np.random.default_rng(seed)
    y = np.arange(n_rows) < n_rare
    a = rng.normal(0, 1, n_rows) + 3 * y
    b = np.round(rng.normal(0, 20, n_rows) - 60 * y)
    channel = np.where(y, 2, rng.integers(0, 2, n_rows))
    return Matrix(np.column_stack([a, b, channel, y])[rng.permutation(n_rows)], FIELDS)


def fitted(method: str, matrix: Matrix) -> Generator:
    options: dict[str, dict[str, Any]] = {
        "blend": {"n_trees": 5, "share": 0.5},
        "boosted": {"n_trees": 5},
    }
    if method == "plugin":
        pytest.importorskip("pandas")
        return Plugin(Repeats()).fit(matrix, np.random.default_rng(1))
    if method == "boosted":
        pytest.importorskip("xgboost")
    result: Generator = resolve("generators", method)(**options.get(method, {}))
    return result.fit(matrix, np.random.default_rng(1))


def of_class(n_rows: int) -> Given:
    values = np.full((n_rows, 4), np.nan)
    values[:, 3] = 1.0
    return Given(values, np.arange(4) == np.full((n_rows, 1), 3))


def few_rows(matrix: Matrix, n_rows: int) -> Floats:
    """Rows of class 1 of a table whose last column is the class."""
    known = np.tile(np.arange(len(matrix.fields)) == len(matrix.fields) - 1, (n_rows, 1))
    base = matrix.values[matrix.values[:, -1] == 1]
    few = FewRows.learn(matrix)
    return few.draw(base, Given(np.where(known, 1.0, np.nan), known), np.random.default_rng(1))


def on_their_side(rows: Floats) -> Bools:
    """The best linear rule: both numbers together past the middle between the classes."""
    right: Bools = (rows[:, 0] - rows[:, 1] / 20 > 3) & (rows[:, 2] == 2)
    return right


@pytest.mark.parametrize("n_rare", [3, 8, 20])
@pytest.mark.parametrize("method", METHODS)
def test_rows_of_a_rare_class_lie_on_its_side(method: str, n_rare: int) -> None:
    model = fitted(method, table(n_rare))
    rows = model.sample(400, np.random.default_rng(2), given=of_class(400))
    assert on_their_side(rows).mean() >= 0.98
    assert (rows[:, 3] == 1).all()


@pytest.mark.parametrize("n_rare", [2, 4, 12, 20])
@pytest.mark.parametrize("method", ["trees", "copula", "independent", "smotenc"])
def test_rows_of_a_rare_class_in_a_table_of_one_column_lie_on_its_side(
    method: str, n_rare: int
) -> None:
    shares = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        y = np.arange(200) < n_rare
        matrix = Matrix(np.column_stack([rng.normal(0, 1, 200) + 3 * y, y]), ONE_COLUMN)
        given = Given(np.tile([np.nan, 1.0], (200, 1)), np.tile([False, True], (200, 1)))
        rows = fitted(method, matrix).sample(200, np.random.default_rng(2), given=given)
        shares.append((rows[:, 0] > 1.5).mean())
    assert min(shares) >= 0.98


@pytest.mark.parametrize("n_rare", [6, 25])
def test_rows_of_a_rare_class_spread_as_fresh_rows_of_it_do(n_rare: int) -> None:
    ratios = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        y = np.arange(300) < n_rare
        cells = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 300) + 0.5 * y[:, None]
        matrix = Matrix(np.column_stack([cells, y]), (Field("a"), Field("b"), ONE_COLUMN[1]))
        rows = few_rows(matrix, 500)
        (a, both), (_, b) = np.cov(rows[:, :2].T)
        ratios.append([a**0.5, b**0.5, both / (a * b) ** 0.5])
    # Of fresh rows 1, 1 and .8; the means of 8 tables of 6 rows vary by about .1.
    assert np.allclose(np.mean(ratios, axis=0), [1, 1, 0.8], atol=0.25)


def test_a_number_that_stands_for_none_stays_so_in_rows_of_a_rare_class() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(300) < 10
    gain = np.where(rng.random(300) < 0.7, 0.0, np.round(rng.lognormal(7, 1, 300), 2))
    gain[:10] = [0, 0, 0, 0, 0, 0, 0, 900.5, 2200.25, 400.75]
    matrix = Matrix(np.column_stack([gain, y]), ONE_COLUMN)
    rows = few_rows(matrix, 1000)
    # A row takes the spike of itself or of a neighbour, of which the mean share is that of all.
    assert 0.55 < (rows[:, 0] == 0).mean() < 0.85
    assert not ((rows[:, 0] > 0) & (rows[:, 0] < 5)).mean() > 0.01


def test_codes_of_a_rare_row_come_together_anew_from_rows_of_its_class() -> None:
    codes = np.array([[0, 0], [1, 1], [2, 2], [0, 1], [1, 2], [2, 0]], dtype=np.float64)
    rest = np.random.default_rng(0).integers(0, 4, (200, 2))
    fields = (Field("a", levels=4), Field("b", levels=4), ONE_COLUMN[1])
    y = np.arange(206) < 6
    rows = few_rows(Matrix(np.column_stack([np.vstack([codes, rest]), y]), fields), 600)
    assert len(np.unique(rows[:, :2], axis=0)) == 9  # every pair of 0, 1 and 2, and no 3
    assert rows[:, :2].max() == 2


def test_overlapping_classes_are_not_pushed_apart() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(400) < 25
    matrix = Matrix(np.column_stack([rng.normal(0, 1, 400) + y, y]), ONE_COLUMN)
    real = matrix.values[y, 0]
    rows = few_rows(matrix, 2000)
    assert abs(rows[:, 0].mean() - real.mean()) < 0.15
    assert abs((rows[:, 0] < 0.5).mean() - (real < 0.5).mean()) < 0.1


@pytest.mark.parametrize("method", METHODS)
def test_rows_of_a_rare_code_lie_on_its_side(method: str) -> None:
    mask = np.array([False, False, True, False])
    only_api = Rule("channel = 'api'", (2,), lambda rows: rows[:, 2] == 2, {2: mask})
    model = fitted(method, table(8))
    rows = model.sample(300, np.random.default_rng(2), condition=only_api)
    assert on_their_side(rows).mean() >= 0.98


@pytest.mark.parametrize("method", METHODS)
def test_a_rare_class_drawn_by_chance_lies_on_its_side(method: str) -> None:
    rows = fitted(method, table(20)).sample(1000, np.random.default_rng(2))
    rare = rows[rows[:, 3] == 1]
    assert 20 < len(rare) < 90
    assert on_their_side(rare).mean() >= 0.95


@pytest.mark.parametrize("method", METHODS)
def test_rows_of_a_rare_class_are_no_copies(method: str) -> None:
    matrix = table(3)
    rows = fitted(method, matrix).sample(300, np.random.default_rng(2), given=of_class(300))
    assert not (rows[:, None, :2] == matrix.values[None, :, :2]).all(axis=2).any()
    assert len(np.unique(rows[:, 0])) > 250


@pytest.mark.parametrize("n_rare", [1, 2])
def test_a_class_of_one_or_two_rows_is_written_near_them_and_noted(n_rare: int) -> None:
    matrix = table(n_rare)
    model = fitted("trees", matrix)
    with pytest.warns(FewRowsWarning, match="real row"):
        rows = model.sample(200, np.random.default_rng(2), given=of_class(200))
    real = matrix.values[matrix.values[:, 3] == 1, 0]
    # Half way to the other row at most, and four deviations of the noise around it, which is as
    # wide as the class spreads: the normal rule of one row and two numbers is 1.
    assert np.abs(rows[:, [0]] - real).min(axis=1).max() < np.ptp(real) / 2 + 4 * 1.1


def test_cells_given_beside_a_rare_class_stay_and_lead_to_rows_near_them() -> None:
    matrix = table(20)
    low, high = np.quantile(matrix.values[matrix.values[:, 3] == 1, 0], [0.05, 0.95])
    given = of_class(200)
    given.values[:, 0] = np.repeat([low, high], 100)
    given.known[:, 0] = True
    rows = fitted("trees", matrix).sample(200, np.random.default_rng(2), given=given)
    assert np.array_equal(rows[:, 0], given.values[:, 0])
    assert on_their_side(rows)[100:].all()


def test_a_condition_few_rows_meet_is_met_by_all_written_rows() -> None:
    matrix = table(14)
    cut = float(np.sort(matrix.values[:, 0])[-5])
    condition = between(0, cut, 99)
    rows = fitted("trees", matrix).sample(300, np.random.default_rng(2), condition=condition)
    assert condition.holds(rows).all()
    assert (rows[:, 3] == 1).mean() >= 0.98


@pytest.mark.parametrize("method", ["trees", "copula", "independent", "smotenc"])
def test_a_restored_model_writes_the_same_rare_rows(method: str) -> None:
    model = fitted(method, table(8))
    again = type(model).restore(FIELDS, model.state())
    first, second = (
        m.sample(50, np.random.default_rng(3), given=of_class(50)) for m in (model, again)
    )
    assert np.array_equal(first, second)


@pytest.mark.parametrize("method", ["copula", "independent"])
def test_no_real_rare_row_is_stored_where_the_model_needs_none(method: str) -> None:
    matrix = table(8)
    rare = matrix.values[matrix.values[:, 3] == 1, 0]
    stored = fitted(method, matrix).state().arrays["few/rows"]
    assert not np.isin(stored[:, 0], rare).any()


def blank_rows(n_rows: int, n_columns: int) -> Given:
    shape = (n_rows, n_columns)
    return Given(np.full(shape, np.nan), np.zeros(shape, dtype=np.bool_))


def test_few_rows_count_as_few_below_thirty() -> None:
    y = np.repeat([0.0, 1.0, 2.0], [200, 30, 29])
    x = np.random.default_rng(0).normal(size=259)
    fields = (Field("x"), Field("y", levels=4, target=True))
    few = FewRows.learn(Matrix(np.column_stack([x, y]), fields))
    known = np.tile([False, True], (4, 1))
    asked = np.array([[np.nan, 0.0], [np.nan, 1.0], [np.nan, 2.0], [np.nan, 3.0]])
    apart = list(few.apart(asked, known))
    assert [index.tolist() for index, _ in apart] == [[2]]  # no row at all has code 3
    assert len(apart[0][1]) == 29


def test_a_rare_code_beside_the_target_decides_where_little_is_given() -> None:
    rng = np.random.default_rng(0)
    code = np.repeat([0.0, 1.0], [290, 10])
    y = rng.integers(0, 2, 300)
    fields = (Field("c", levels=2), *map(Field, "abc"), Field("y", levels=2, target=True))
    matrix = Matrix(np.column_stack([code, rng.normal(size=(300, 3)), y]), fields)
    few = FewRows.learn(matrix)
    rows = np.array([[1.0, 0.5, 0.5, 0.5, 0.0]] * 3)
    known = np.array([[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0]], dtype=np.bool_)
    apart = list(few.apart(rows, known))
    assert [index.tolist() for index, _ in apart] == [[0, 1]]


RARE = Rule("y", (3,), lambda rows: rows[:, 3] == 1, {3: np.array([False, True, False])})
FIRST_CHANNEL = Rule(
    "channel", (2,), lambda rows: rows[:, 2] == 0, {2: np.array([True, False, False, False])}
)
POSITIVE = Rule("b > 0", (1,), lambda rows: rows[:, 1] > 0, {1: ((0.0, np.inf),)})


@pytest.mark.parametrize(
    ("n_meeting", "few_meet"), [(0, False), (1, True), (29, True), (30, False)]
)
def test_complying_rows_are_few_below_thirty(n_meeting: int, few_meet: bool) -> None:
    matrix = table(40)
    order = np.sort(matrix.values[:, 0])
    cut = np.inf if n_meeting == 0 else float(order[-n_meeting])
    found = FewRows.learn(matrix).complying(between(0, cut, np.inf), matrix.values)
    assert (found is not None) == few_meet
    if found is not None:
        assert len(found) == n_meeting


THIRD_CHANNEL = Rule(
    "channel", (2,), lambda rows: rows[:, 2] == 2, {2: np.array([False, False, True, False])}
)


@pytest.mark.parametrize(
    ("condition", "n_rare", "decides"),
    [
        (RARE, 1, True),
        (RARE, 29, True),
        (RARE, 30, False),
        (THIRD_CHANNEL, 20, True),
        (Both(POSITIVE, RARE), 20, True),
        (Both(POSITIVE, THIRD_CHANNEL), 20, False),
        (between(0, 6.0, np.inf), 3, False),
    ],
    ids=["one", "few", "enough", "code", "class and more", "code and more", "no code"],
)
def test_a_rare_class_or_a_rare_code_alone_is_written_from_its_own_rows(
    condition: Any, n_rare: int, decides: bool
) -> None:
    matrix = table(n_rare)
    common = matrix.values[matrix.values[:, 3] == 0]
    assert FewRows.learn(matrix).decides(condition, common[:3]) == decides


def test_rows_of_a_rare_class_alone_decide_whatever_is_asked() -> None:
    matrix = table(20)
    rare = matrix.values[:, 3] == 1
    few, condition = FewRows.learn(matrix), between(0, 2.0, np.inf)
    assert few.decides(condition, matrix.values[rare][:3])
    assert not few.decides(condition, matrix.values[np.argsort(rare)[-21:]])


@pytest.mark.parametrize("method", ["trees", "bayes-net", "blend"])
def test_what_few_rows_meet_by_chance_borrows_from_the_others(method: str) -> None:
    """Three rows meet both parts, and have the same channel, which depends on neither."""
    rng = np.random.default_rng(3)
    values = np.column_stack(
        [rng.normal(0, 1, 400), rng.normal(0, 1, 400), rng.integers(0, 3, 400), np.arange(400) % 2]
    )
    both = (values[:, 0] > 1) & (values[:, 1] > 1)
    values[both, :2] -= 3
    values[:3, :2], values[:3, 2] = [[1.2, 1.3], [1.5, 1.1], [2.0, 1.6]], 0
    condition = Both(between(0, 1, np.inf), between(1, 1, np.inf))
    model = fitted(method, Matrix(values, FIELDS))
    rows = model.sample(300, np.random.default_rng(2), condition=condition)
    assert condition.holds(rows).all()
    assert (rows[:, 2] > 0).mean() > 1 / 3, "two thirds of all rows have another channel"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("also", [FIRST_CHANNEL, POSITIVE], ids=["code", "number"])
def test_rare_class_with_what_none_of_it_has_is_written_as_itself(method: str, also: Rule) -> None:
    generator, condition = fitted(method, table(3)), Both(also, RARE)
    rows = generator.sample(50, np.random.default_rng(2), condition=condition)
    assert condition.holds(rows).all()
    assert (rows[:, 0] > 1.5).all()


def test_rare_class_given_stays_itself_under_a_condition_that_none_of_it_meets() -> None:
    generator = fitted("trees", table(3))
    rows = generator.sample(
        50, np.random.default_rng(2), given=of_class(50), condition=FIRST_CHANNEL
    )
    assert FIRST_CHANNEL.holds(rows).all()
    assert (rows[:, 0] > 1.5).all()


def test_the_class_is_never_changed_to_meet_a_condition() -> None:
    few = FewRows.learn(table(3))
    common = Rule("y", (3,), lambda rows: rows[:, 3] == 0, {3: np.array([True, False, False])})
    assert len(few.meeting(few.rows[few.rows[:, 3] == 1], common)) == 0


def test_no_cell_is_missing_in_complete_rows_although_all_real_ones_are() -> None:
    matrix = table(5)
    values = matrix.values.copy()
    rare = values[:, 3] == 1
    values[rare, 0] = np.nan
    values[np.flatnonzero(rare)[:3], 2] = np.nan
    few = FewRows.learn(Matrix(values, FIELDS))
    drawn = few.draw(values[rare], of_class(100), np.random.default_rng(0), complete=True)
    assert not np.isnan(drawn).any()
    gaps = few.draw(values[rare], of_class(400), np.random.default_rng(0))
    assert np.isnan(gaps[:, 0]).all()
    # Three of five rows lack the code, and rows take it from one of them or of neighbours.
    assert 0.35 < np.isnan(gaps[:, 2]).mean() < 0.85


def test_numbers_keep_to_the_range_of_the_table() -> None:
    matrix = table(3)
    rows = fitted("trees", matrix).sample(500, np.random.default_rng(0), given=of_class(500))
    low, high = matrix.values[:, :2].min(axis=0), matrix.values[:, :2].max(axis=0)
    assert (rows[:, :2] >= low).all()
    assert (rows[:, :2] <= high).all()


def test_noise_goes_together_as_numbers_do_inside_classes() -> None:
    """Three rare rows cannot tell; the classes together do, and where they lie does not count."""
    rng = np.random.default_rng(0)
    y = np.arange(400) < 3
    cells = rng.multivariate_normal([0, 0], [[1, -0.9], [-0.9, 1]], 400) + 20 * y[:, None]
    matrix = Matrix(np.column_stack([cells, y]), (Field("a"), Field("b"), ONE_COLUMN[1]))
    few = FewRows.learn(matrix)
    assert few.correlation[0, 1] == pytest.approx(-0.9, abs=0.05)
    assert few.deviation[:2] == pytest.approx([1, 1], abs=0.15)
    base = np.array([[10.0, 10.0, 1.0]])  # far from the ends of the range, which numbers keep
    rows = few.draw(base, blank_rows(2000, 3), rng)
    (a, both), (_, b) = np.cov(rows[:, :2].T)
    assert both / (a * b) ** 0.5 < -0.7


@pytest.mark.parametrize("n_base", [1, 5, 25])
def test_the_noise_is_as_wide_as_the_normal_rule_says(n_base: int) -> None:
    """Rows that lie on one spot spread by the noise alone: Silverman 1986, equation 4.14."""
    rng = np.random.default_rng(0)
    values = np.column_stack([rng.normal(0, 2, (3000, 2)), np.zeros(3000)])
    few = FewRows.learn(Matrix(values, (Field("a"), Field("b"), ONE_COLUMN[1])))
    # Half a hair apart: a number that most rows share would be left alone.
    base = np.column_stack([1e-9 * rng.normal(size=(n_base, 2)), np.ones(n_base)])
    rows = few.draw(base, blank_rows(4000, 3), rng)
    around = _Around(few, base, False)
    width = (4 / (n_base * 4)) ** (1 / 6)
    noise, spread = width * around.deviation[:2], rows[:, :2].std(axis=0)
    # Lines between the rows add less than the rows themselves spread.
    assert (spread > 0.93 * noise).all()
    assert (spread < 1.07 * np.hypot(noise, base[:, :2].std(axis=0))).all()
    # Of one row the spread inside all classes is the only one that is known.
    assert n_base > 1 or around.deviation[:2] == pytest.approx([2, 2], rel=0.05)


def test_a_class_of_two_lumps_is_not_written_between_them() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(424) < 24
    lump = np.where(np.arange(424) % 2 == 0, 6.0, -6.0)
    cells = np.column_stack([rng.normal(size=424) + lump * y, rng.normal(size=424)])
    matrix = Matrix(np.column_stack([cells, y]), (Field("a"), Field("b"), ONE_COLUMN[1]))
    rows = few_rows(matrix, 1000)
    # Lines join neighbours, who are of one lump, and the noise around them has .6 deviations.
    assert (np.abs(rows[:, 0]) < 3).mean() < 0.02
    assert abs((rows[:, 0] > 0).mean() - 0.5) < 0.1


def test_a_file_without_spikes_is_read() -> None:
    few = FewRows.learn(table(5))
    arrays = {name: array for name, array in few.arrays().items() if name != "spikes"}
    again = FewRows.restore(FIELDS, arrays)
    first, second = (
        one.draw(few.rows, of_class(50), np.random.default_rng(0)) for one in (few, again)
    )
    assert np.array_equal(first, second)


def test_rows_of_no_request_are_none() -> None:
    few = FewRows.learn(table(5))
    assert few.draw(few.rows, of_class(0), np.random.default_rng(0)).shape == (0, 4)
