"""Parts of the checks against scikit-learn, SciPy, or a count by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.linear_model import Ridge

from tablewright.errors import InputError
from tablewright.metrics.learners import Design
from tablewright.schema import Schema
from tablewright.selection.arms import Pulls, best, fitting, play
from tablewright.selection.candidates import read_candidates
from tablewright.selection.distances import NearDuplicates, Outliers
from tablewright.selection.diversity import Diversity
from tablewright.selection.feature_space import RealRows, normal_scores
from tablewright.selection.information import InformationGain, Model, log_determinant
from tablewright.selection.label_features import LabelFeatures, _feature_ranks, _out_of_bag
from tablewright.selection.model_prior import Evidence, _gaussian, _Prior, class_posterior
from tablewright.selection.pipeline import Trimmed
from tablewright.selection.relations import _surprise
from tablewright.selection.sanity import Sanity
from tablewright.selection.selector import Selector, cut_groups
from tablewright.selection.thresholds import _loss, fill_quotas

SCHEMA = Schema.build({"x": "continuous", "y": "categorical"}, target="y")


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def two_classes(n: int, seed: int) -> pl.DataFrame:
    draws = np.random.default_rng(seed)
    x = draws.normal(size=n)
    return pl.DataFrame({"x": x, "y": np.where(x + draws.normal(0, 0.6, n) > 0, "b", "a")})


# groups of candidates -------------------------------------------------------------


def test_values_of_arms_are_those_of_a_ridge_regression_with_its_errors() -> None:
    draws = np.random.default_rng(3)
    gains: dict[tuple[int, ...], NDArray[Any]] = {}

    def reward(arms: Any) -> NDArray[Any]:
        return gains.setdefault(tuple(arms), draws.normal(size=7))

    pulls = Pulls(3, reward)
    sets = [[0], [1], [0, 1], [2], [0, 2], [1, 2]]
    for drawn in sets:
        pulls.pull(drawn)
    member = np.array([[arm in drawn for arm in range(3)] for drawn in sets], dtype=float)
    target = np.array([gains[tuple(drawn)] - gains[()] for drawn in sets])
    # an offset that is hardly penalised is a free intercept
    expected = Ridge(alpha=1.0).fit(member, target).coef_.T
    result = pulls.values()
    assert result.value == pytest.approx(expected.mean(axis=1), abs=1e-4)
    assert result.error == pytest.approx(stats.sem(expected, axis=1), abs=1e-4)
    assert result.n_pulls.tolist() == [3, 3, 3]
    # what one unit more in the gain of each set does, and what the sets leave unexplained
    units = [Ridge(alpha=1.0).fit(member, unit) for unit in np.eye(len(sets))]
    fitted = Ridge(alpha=1.0).fit(member, target.mean(axis=1)).predict(member)
    freedom = len(sets) - sum(model.predict(member)[k] for k, model in enumerate(units))
    variance = ((target.mean(axis=1) - fitted) ** 2).sum() / freedom
    swayed = np.array([model.coef_ for model in units])
    assert result.set_error == pytest.approx(np.sqrt(variance * (swayed**2).sum(axis=0)), abs=1e-4)
    assert pulls.values(np.array([4])).value == pytest.approx(expected[:, 4], abs=1e-4)
    assert np.isinf(pulls.values(np.array([4])).error).all()


def test_four_sets_an_arm_are_scored_and_no_fewer_than_twenty_four() -> None:
    for n_arms, at_least in [(2, 24), (10, 40)]:
        pulls = Pulls(n_arms, lambda arms: np.full(5, len(arms), dtype=float))
        play(pulls, np.ones(n_arms, dtype=np.intp), 100, rng())
        phases = int(np.ceil(np.log2(n_arms)))
        assert len(pulls.sets) == phases * -(-at_least // phases)


def test_arms_worth_more_than_nothing_are_taken_the_best_first() -> None:
    """Gains that add up, whole or thinned to the rows wanted, and what is best of the offers."""
    worth = np.array([0.3, 0.1, 0.5, -0.2])
    sizes = np.full(4, 10, dtype=np.intp)

    def choice(n_rows: int, final: float) -> list[int]:
        def thinned(arms: Any) -> NDArray[Any]:
            size = sizes[list(arms)].sum()
            return np.full(5, worth[list(arms)].sum() * min(1, n_rows / max(size, 1)) ** final)

        pulls = Pulls(4, lambda arms: np.full(5, worth[list(arms)].sum()), thinned)
        for drawn in [[0], [1], [2], [3], [0, 1], [1, 2], [2, 3], [0, 3], [0, 2], [1, 3]] * 9:
            pulls.pull(drawn)
        return sorted(best(pulls, sizes, n_rows))

    assert choice(40, 1) == [0, 1, 2]
    assert choice(20, 1) == [0, 2]
    assert choice(10, 1) == [2]
    # Where thinning costs nothing, a draw of all good arms is better than one arm that fits.
    assert choice(10, 0) == [0, 1, 2]
    assert fitting([2, 0], np.array([0.3, 0.1, 0.5]), np.array([10, 0, 11]), 11) == [2]


def test_nothing_is_taken_where_no_offer_gains() -> None:
    pulls = Pulls(2, lambda arms: np.full(3, -float(len(arms))))
    play(pulls, np.ones(2, dtype=np.intp), 2, rng())
    assert best(pulls, np.ones(2, dtype=np.intp), 2) == []


def test_a_draw_of_all_is_taken_where_the_arms_help_only_together() -> None:
    pulls = Pulls(
        3, lambda arms: np.full(3, -1.0 * len(arms)), lambda arms: np.full(3, len(arms) == 3)
    )
    play(pulls, np.ones(3, dtype=np.intp), 3, rng())
    assert sorted(best(pulls, np.ones(3, dtype=np.intp), 3)) == [0, 1, 2]


def test_large_groups_are_cut_into_arms() -> None:
    names, arm_of = cut_groups(["u"] * 30 + ["v"] * 5)
    sizes = np.bincount(arm_of)
    assert sizes.sum() == 35
    assert [name.split(" (")[0] for name in names] == ["u"] * (len(names) - 1) + ["v"]
    assert names[1] == "u (2)"
    assert sizes[-1] == 5
    assert max(sizes[:-1]) == sizes[0]


def test_the_honest_gain_judges_each_fold_by_the_choice_of_the_others() -> None:
    """The only arm helps the rows of one fold alone, and is taken wherever these choose."""
    selector = Selector(target="y", random_state=0).fit(two_classes(60, 0))
    keys = selector.scorer_.keys
    fold = np.random.default_rng(5).permutation(int(keys.max()) + 1)[keys] % 5
    helped = fold == 0

    def honest(gain: float, others: float) -> float:
        pulls = Pulls(1, lambda arms: np.where(helped, gain, others) * len(arms))
        for _ in range(20):
            pulls.pull([0])
            pulls.pull([])
        result = selector._honest(pulls, np.ones(1, dtype=np.intp), 5, np.random.default_rng(5))
        assert result is not None
        return result.value

    share = float(helped.mean())
    # The fold that is helped is judged by a choice of nothing, the others by one that it swayed.
    assert honest(10.0, -1.0) == pytest.approx(share - 1, abs=0.02)
    assert honest(1.0, 0.5) == pytest.approx(share + 0.5 * (1 - share), abs=0.02)
    assert honest(1.0, -1.0) == 0


# candidates -----------------------------------------------------------------------


def test_cells_are_read_into_the_types_of_the_real_rows() -> None:
    schema = Schema.build({"n": "integer", "day": "date", "ok": "boolean", "id": "identifier"})
    rows = pl.DataFrame({"n": ["3", "x", ""], "day": ["2024-02-29", "2023-02-29", None],
                         "ok": ["true", "false", "true"]})  # fmt: skip
    read = read_candidates(rows, schema)
    assert read.frame["n"].to_list() == [3, None, None]
    assert read.frame["id"].to_list() == [None] * 3
    assert read.unreadable == ["", "n: 'x' is not integer", ""]
    with pytest.raises(InputError, match="the candidates have no column 'day'; did you mean"):
        read_candidates(rows.rename({"day": "days"}), schema)


def test_a_long_cell_is_cut_in_its_reason() -> None:
    schema = Schema.build({"n": "integer"})
    [reason] = read_candidates(pl.DataFrame({"n": ["9x" * 500]}), schema).unreadable
    assert reason == f"n: {'9x' * 20!r} is not integer"


# ranges and missing cells ---------------------------------------------------------


def inferred(**columns: list[float]) -> tuple[pl.DataFrame, Schema]:
    kinds = {
        name: {"kind": "continuous", "minimum": min(cells), "maximum": max(cells), "why": "numbers"}
        for name, cells in columns.items()
    }
    return pl.DataFrame(columns), Schema.build(kinds)


def test_room_beyond_the_real_range_shrinks_with_the_rows_and_stops_at_zero() -> None:
    for n, room in [(16, 0.5), (100, 0.2), (900, 0.1)]:
        cells = np.linspace(-1, 1, n).tolist()
        real, schema = inferred(v=cells)
        edge = 1 + 2 * room
        rows = pl.DataFrame({"v": [edge - 0.01, edge + 0.01, -edge + 0.01, -edge - 0.01]})
        check = Sanity().fit(real, schema, rng())
        assert check.judge(rows, rng()).keep.tolist() == [True, False, True, False]
    for sign in (1.0, -1.0):
        real, schema = inferred(v=(sign * np.linspace(0.5, 9, 16)).tolist())
        check = Sanity().fit(real, schema, rng())
        rows = pl.DataFrame({"v": [0.0, sign * 0.01, -sign * 0.01]})
        assert check.judge(rows, rng()).keep.tolist() == [True, True, False]


def test_cells_may_be_missing_where_the_schema_or_real_rows_allow_it_and_never_in_the_target() -> (
    None
):
    schema = Schema.build(
        {"a": {"kind": "continuous", "nullable": True}, "b": "continuous", "c": "continuous",
         "y": {"kind": "categorical", "nullable": True}}, target="y")  # fmt: skip
    real = pl.DataFrame({"a": [1.0, 2], "b": [1.0, None], "c": [1.0, 2], "y": [*"uv"]})
    rows = pl.DataFrame(
        {"a": [None, 1, 1, 1], "b": [1, None, 1, 1], "c": [1, 1, None, 1], "y": [*"uuu", None]},
        schema_overrides={"a": pl.Float64, "b": pl.Float64, "c": pl.Float64},
    )  # fmt: skip
    assert Sanity().fit(real, schema, rng()).judge(rows, rng()).reasons == [
        "", "", "c is missing", "y is missing"
    ]  # fmt: skip


# distances, relations, diversity --------------------------------------------------


def test_limits_of_distances_are_quantiles_of_the_real_ones() -> None:
    real = pl.DataFrame({"x": [0.0, 1, 3, 7, 10], "y": [*"ababa"]})
    apart = np.array([1, 1, 2, 3, 3]) / 10  # to the nearest other, in units of the range
    assert NearDuplicates(0.5).fit(real, SCHEMA, rng()).cut_ == pytest.approx(np.median(apart))
    outliers = Outliers().fit(real, SCHEMA, rng())
    assert outliers.limit_ == pytest.approx(
        (1 + 2 / np.sqrt(len(apart))) * np.quantile(apart, 0.99)
    )
    assert np.isinf(Outliers(min_rows=6).fit(real, SCHEMA, rng()).limit_)
    with pytest.raises(InputError, match=r"quantile lies between 0 and 1, not 1\.5"):
        NearDuplicates(1.5)
    with pytest.raises(InputError, match="factor is above 0, not 0"):
        Outliers(0)


def test_normal_scores_are_quantiles_of_mid_ranks() -> None:
    knots = np.array([1.0, 2.0, 2.0, 5.0])
    scores = normal_scores(np.array([0.0, 2.0, 9.0]), knots)
    assert scores == pytest.approx(stats.norm.ppf([0.1, 0.5, 0.9]))
    feature = RealRows.fit(pl.DataFrame({"x": knots, "y": [*"abab"]}), SCHEMA).encoder.features[0]
    ranked = _feature_ranks(feature, knots, np.array([0.0, 2.0, np.nan]))
    assert ranked[:, 0] == pytest.approx([*stats.norm.ppf([0.1, 0.5]), 0.0])
    assert ranked[:, 1].tolist() == [0.0, 0.0, 1.0]


def test_the_surprise_of_a_category_is_minus_its_log_probability_cut_at_one_in_a_hundred() -> None:
    p = np.array([[0.5, 0.5], [0.999, 0.001], [0.3, 0.7]])
    surprise = _surprise(np.array([0.0, 2.0]), p, np.array([2.0, 2.0, 1.0]))
    assert surprise == pytest.approx([-np.log(0.5), -np.log(0.01), 0.0])


def test_diversity_thresholds_are_shares_of_the_entropy_or_of_the_room_above_it() -> None:
    real = pl.DataFrame({"x": [0.0, 0.1, 0.2, 0.3, 5, 5.1, 9, 9.1, 9.2], "y": [*"abcabcabc"]})
    for rule, share in {"relative": "entropy", "headroom": "room", "absolute": "one"}.items():
        check = Diversity(rule, 0.3).fit(real, SCHEMA, rng())  # type: ignore[arg-type]  # of RULES
        counts = np.bincount(check.labels_)
        amount = {"entropy": stats.entropy(counts), "one": 1.0}
        amount["room"] = np.log(len(counts)) - stats.entropy(counts)
        assert check.limit(5, rng()) == pytest.approx(0.3 * amount[share])
    assert Diversity("non_negative").fit(real, SCHEMA, rng()).limit(5, rng()) == 0.0
    with pytest.raises(InputError, match="max_removed lies between 0 and 1, not 2"):
        Diversity(max_removed=2)


# information and losses -----------------------------------------------------------


def design(rows: pl.DataFrame) -> tuple[RealRows, Design]:
    real_rows = RealRows.fit(rows, SCHEMA)
    return real_rows, real_rows.design(real_rows.real)


def test_determinants_are_those_of_the_curvature_by_hand() -> None:
    _, rows = design(two_classes(40, 0).with_columns(y=pl.Series([*"abcd"] * 10)))
    from tablewright.metrics.learners import fit

    model = Model(fit("linear", rows, 4, rng()), rows)
    p = model.predict(rows)
    z = np.column_stack([rows.linear, np.ones(40)])
    curvature = np.zeros((4 * z.shape[1],) * 2)
    for row, q in zip(z, p, strict=True):
        curvature += np.kron(np.diag(q) - np.outer(q, q), np.outer(row, row))
    whole = np.linalg.slogdet(np.eye(len(curvature)) + curvature)[1]
    blocks = [np.eye(z.shape[1]) + (z * (q * (1 - q))[:, None]).T @ z for q in p.T]
    assert log_determinant(rows, model, 4, "full") == pytest.approx(whole)
    expected = sum(np.linalg.slogdet(block)[1] for block in blocks)
    assert log_determinant(rows, model, 4, "one-vs-rest") == pytest.approx(expected)
    expected = sum(np.log(np.diag(block)).sum() for block in blocks)
    assert log_determinant(rows, model, 4, "diagonal") == pytest.approx(expected)
    with pytest.raises(InputError):
        InformationGain(form="half")  # type: ignore[arg-type]  # what is tested


def test_determinants_of_numbers_are_in_units_of_the_residual_spread() -> None:
    schema = Schema.build({"x": "continuous", "y": "continuous"}, target="y")
    x = np.linspace(-1, 1, 30)
    real_rows = RealRows.fit(pl.DataFrame({"x": x, "y": 10 * x + rng().normal(0, 3, 30)}), schema)
    rows = real_rows.design(real_rows.real)
    ridge = Ridge(alpha=1.0).fit(rows.linear, rows.y)
    spread = (rows.y - ridge.predict(rows.linear)).std()
    z = np.column_stack([rows.linear, np.ones(30)])
    expected = np.linalg.slogdet(np.eye(z.shape[1]) + z.T @ z / spread**2)[1]
    model = Model(lambda design: ridge.predict(design.linear), rows)
    assert log_determinant(rows, model, 0) == pytest.approx(expected)


def test_the_spread_of_a_gap_is_that_of_differences_of_independent_batches() -> None:
    check = InformationGain(n_null=200).fit(two_classes(30, 0), SCHEMA, rng())
    gains = np.array(
        [
            check.gain(
                check.real_.take(np.random.default_rng(k).integers(30, size=20)), check.real_
            )
            for k in range(400)
        ]
    )
    gaps = gains[::2] - gains[1::2]
    # two standard deviations from 200 draws each: the error of their ratio is 1 / sqrt(200)
    assert check.spread(20) == pytest.approx(gaps.std(ddof=1), rel=3 * 200**-0.5)


def test_losses_are_squared_errors_of_numbers_and_log_losses_of_classes() -> None:
    schema = Schema.build({"x": "continuous", "y": "continuous"}, target="y")
    x = np.linspace(-1, 1, 30)
    real_rows = RealRows.fit(pl.DataFrame({"x": x, "y": 2 * x}), schema)
    rows = real_rows.design(real_rows.real)
    ridge = Ridge(alpha=1.0).fit(rows.linear, rows.y)
    expected = ((rows.y - ridge.predict(rows.linear)) ** 2).mean()
    assert _loss(rows, rows, real_rows, "linear") == pytest.approx(expected)
    real_rows, rows = design(two_classes(50, 0))
    from tablewright.metrics.learners import fit

    p = fit("linear", rows, 3, rng())(rows)[np.arange(50), rows.y.astype(int)]
    assert _loss(rows, rows, real_rows, "linear") == pytest.approx(-np.log(p).mean())


# beliefs about labels -------------------------------------------------------------


def test_out_of_bag_means_leave_out_the_trees_that_saw_a_row() -> None:
    votes = [np.array([1.0, 2.0, 3.0]), np.array([5.0, 6.0, 7.0])]
    samples = [np.array([0, 2]), np.array([2, 2, 1])]
    assert _out_of_bag(votes, samples, 3, -1.0).tolist() == [5.0, 2.0, -1.0]


def test_a_belief_in_numbers_is_a_gaussian_process_where_it_has_no_slope() -> None:
    draws = np.random.default_rng(0)
    x, new = draws.normal(size=(12, 1)), draws.normal(size=(5, 1))
    y = np.sin(x[:, 0])
    kernel = RBF(1.0)
    rows = np.vstack([x, new])
    evidence = Evidence(np.zeros(17), kernel(rows, x), np.ones(17))
    result = _gaussian(evidence, y, _Prior(0.0, np.zeros(17), np.zeros(17)), 1.0, 0.3)
    # the intercept of variance 2 is a constant kernel
    process = GaussianProcessRegressor(
        kernel + 2.0 + WhiteKernel(0.3), optimizer=None, alpha=1e-12
    ).fit(x, y)
    mean, spread = process.predict(new, return_std=True)
    assert result.mean == pytest.approx(mean, abs=1e-6)
    assert result.variance == pytest.approx(spread**2, abs=1e-6)
    n = len(x)
    expected = process.log_marginal_likelihood_value_ + n / 2 * np.log(2 * np.pi)
    assert result.log_evidence == pytest.approx(expected, abs=1e-6)


def test_real_rows_outweigh_a_belief_that_they_contradict() -> None:
    x = np.r_[np.linspace(-1, 1, 20), -1.0, 1.0]
    kernel = np.outer(x, x[:20])
    evidence = Evidence(-2 * x, kernel, x**2)
    posterior = class_posterior(evidence, x[:20] > 0)
    assert posterior.probability[0] < 0.2 < 0.8 < posterior.probability[1]
    assert posterior.slope < 0.27 / 2  # half of its mean before any row is seen


def test_a_forest_says_nothing_of_fewer_than_six_rows() -> None:
    few = LabelFeatures.of(two_classes(5, 0), two_classes(3, 1), SCHEMA)
    assert few.class_logits(np.array([True, False, True, False, True])).tolist() == [0.0] * 8
    assert few.number_scores(np.arange(5.0)).tolist() == [0.0] * 8
    many = LabelFeatures.of(two_classes(40, 0), two_classes(30, 1), SCHEMA)
    assert many.kernel.shape == (70, 40)
    # a real row is as like itself as its variance says
    assert np.diag(many.kernel) == pytest.approx(many.variance[:40])
    logits = many.class_logits((two_classes(40, 0)["y"] == "b").to_numpy())[40:]
    x = two_classes(30, 1)["x"].to_numpy()
    clear = np.abs(x) > 1  # beyond 1.5 standard deviations of the noise
    assert (np.sign(logits[clear]) == np.sign(x[clear])).all()


# quotas ---------------------------------------------------------------------------


def test_quotas_keep_the_best_by_the_score_of_whoever_was_trusted() -> None:
    rows = pl.DataFrame({"x": np.arange(5.0), "y": [*"aaaab"]})
    score = np.array([0.4, np.nan, 0.9, 0.1, 0.5])

    def kept(trust: str) -> list[bool]:
        result = Trimmed(rows, np.ones(5, dtype=bool), [""] * 5, [""] * 5, score, rows.clear(), [],
                         trust=trust)  # fmt: skip
        filled = fill_quotas(result, {"a": 2, "b": 3}, SCHEMA)
        assert filled.counts == [("quotas", 5, 3)]
        assert filled.notes == ["quota: 1 rows of class b are left of 3 wanted"]
        assert filled.reason.count("there are 2 better rows of class a") == 2
        return filled.keep.tolist()  # type: ignore[no-any-return]

    assert kept("generator") == [True, False, True, False, True]  # larger is better
    assert kept("data") == [True, False, False, True, True]  # smaller is better
