"""Parts are rules of the language, cover every row once, and find planted parts."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn.ensemble import RandomForestClassifier

from tablewright.errors import InputError
from tablewright.rules.expressions import parse
from tablewright.schema import Schema
from tablewright.systems.date import partition as module
from tablewright.systems.date.partition import (
    LEVEL,
    Part,
    Parts,
    _judges,
    _Search,
    _Shared,
    _Task,
    partition,
)
from tablewright.systems.date.picture import picture
from tablewright.systems.date.questions import Predicate, Questions, shortest_between

SCHEMA = Schema.build(
    {
        "x": "continuous",
        "count": "integer",
        "group": {"kind": "categorical", "categories": ["a", "b'", "c"]},
        "y": {"kind": "categorical", "categories": ["no", "yes"]},
    },
    target="y",
)


def planted(n_rows: int = 900, seed: int = 0) -> pl.DataFrame:
    """Group "a" wants a large x, the others a small one."""
    rng = np.random.default_rng(seed)
    x, group = rng.normal(size=n_rows).round(3), rng.choice(["a", "b'", "c"], n_rows)
    yes = np.where(group == "a", x > 0, x < 0)
    count = rng.integers(0, 9, n_rows).astype(object)
    count[rng.random(n_rows) < 0.1] = None
    return pl.DataFrame(
        {"x": x, "count": pl.Series(count.tolist(), dtype=pl.Int64), "group": group,
         "y": np.where(yes, "yes", "no")}
    )  # fmt: skip


FRAME = planted(300)
QUESTIONS = Questions(FRAME, SCHEMA, ["x", "count", "group"])


@given(
    st.lists(
        st.tuples(
            st.integers(0, len(QUESTIONS.questions) - 1),
            st.floats(-3, 9, allow_nan=False),
            st.booleans(),
        ),
        min_size=1, max_size=5,
    )
)  # fmt: skip
@settings(max_examples=80)
def test_text_of_predicates_holds_for_the_same_rows(drawn: list[tuple[int, float, bool]]) -> None:
    predicates = [
        Predicate(q, t if QUESTIONS.questions[q].numeric else 0.5, above) for q, t, above in drawn
    ]
    expression = parse(QUESTIONS.text(predicates), SCHEMA)
    assert expression.holds(FRAME).tolist() == QUESTIONS.holds(predicates).tolist()


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_short_number_lies_between(low: float, width: float) -> None:
    high = low + width
    if low < high:
        assert low <= shortest_between(low, high) < high


@pytest.mark.parametrize("method", ["rules", "tree"])
def test_every_row_is_in_one_part_and_counts_agree(method: str) -> None:
    frame = planted()
    parts = partition(frame, SCHEMA, method=method, max_error=0.1)  # type: ignore[arg-type]
    result = parts.of(frame, SCHEMA)
    assert (result >= 0).all()
    assert np.bincount(result, minlength=len(parts)).tolist() == [part.n_rows for part in parts]


def test_rule_search_describes_planted_heterogeneity() -> None:
    frame = planted(3000)
    parts = partition(frame, SCHEMA, method="tree", max_parts=4)
    # Rules about x alone leave two thirds of a leaf in one class; with the group, nearly all.
    labels = frame["y"].to_numpy() == "yes"
    result = parts.of(frame, SCHEMA)
    purity = [max(share, 1 - share) for k in range(4) for share in [labels[result == k].mean()]]
    assert min(purity) > 0.9
    assert all("group" in part.rules[0] and "x" in part.rules[0] for part in parts.parts[:4])


def test_every_part_keeps_its_error_bound() -> None:
    rng = np.random.default_rng(0)
    noisy = planted(2000).with_columns(
        y=pl.when(pl.Series(rng.random(2000) < 0.4) & (pl.col("group") == "c"))
        .then(pl.lit("yes"))
        .otherwise(pl.col("y"))
    )
    parts = partition(noisy, SCHEMA, max_error=0.04)
    described = [part for part in parts if part.rules]
    assert described
    assert all(part.upper_error is not None and part.upper_error <= 0.04 for part in described)


def test_sharing_needs_no_more_models_than_one_a_rule() -> None:
    frame = planted(2000)
    shared = partition(frame, SCHEMA, max_error=0.05, share=True)
    alone = partition(frame, SCHEMA, max_error=0.05, share=False)
    assert len(shared) <= len(alone)


def test_same_seed_gives_the_same_parts() -> None:
    assert partition(planted(), SCHEMA, seed=3) == partition(planted(), SCHEMA, seed=3)


def test_number_is_a_target_too_and_its_error_has_no_scale() -> None:
    frame = planted().with_columns(y=(pl.col("x") * 1e6).cast(pl.Float64))
    schema = SCHEMA.replace(
        SCHEMA["y"].model_copy(update={"kind": "continuous", "categories": None})
    )
    schema = Schema.build({"x": "continuous", "count": "integer", "y": "continuous"}, target="y")
    parts = partition(frame.drop("group"), schema, max_error=0.2)
    assert parts.parts[0].error is not None
    assert parts.parts[0].error < 0.2


def test_saved_parts_are_read_back(tmp_path: Path) -> None:
    parts = partition(planted(), SCHEMA, method="tree")
    parts.save(tmp_path / "parts.yaml")
    again = Parts.load(tmp_path / "parts.yaml", SCHEMA)
    assert [part.rules for part in again] == [part.rules for part in parts]


def test_first_part_that_fits_takes_a_row() -> None:
    parts = Parts((Part("one", ("x > 0",), 0), Part("two", ("x > -1", "group = 'c'"), 0)))
    frame = pl.DataFrame({"x": [1.0, -0.5, -2.0, -2.0], "group": ["a", "a", "a", "c"]})
    assert parts.of(frame, SCHEMA).tolist() == [0, 1, -1, 1]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("parts: {", "not YAML"),
        ("rules: []", "a list of parts"),
        ("parts: [{name: a, rules: 'x > 1'}]", "part 1: give a name and a list of rules"),
        ("parts: [{name: a, rules: ['z > 1']}]", "unknown column 'z'"),
        ("parts: [{name: a, rules: [], rows: many}]", "rows and error are numbers"),
    ],
)
def test_wrong_file_of_parts_is_one_sentence(tmp_path: Path, text: str, match: str) -> None:
    path = tmp_path / "parts.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=match):
        Parts.load(path, SCHEMA)


def test_table_without_a_target_is_refused() -> None:
    with pytest.raises(InputError, match="name the target"):
        partition(planted(), Schema(columns=SCHEMA.columns))


# errors and trials ---------------------------------------------------------------------------


NUMBERS = Schema.build({"x": "continuous", "y": "continuous"}, target="y")


def task(classes: bool = True) -> _Task:
    if classes:
        return _Task.of(planted(300), SCHEMA)
    x = np.linspace(0, 1, 100)
    return _Task.of(pl.DataFrame({"x": x, "y": 4 * x}), NUMBERS)


@pytest.mark.parametrize(("n_wrong", "n_rows"), [(0, 22), (1, 10), (7, 30), (29, 30)])
def test_limit_of_an_error_is_where_so_few_would_be_wrong_once_in_ten(
    n_wrong: int, n_rows: int
) -> None:
    error, limit = task().error(np.repeat([1.0, 0.0], [n_wrong, n_rows - n_wrong]))
    assert error == pytest.approx(n_wrong / n_rows)
    assert binom.cdf(n_wrong, n_rows, limit) == pytest.approx(0.1)


def test_limit_of_rows_that_are_all_wrong_or_none_at_all_is_one() -> None:
    assert task().error(np.ones(5)) == (1.0, 1.0)
    assert task().error(np.zeros(0)) == (1.0, 1.0)


def test_error_of_numbers_is_a_root_of_a_mean_and_its_limit() -> None:
    # Losses 0 and 4: mean 2, standard error sqrt(8 / 2) = 2.
    # Student's t of one degree of freedom is 3.0777 at 90 %.
    error, limit = task(classes=False).error(np.array([0.0, 4.0]))
    assert error == pytest.approx(2**0.5)
    assert limit == pytest.approx((2 + 3.0777 * 2) ** 0.5, rel=1e-4)
    single = task(classes=False).error(np.array([4.0]))
    assert single == pytest.approx((2, (4 * 4.0777) ** 0.5), rel=1e-4)


def test_limit_of_other_rows_that_err_as_often_is_that_of_their_number() -> None:
    made, losses = task(), np.repeat([1.0, 0.0], [2, 18])
    assert made.error(losses, n_rows=20) == made.error(losses)
    assert made.error(losses, n_rows=50)[1] == made.error(np.repeat([1.0, 0.0], [5, 45]))[1]
    assert made.error(losses, level=0.01)[1] > made.error(losses)[1]


def test_residuals_are_shares_of_the_spread_of_the_target() -> None:
    made = task(classes=False)
    missed = made.wrong(made.y[:2] + np.array([0, 2 * made.y.std()]), np.array([0, 1]))
    assert missed == pytest.approx([0, 4])


def test_few_rows_have_a_limit_above_the_bound_even_without_an_error() -> None:
    # 1 - 0.1 ** (1 / 45) is 0.0499, and of 44 rows 0.0510.
    assert task().least_error(45) <= 0.05 < task().least_error(44)
    assert task(classes=False).least_error(3) == 0


def test_a_trial_is_a_whole_forest_judged_on_a_quarter_of_the_rows() -> None:
    made, rows = task(), np.arange(200)
    trial = made.trial(rows, frozenset(), 3)
    assert trial is not None
    fit, judge, state = made._halves(rows, frozenset(), 3)
    assert (len(fit), len(judge)) == (150, 50)
    assert sorted([*fit, *judge]) == rows.tolist()
    forest = RandomForestClassifier(30, random_state=state, min_samples_leaf=2)
    forest.fit(made.questions.matrix[fit], made.y[fit])
    wrong = forest.predict(made.questions.matrix[judge]) != made.y[judge]
    assert trial.losses.tolist() == wrong.tolist()


def test_draws_of_a_trial_hang_on_the_rule_and_the_seed_alone() -> None:
    made, rows = task(), np.arange(100)
    rule = frozenset([Predicate(0, 0.5, True), Predicate(1, 2.0, False)])
    first = made._halves(rows, rule, 0)[0].tolist()
    assert made._halves(rows, frozenset(sorted(rule)), 0)[0].tolist() == first
    assert made._halves(rows, frozenset(), 0)[0].tolist() != first
    assert made._halves(rows, rule, 1)[0].tolist() != first


def test_at_most_four_thousand_rows_are_tried() -> None:
    made = task()
    fit, judge, _ = made._halves(np.arange(9000), frozenset(), 0)
    assert (len(fit), len(judge)) == (3000, 1000)


@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("bound", [0.03, 0.1, 0.3])
def test_no_forest_that_was_left_early_would_have_been_taken(
    monkeypatch: pytest.MonkeyPatch, share: bool, bound: float
) -> None:
    rng = np.random.default_rng(1)
    frame = planted(700).with_columns(
        y=pl.when(pl.Series(rng.random(700) < 0.1)).then(pl.lit("no")).otherwise("y")
    )
    monkeypatch.setattr(module, "MAX_RULES", 10)
    quick = partition(frame, SCHEMA, max_error=bound, share=share)
    trial = _Task.trial

    def whole(self: _Task, *given: Any) -> Any:
        made = trial(self, *given[:3])
        return made if made is not None and given[3](made.losses) else None

    monkeypatch.setattr(_Task, "trial", whole)
    assert partition(frame, SCHEMA, max_error=bound, share=share) == quick


# the search ----------------------------------------------------------------------------------


def search(bound: float = 0.1, share: bool = True, classes: bool = True) -> _Search:
    made = task(classes)
    judges = _judges(len(made.y), 0)
    return _Search(made, judges, bound, min_rows=5, seed=0, share=share)


def test_a_rule_is_as_shareable_as_its_best_model_is_right() -> None:
    made, rows = search(), np.array([0, 1, 2, 3])
    assert made._sharing_index(rows) == 0
    losses = np.ones((2, 300))
    losses[0, :1], losses[1, :3] = 0, 0
    made.models = [_Shared(one, np.zeros(300)) for one in losses]
    assert made._sharing_index(rows) == 0.75


def test_a_model_of_numbers_is_shared_up_to_an_offset() -> None:
    made = search(classes=False)
    spread = made.task.spread
    # By the spread: 0, 0.05, 0.2 and 0.2, and with the offset of 0.1 off by 0.1, 0.05, 0.1, 0.1.
    residuals = np.array([0, 0.05, 0.2, 0.2, *[0.0] * 96]) * spread
    made.models = [_Shared(np.ones(100), residuals)]
    made.max_error = 0.06
    assert made._sharing_index(np.arange(4)) == 0.25
    made.max_error = 0.11
    assert made._sharing_index(np.arange(4)) == 1.0


def test_rows_that_a_model_predicts_share_it_and_are_gone() -> None:
    made, rule = search(), frozenset([Predicate(0, 0.0, True)])
    rows = np.flatnonzero(made._mask(rule))
    made.models = [_Shared(np.zeros(300), np.zeros(300), [frozenset()], 30, 0.2, 0.3)]
    made._visit(rule, rows)
    assert made.models[0].rules == [frozenset(), rule]
    assert made.models[0].n_rows == 30 + len(rows)
    assert made.models[0].error == pytest.approx(0.2 * 30 / (30 + len(rows)))
    assert made.models[0].upper_error == 0.3
    assert not made.left[rows].any()
    assert made.left.sum() == 300 - len(rows)


def test_tree_that_errs_much_spares_its_forest(monkeypatch: pytest.MonkeyPatch) -> None:
    made, rows = search(bound=0.5).task, np.arange(300)
    tree = made.proposal(rows, frozenset(), 0)

    def good(losses: Any) -> bool:
        return bool(losses.mean() <= 0.3)

    assert made.trial(rows, frozenset(), 0, good, tree) is not None
    monkeypatch.setattr(tree, "predict", lambda matrix: np.full(len(matrix), -1.0))
    assert made.trial(rows, frozenset(), 0, good, tree) is None


def test_without_sharing_rows_get_a_model_of_their_own() -> None:
    made, rule = search(bound=0.9, share=False), frozenset([Predicate(0, 0.0, True)])
    made.models = [_Shared(np.zeros(300), np.zeros(300))]
    made._visit(rule, np.flatnonzero(made._mask(rule)))
    assert [shared.rules for shared in made.models] == [[], [rule]]


def test_a_rule_is_refined_by_both_sides_of_each_split_once() -> None:
    made, rule = search(), frozenset([Predicate(0, 0.0, True)])
    rows = np.flatnonzero(made._mask(rule))
    tree = made.task.proposal(rows, rule, 0).tree_
    made._refine(rule, rows, tree)
    n_splits = sum(tree.children_left >= 0)
    assert 0 < len(made.queue) - 1 == len(set(made.index)) - 1 <= 2 * n_splits
    assert all(rule < longer for _, _, longer in made.queue[1:])
    before = len(made.queue)
    made._refine(rule, rows, tree)
    assert len(made.queue) == before


def test_the_most_shareable_rule_is_visited_first_and_by_its_latest_index(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = search()
    rules = [frozenset([Predicate(0, float(k), True)]) for k in range(3)]
    made.index = dict(zip(rules, (0.1, 0.9, 0.5), strict=True))
    made.queue = [(-0.9, 1, rules[1]), (-0.8, 0, rules[0]), (-0.5, 2, rules[2]),
                  (-0.1, 3, rules[0])]  # fmt: skip
    visited: list[frozenset[Predicate]] = []
    monkeypatch.setattr(_Search, "_visit", lambda self, rule, rows: visited.append(rule))
    monkeypatch.setattr(_Search, "_can_be_taken", lambda self, n_rows: True)
    made.min_rows = 0
    made.run(60)
    assert visited == [rules[1], rules[2], rules[0]]


def test_rules_of_too_few_judging_rows_to_keep_the_bound_are_not_visited() -> None:
    # Half of the level is left for the first test: 1 - 0.05 ** (1 / 59) is 0.0495.
    made = search(bound=0.05)
    judges, others = np.flatnonzero(made.judges), np.flatnonzero(~made.judges)
    assert made._can_be_taken(np.concatenate([judges[:59], others]))
    assert not made._can_be_taken(np.concatenate([judges[:57], others]))
    assert not made._can_be_taken(np.concatenate([judges, others[:3]]))
    made.n_failed = 1
    assert not made._can_be_taken(np.concatenate([judges[:59], others]))


def test_tests_that_fail_never_spend_more_than_the_level() -> None:
    made = search()
    spent = 0.0
    for made.n_failed in range(1000):
        spent += made.level
    assert 0.99 * LEVEL < spent < LEVEL


def test_a_test_that_passes_spends_nothing_and_one_that_fails_a_part_of_the_level() -> None:
    made = search(bound=0.5)
    level = made.level
    assert made._kept(np.ones(50)) is None
    assert (made.n_failed, made.level) == (1, level / 3)
    assert made._kept(np.zeros(50)) == made.task.error(np.zeros(50), level / 3)
    assert made.n_failed == 1


def test_what_judges_has_no_part_in_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = planted(700)
    seen: set[int] = set()
    learned = _Task._learned

    def noted(self: _Task, rows: Any) -> Any:
        seen.update(rows.tolist())
        return learned(self, rows)

    monkeypatch.setattr(_Task, "_learned", noted)
    monkeypatch.setattr(module, "MAX_RULES", 8)
    assert len(partition(frame, SCHEMA)) > 0
    judges = _judges(700, 0)
    assert judges.sum() == 175
    assert not judges[sorted(seen)].any()


def test_shuffled_labels_have_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    # At a rate of one in ten, more than 3 of 8 tables have a part once in 200 times.
    monkeypatch.setattr(module, "MAX_RULES", 8)
    tables = [planted(160, seed).with_columns(pl.col("y").shuffle(seed)) for seed in range(8)]
    cut = [len(partition(table, SCHEMA, min_rows=20)) > 1 for table in tables]
    assert sum(cut) <= binom.ppf(0.995, 8, LEVEL)


def test_no_rule_is_visited_after_the_time_is_up() -> None:
    parts = partition(planted(200), SCHEMA, max_error=0.9, time_limit=-1)
    assert [(part.name, part.n_rows) for part in parts] == [("rest", 200)]


def test_a_rule_for_all_rows_leaves_no_rest() -> None:
    (part,) = partition(planted(200), SCHEMA, max_error=0.99)
    assert (part.name, part.rules, part.n_rows) == ("part 1", (), 200)


def test_without_a_bound_parts_have_nine_tenths_of_the_error_of_one_model() -> None:
    frame = planted(400)
    searched = np.flatnonzero(~_judges(400, 0))
    whole = _Task.of(frame, SCHEMA).cross_fitted(searched, 0)
    assert partition(frame, SCHEMA) == partition(frame, SCHEMA, max_error=0.9 * whole)


def test_error_of_one_model_is_that_of_rows_it_did_not_see() -> None:
    noise = planted(400).with_columns(pl.col("y").shuffle(seed=0))
    rows = np.arange(400)
    # Half of the labels are of each class: 99.9 % of such errors lie in this interval.
    low, high = binom.interval(0.999, 400, 0.5)
    assert low <= 400 * _Task.of(noise, SCHEMA).cross_fitted(rows, 0) <= high
    assert _Task.of(planted(400), SCHEMA).cross_fitted(rows, 0) < 0.1
    assert _Task.of(noise, SCHEMA).cross_fitted(rows[:1], 0) == 1


def test_a_table_that_was_not_cut_says_why() -> None:
    noise = planted(200).with_columns(pl.col("y").shuffle(seed=0))
    assert partition(planted(200), SCHEMA, max_error=0.99).note == (
        "the table was not cut: one model keeps the error bound of 0.99 for all rows; a smaller "
        "max_error cuts it"
    )
    assert re.fullmatch(
        r"the table was not cut: no rule of 190 rows or more was found whose model surely "
        r"\(90 %, for all rules together\) errs by no more than 0\.\d+, 0\.9 times the 0\.\d+ of "
        r"one model for all rows; a larger max_error or method='tree' cuts it",
        partition(noise, SCHEMA, min_rows=190).note,
    )
    assert partition(noise, SCHEMA, max_error=0.01).note.endswith(
        "no more than 0.01; a larger max_error or method='tree' cuts it"
    )
    easy = planted(60).with_columns(x=pl.when(pl.col("y") == "yes").then(5.0).otherwise(-5.0))
    assert "one model errs in none of the rows that were held out" in partition(easy, SCHEMA).note
    assert partition(planted(), SCHEMA, method="tree").note == ""


# leaves of a tree ----------------------------------------------------------------------------


@pytest.mark.parametrize("max_parts", [2, 5])
def test_leaves_are_no_more_and_no_smaller_than_asked_and_come_by_size(max_parts: int) -> None:
    parts = partition(planted(), SCHEMA, method="tree", max_parts=max_parts, min_rows=80)
    sizes = [part.n_rows for part in parts.parts[:-1]]
    assert len(sizes) <= max_parts
    assert min(sizes) >= 80
    assert sizes == sorted(sizes, reverse=True)
    assert [part.name for part in parts] == [f"part {k + 1}" for k in range(len(sizes))] + ["rest"]


def test_a_tree_that_asks_nothing_makes_one_part_of_all_rows() -> None:
    parts = partition(planted(50), SCHEMA, method="tree", min_rows=40)
    assert [(part.rules, part.n_rows) for part in parts] == [((), 50)]
    assert str(parts).endswith("rows or more on both sides; a smaller min_rows cuts it")


# parts as text -------------------------------------------------------------------------------


def test_parts_are_shown_with_rows_error_and_rules() -> None:
    parts = Parts((Part("one", ("x > 0", "x < -9"), 1200, 0.25), Part("rest", (), 3)))
    assert str(parts).splitlines() == [
        "one: 1,200 rows, error 0.250", "    x > 0", "    x < -9", "rest: 3 rows",
        "    all other rows",
    ]  # fmt: skip


def test_parts_keep_rows_and_error_in_their_file_and_get_names(tmp_path: Path) -> None:
    path = tmp_path / "parts.yaml"
    Parts((Part("one", ("group = 'b'''",), 7, 0.25),)).save(path)
    assert Parts.load(path, SCHEMA).parts == (Part("one", ("group = 'b'''",), 7, 0.25),)
    path.write_text("parts: [{rules: ['x > 1']}, {}]")
    assert Parts.load(path, SCHEMA).parts == (Part("part 1", ("x > 1",), 0), Part("part 2", (), 0))


@pytest.mark.parametrize("kinds", [{"y": "categorical"}, {"y": "categorical", "n": "text"}])
def test_a_table_without_a_column_to_ask_about_is_refused(kinds: dict[str, str]) -> None:
    frame = pl.DataFrame({"y": ["a", "b"], "n": ["no", "words"]}).select(list(kinds))
    with pytest.raises(InputError, match="no column, or too few rows"):
        partition(frame, Schema.build(kinds, target="y"))


def test_rows_without_a_target_are_in_no_count() -> None:
    frame = pl.concat([planted(100), planted(30).with_columns(y=pl.lit(None, dtype=pl.String))])
    assert sum(part.n_rows for part in partition(frame, SCHEMA, method="tree")) == 100


def test_bars_are_as_long_as_parts_have_rows_and_dark_as_far_as_they_err() -> None:
    parts = Parts((Part("a<b", ("x > 1",), 100, 0.25), Part("rest", (), 50)))
    drawn = str(picture(parts))
    widths = [float(width) for width in re.findall(r'<rect[^>]*? width="([\d.]+)"', drawn)]
    assert widths == [320.0, 80.0, 160.0, 0.0]
    assert "a&lt;b" in drawn
    assert "100 rows, error 0.250" in drawn
    assert picture(parts) in parts._repr_html_()
