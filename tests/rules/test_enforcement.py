"""Rows keep rules after they were rounded; the audit says what that took."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.errors import ConditionError, RuleError
from tablewright.rules import as_rules, bind, check_rules, validate_rules
from tablewright.rules.enforcement import Audit, Enforcer, Plan
from tablewright.schema import Schema
from tests.rules.samplers import ShuffledRows, Stubborn

SCHEMA = Schema.build(
    {
        "age": "integer",
        "job": {"kind": "categorical", "categories": ["clerk", "cook", "retired"]},
        "start": "integer",
        "end": "integer",
        "limit": {"kind": "continuous", "decimals": 2},
        "income": {"kind": "continuous", "decimals": 2},
        "height": {"kind": "continuous", "decimals": 2},
        "weight": {"kind": "continuous", "decimals": 1},
        "bmi": {"kind": "continuous", "decimals": 1},
        "code": {"kind": "categorical", "categories": ["c1", "c2", "c3"]},
        "y": {"kind": "categorical", "categories": [0, 1]},
        "mood": {"kind": "categorical", "categories": ["good", "bad", "so"], "nullable": True},
        "when": "date",
        "done": "date",
    },
    target="y",
)


def real(n: int = 2000) -> pl.DataFrame:
    rng = np.random.default_rng(11)
    job = rng.choice(["clerk", "cook", "retired"], n, p=[0.5, 0.3, 0.2])
    age = np.where(job == "retired", rng.integers(60, 90, n), rng.integers(18, 66, n))
    start = rng.integers(0, 50, n)
    income = rng.gamma(3, 900, n).round(2)
    height, weight = rng.normal(1.7, 0.1, n).round(2), rng.normal(75, 12, n).round(1)
    day = np.datetime64("2020-01-01") + rng.integers(0, 300, n)
    mood = rng.choice(["good", "bad", "so"], n).astype(object)
    mood[rng.random(n) < 0.1] = None
    return pl.DataFrame(
        {
            "age": age,
            "job": job,
            "start": start,
            "end": start + rng.integers(0, 40, n),
            "limit": (0.4 * income * rng.uniform(0.2, 1, n)).round(2),
            "income": income,
            "height": height,
            "weight": weight,
            "bmi": (weight / height**2).round(1),
            "code": [{"clerk": "c1", "cook": "c2", "retired": "c3"}[str(j)] for j in job],
            "y": rng.integers(0, 2, n),
            "mood": pl.Series(mood.tolist(), dtype=pl.String),
            "when": pl.Series(day),
            "done": pl.Series(day + rng.integers(0, 30, n)),
        }
    )


REAL = real()


def enforced(
    rules: list[Any], n: int = 600, seed: int = 0, blocks: int = 1
) -> tuple[pl.DataFrame, list[Audit], ShuffledRows]:
    result = validate_rules(as_rules(rules), SCHEMA, REAL).require()
    sampler, rng = ShuffledRows(REAL), np.random.default_rng(seed)
    enforcer = Enforcer(Plan.of(result.bound, SCHEMA), SCHEMA.target, n * blocks)
    created = [enforcer.finish(sampler.draw(n, rng), sampler, rng) for _ in range(blocks)]
    return pl.concat([frame for frame, _ in created]), [audit for _, audit in created], sampler


HARD: list[Any] = [
    "age BETWEEN 18 AND 90",
    "job <> 'retired' OR age >= 50",
    {"kind": "implies", "if": "job = 'cook'", "then": "age < 66"},
    {"kind": "iff", "a": "job = 'retired'", "b": "code = 'c3'"},
    {"kind": "forbid", "all": ["age < 30", "income > 3000"], "intervention": True},
    {"kind": "range", "column": "income", "min": 100, "max": 9000, "intervention": True},
    {"kind": "order", "columns": ["start", "end"]},
    {"kind": "order", "columns": ["when", "done"]},
    {"kind": "linear", "terms": {"limit": 1, "income": -0.4}, "op": "<=", "value": 0.01},
    {"kind": "fd", "from": ["job"], "to": "code"},
    {"kind": "formula", "column": "bmi", "expr": "weight / (height * height)"},
    {"kind": "align", "on": "y", "attribute": "mood", "pairs": {"1": ["good", "so"]},
     "intervention": True},
]  # fmt: skip


@pytest.mark.parametrize("rule", HARD, ids=str)
def test_each_kind_holds_for_every_row(rule: Any) -> None:
    frame, _, _ = enforced([rule])
    assert frame.height == 600
    assert check_rules(frame, as_rules([rule]), SCHEMA, real=REAL).results[0].violations == 0


def test_all_kinds_hold_together_and_types_stay() -> None:
    frame, audits, _ = enforced(HARD, n=100)
    assert (frame.height, frame.schema) == (100, REAL.schema)
    report = check_rules(frame, as_rules(HARD), SCHEMA, real=REAL)
    assert [result.name for result in report.broken] == []
    assert [rule.broken for rule in audits[0].rules] == [0] * len(HARD)


def test_the_audit_counts_rows_and_moves() -> None:
    frame, (audit,), sampler = enforced([{"kind": "order", "columns": ["start", "end"]}])
    drawn = ShuffledRows(REAL).draw(600, np.random.default_rng(0))
    broken = int((drawn["start"] > drawn["end"]).sum())
    rule = audit["r1"]
    assert rule.drawn_right == 600 - broken
    assert rule.repaired + rule.projected + rule.redrawn == broken > 0
    assert set(rule.moved) == {"start", "end"}
    assert rule.moved["start"] == 0.0
    assert 0.0 < rule.moved["end"] <= broken / 600 + 1e-9
    assert frame["start"].equals(drawn["start"])
    assert sampler.redrawn[0] == (("end",), broken)


def test_rules_that_rows_keep_cost_nothing() -> None:
    rules: list[Any] = ["age >= 18", "age <= 90", {"kind": "fd", "from": ["job"], "to": "job2"}][:2]
    _, (audit,), sampler = enforced(rules)
    assert sampler.redrawn == []
    assert audit.largest_move == 0.0


def test_computed_columns_are_computed_and_their_inputs_drawn_for_rules_on_them() -> None:
    rules: list[Any] = [
        {"kind": "formula", "column": "bmi", "expr": "weight / (height * height)"},
        {"expression": "bmi < 25", "intervention": True},
    ]
    frame, (audit,), sampler = enforced(rules)
    assert (frame["bmi"] < 25).all()
    assert all("weight / (height * height) < 25" in text for text in sampler.conditions)
    assert audit["r1"].computed > 0


def test_dependencies_both_ways() -> None:
    rules: list[Any] = [
        {"kind": "fd", "from": ["job"], "to": "code"},
        {"kind": "fd", "from": ["code"], "to": "job"},
    ]
    frame, _, _ = enforced(rules)
    assert frame.select("job", "code").n_unique() == 3


def test_linear_rules_are_projected_onto_the_grid_of_written_values() -> None:
    rules: list[Any] = [
        {"kind": "order", "columns": ["start", "end"], "strictly": True, "intervention": True},
        {"kind": "linear", "terms": {"limit": 1, "income": -0.4}, "op": "<=", "value": 0.01},
        {"kind": "linear", "terms": {"start": 1, "end": 1}, "op": "<=", "value": 80,
         "intervention": True},
        {"kind": "order", "columns": ["when", "done"]},
    ]  # fmt: skip
    result = validate_rules(as_rules(rules), SCHEMA, REAL).require()
    sampler, rng = Stubborn(REAL), np.random.default_rng(0)
    drawn = sampler.draw(200, rng)
    frame, audit = Enforcer(Plan.of(result.bound, SCHEMA), "y", 200).finish(drawn, sampler, rng)
    assert check_rules(frame, result.bound, SCHEMA).ok
    assert (frame["limit"] * 100 - (frame["limit"] * 100).round()).abs().max() < 1e-6  # type: ignore[operator]
    assert audit["r1"].projected == 200 - audit["r1"].drawn_right
    assert audit["r1"].repaired == 0
    untouched = (drawn["start"] < drawn["end"]) & (drawn["start"] + drawn["end"] <= 80)
    assert frame["start"].filter(untouched).equals(drawn["start"].filter(untouched))


@pytest.mark.parametrize(
    ("strength", "kept"),
    [({"probability": 0.9}, 0.9), ({"weight": 2.0}, None), ({"weight": 20}, 1)],
)
def test_soft_rules_hold_as_often_as_they_say(strength: dict[str, float], kept: Any) -> None:
    rule = {"expression": "age >= 40", "severity": "soft", **strength}
    frame, _, _ = enforced([rule], n=2000)
    share = float((frame["age"] >= 40).mean())  # type: ignore[arg-type]
    drawn = float((REAL["age"] >= 40).mean())  # type: ignore[arg-type]
    requested = 1 - (1 - drawn) * np.exp(-2.0) if kept is None else kept
    assert share == pytest.approx(requested, abs=0.03)


def test_a_soft_rule_that_rows_keep_often_enough_changes_nothing() -> None:
    _, _, sampler = enforced([{"expression": "age >= 19", "severity": "soft", "probability": 0.5}])
    assert sampler.redrawn == []


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "quota", "where": "job = 'retired'", "share": [0.5, 0.6]},
        {"kind": "quota", "where": "job = 'retired'", "share": [0.0, 0.05]},
        {"kind": "quota", "where": "y = 1", "min_rows": 450},
        {"kind": "conditional", "given": "job = 'cook'", "column": "y", "dist": {0: 0.9, 1: 0.1}},
        {"kind": "conditional", "column": "mood", "dist": {"good": 0.2, "bad": 0.7, "so": 0.1}},
    ],
    ids=str,
)
def test_rules_about_shares_come_about(rule: Any) -> None:
    frame, _, _ = enforced([rule, "job <> 'retired' OR age >= 50"])
    assert check_rules(frame, as_rules([rule, "job <> 'retired' OR age >= 50"]), SCHEMA).ok


def test_keys_are_unique_over_all_blocks() -> None:
    rule = {"kind": "unique", "columns": ["age", "start"], "intervention": True}
    frame, _, _ = enforced([rule], n=150, blocks=3)
    assert frame.select("age", "start").is_duplicated().sum() == 0


def test_new_combinations_are_remembered_over_blocks() -> None:
    rules = [{"kind": "fd", "from": ["age", "start"], "to": "job", "intervention": True}]
    frame, _, _ = enforced(rules, n=400, blocks=3)
    assert check_rules(frame, as_rules(rules), SCHEMA).ok


def test_missing_values_stay_where_null_is_no_violation() -> None:
    frame, _, _ = enforced([{"expression": "mood <> 'bad'", "intervention": True}])
    assert frame["mood"].null_count() > 20
    strict, _, _ = enforced([{"expression": "mood <> 'bad'", "strict": True, "intervention": True}])
    assert strict["mood"].null_count() == 0


def test_impossible_rules_are_named() -> None:
    rules: list[Any] = [
        {"name": "curved", "expression": "income * limit < 0", "intervention": True},
        "age >= 18",
    ]
    with pytest.raises(RuleError, match="rule 'curved' made it impossible: 2 of 2 rows"):
        enforced(rules, n=2)


def test_too_few_keys_are_named() -> None:
    rule = {"name": "key", "kind": "unique", "columns": ["job"], "intervention": True}
    with pytest.raises(RuleError, match="'key' cannot be kept for 10 rows"):
        enforced([rule], n=10)


def test_same_seed_same_rows() -> None:
    assert enforced(HARD, 50, 4)[0].equals(enforced(HARD, 50, 4)[0])


class Rationed(ShuffledRows):
    """Repeats one key until a redraw of which number is reached."""

    def __init__(self, real: pl.DataFrame, helps_at: int) -> None:
        super().__init__(real)
        self.helps_at = helps_at

    def redraw(self, frame: pl.DataFrame, *args: Any) -> pl.DataFrame:
        self.redrawn.append(((), frame.height))
        helps = len(self.redrawn) >= self.helps_at
        ages = pl.int_range(pl.len(), dtype=pl.Int64) if helps else pl.lit(7, pl.Int64)
        return frame.with_columns(age=ages)


def enforced_key(helps_at: int) -> tuple[pl.DataFrame, Rationed]:
    rules = as_rules([{"name": "key", "kind": "unique", "columns": ["age"]}])
    sampler = Rationed(REAL, helps_at)
    drawn = REAL.head(4).with_columns(age=pl.lit(7, pl.Int64))
    enforcer = Enforcer(Plan.of(bind(rules, SCHEMA), SCHEMA), "y", 4)
    return enforcer.finish(drawn, sampler, np.random.default_rng(0))[0], sampler


@pytest.mark.parametrize("helps_at", [1, 11, 12])
def test_finish_looks_at_keys_after_every_redraw_the_last_one_too(helps_at: int) -> None:
    frame, sampler = enforced_key(helps_at)
    assert (frame["age"].n_unique(), len(sampler.redrawn)) == (4, helps_at)


def test_finish_gives_up_on_keys_after_twelve_redraws() -> None:
    with pytest.raises(RuleError, match="'key' cannot be kept for 4 rows"):
        enforced_key(13)


class OnePair(ShuffledRows):
    """Gives the same pair for any redraw, as a method does that looks at the nearest rows."""

    def redraw(self, frame: pl.DataFrame, *args: Any) -> pl.DataFrame:
        return frame.with_columns(age=pl.lit(1, pl.Int64), income=pl.lit(2, pl.Int64))


def test_keys_are_put_together_from_known_values_where_drawing_repeats_them() -> None:
    schema = Schema.build({"age": "integer", "income": "integer", "y": "integer"})
    rules = as_rules([{"kind": "unique", "columns": ["age", "income"]}, "age < income", "age > 0"])
    drawn = pl.DataFrame({"age": [1, 2, 3] * 4, "income": [2, 3, 4, 5] * 3, "y": [0] * 12})
    enforcer = Enforcer(Plan.of(bind(rules, schema), schema), "y", 9)
    start = drawn.with_columns(income=pl.max_horizontal("income", pl.col("age") + 1)).head(9)
    frame, _ = enforcer.finish(start, OnePair(start), np.random.default_rng(0))
    assert not frame.select("age", "income").is_duplicated().any()
    assert (frame["age"] < frame["income"]).all()


def test_keys_that_are_offered_leave_given_cells_alone() -> None:
    schema = Schema.build({"age": "integer", "income": "integer"})
    rules = as_rules([{"kind": "unique", "columns": ["age", "income"]}])
    drawn = pl.DataFrame({"age": [1] * 5 + [2, 3, 4], "income": [2] * 5 + [7, 8, 9]})
    fixed = drawn.select(age=pl.when(pl.int_range(8) < 4).then("age"))
    enforcer = Enforcer(Plan.of(bind(rules, schema), schema), None, 8)
    frame, _ = enforcer.finish(drawn, OnePair(drawn), np.random.default_rng(0), fixed)
    assert frame["age"][:4].to_list() == [1] * 4
    assert not frame.is_duplicated().any()


# the cost of what cannot be kept, in calls of the generator

MEASURES = Schema.build(
    {
        "a_measured": {"kind": "categorical", "categories": ["t", "f"]},
        "b_measured": {"kind": "categorical", "categories": ["t", "f"]},
        "a": "integer",
        "b": "integer",
    }
)
BOTH_OR_NEITHER: list[Any] = [
    {"kind": "iff", "a": "a_measured = 'f'", "b": "a = 7"},
    {"kind": "iff", "a": "b_measured = 'f'", "b": "b = 7"},
    {"kind": "iff", "a": "a = 7", "b": "b = 7"},
]
"""As a miner finds them where two values are filled in wherever they were not measured."""


class Counted(ShuffledRows):
    """Notes for each draw how many rows it was asked for, and whether they could comply."""

    def __init__(self, real: pl.DataFrame, tries: int = 25) -> None:
        super().__init__(real, tries)
        self.answers: list[tuple[tuple[str, ...], int, bool]] = []

    def redraw(self, frame: pl.DataFrame, rows: Any, columns: Any, *args: Any) -> pl.DataFrame:
        self.answers.append((tuple(columns), frame.height, False))
        result = super().redraw(frame, rows, columns, *args)
        self.answers[-1] = (tuple(columns), frame.height, True)
        return result


def repaired(
    drawn: pl.DataFrame, rules: list[Any], schema: Schema, sampler: Counted
) -> pl.DataFrame:
    plan = Plan.of(bind(as_rules(rules), schema), schema)
    frame, _ = Enforcer(plan, None, drawn.height).finish(drawn, sampler, np.random.default_rng(0))
    assert not check_rules(frame, as_rules(rules), schema).broken
    return frame


def test_rows_whose_given_cells_exclude_each_other_cost_few_draws() -> None:
    every = pl.DataFrame({"a_measured": ["t", "f"], "b_measured": ["t", "f"], "a": [3, 7]})
    sampler = Counted(every.with_columns(b=pl.col("a")), tries=80)
    drawn = pl.DataFrame({"a_measured": ["t", "f"] * 50, "b_measured": ["f", "t"] * 50})
    drawn = drawn.with_columns(a=pl.lit(7, pl.Int64), b=pl.lit(3, pl.Int64))
    repaired(drawn, BOTH_OR_NEITHER, MEASURES, sampler)
    failed = [columns for columns, _, complied in sampler.answers if not complied]
    # Of one half of the rows a and b are tried, of the other b, then both: five draws each, as
    # many as a single row that cannot comply needs and one more. The same is not asked again.
    assert sorted(failed) == [("a", "b")] * 10 + [("b",)] * 5


ROOM = Schema.build({"room": "integer", "n": "integer"})


def test_rows_that_nothing_fits_are_asked_five_times_for_one_column() -> None:
    sampler = Counted(pl.DataFrame({"room": [9, 9], "n": [5, 9]}))
    repaired(pl.DataFrame({"room": [0] * 100, "n": [5] * 100}), ["n <= room"], ROOM, sampler)
    assert sampler.answers == [
        (("n",), 100, False), (("n",), 50, False), (("n",), 50, False), (("n",), 25, False),
        (("n",), 25, False),
        (("room", "n"), 100, True),
    ]  # fmt: skip


def test_one_row_that_nothing_fits_takes_one_other_with_it() -> None:
    sampler = Counted(pl.DataFrame({"room": [9, 9], "n": [5, 9]}))
    drawn = pl.DataFrame({"room": [0] + [9] * 15, "n": [10] * 16})
    repaired(drawn, ["n <= room"], ROOM, sampler)
    assert sampler.answers[:7] == [
        (("n",), 16, False), (("n",), 8, False), (("n",), 8, True), (("n",), 4, False),
        (("n",), 4, True), (("n",), 2, False), (("n",), 2, True),
    ]  # fmt: skip
    assert sampler.answers[7:] == [(("room", "n"), 2, True)]


class Moody(Counted):
    """Finds no row the first eighteen times."""

    def redraw(self, frame: pl.DataFrame, rows: Any, columns: Any, *args: Any) -> pl.DataFrame:
        if len(self.answers) < 18:
            self.answers.append((tuple(columns), frame.height, False))
            raise ConditionError("no row was found")
        return super().redraw(frame, rows, columns, *args)


def test_whole_rows_are_asked_for_as_often_as_halving_goes() -> None:
    sampler = Moody(pl.DataFrame({"room": [9, 9], "n": [5, 5]}))
    repaired(pl.DataFrame({"room": [0] * 8, "n": [5] * 8}), ["n * n < room * room"], ROOM, sampler)
    # Five draws fail for one column and five for both columns, all that follow are of whole rows.
    sizes = [n_rows for _, n_rows, _ in sampler.answers[10:]]
    assert sizes == [8, 4, 4, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1]


def test_many_sets_of_columns_are_drawn_in_sixteen_draws() -> None:
    names = list("abcdef")
    schema = Schema.build(dict.fromkeys(names, "integer"))
    table = pl.DataFrame([[k >> i & 1 for i in range(6)] for k in range(64)], names, orient="row")
    bound = bind(as_rules([f"{name} = 0" for name in names]), schema)
    sampler = Counted(table, tries=2000)
    enforcer = Enforcer(Plan.of(bound, schema), None, 64)
    frame, _ = enforcer.finish(table, sampler, np.random.default_rng(0))
    assert frame.sum().row(0) == (0,) * 6
    # 63 sets of columns break rules: 15 are drawn by themselves, the other 48 rows at once.
    assert [n_rows for _, n_rows, complied in sampler.answers if complied] == [*[1] * 15, 48]
