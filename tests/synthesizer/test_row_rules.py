"""``sample(rules=...)``: rows of every generator keep rules, without fitting again."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.errors import ConditionError, RuleError
from tablewright.rules import as_rules, check_rules
from tablewright.synthesizer.row_rules import RuleWarning
from tablewright.synthesizer.synthesizer import Synthesizer


def people(n: int = 500) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    start = rng.integers(0, 50, n)
    height, weight = rng.normal(1.7, 0.1, n).round(2), rng.normal(70, 9, n).round(1)
    job = rng.choice(["clerk", "cook", "smith"], n)
    note = [None if rng.random() < 0.2 else str(j)[0] for j in job]
    return pl.DataFrame(
        {
            "id": [f"P{i:05d}" for i in range(n)],
            "age": rng.integers(18, 90, n),
            "job": job,
            "note": note,
            "start": start,
            "end": start + rng.integers(0, 30, n),
            "height": height,
            "weight": weight,
            "bmi": (weight / height**2).round(1),
        }
    )


PEOPLE = people()
RULES: list[Any] = [
    "age >= 18",
    {"kind": "order", "columns": ["start", "end"]},
    {"kind": "formula", "column": "bmi", "expr": "weight / (height * height)"},
    {"kind": "fd", "from": ["job"], "to": "note"},
    {"kind": "implies", "if": "bmi > 30", "then": "age < 80", "intervention": True},
    {"kind": "unique", "columns": ["id"]},
]


@pytest.fixture(scope="module", params=["trees", "copula", "independent"])
def fitted(request: Any) -> Synthesizer:
    return Synthesizer(str(request.param), target="job", random_state=0).fit(PEOPLE)


def quiet(synthesizer: Synthesizer, *args: Any, **options: Any) -> pl.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuleWarning)
        result: pl.DataFrame = synthesizer.sample(*args, **options)
    return result


def test_rules_hold_after_rounding(fitted: Synthesizer) -> None:
    frame = quiet(fitted, 700, rules=RULES)
    assert (frame.height, frame.columns) == (700, PEOPLE.columns)
    report = check_rules(frame, as_rules(RULES), fitted.schema_, real=PEOPLE)
    assert [result.name for result in report.broken] == []
    assert fitted.audit_.n_rows == 700
    assert fitted.audit_["r3"].computed > 0


def test_rules_with_a_condition(fitted: Synthesizer) -> None:
    frame = quiet(fitted, 200, rules=RULES, where="bmi > 25 AND job <> 'cook'")
    report = check_rules(frame, as_rules([*RULES, "bmi > 25", "job <> 'cook'"]), fitted.schema_,
                         real=PEOPLE)  # fmt: skip
    assert [result.name for result in report.broken] == []


def test_rules_with_given_cells(fitted: Synthesizer) -> None:
    given = PEOPLE.select("start", "job").head(40).with_columns(weight=pl.lit(99.0))
    frame = quiet(fitted, rules=RULES[:4], seed_data=given)
    assert frame.select("start", "job").equals(given.select("start", "job"))
    assert (frame["weight"] == 99.0).all()
    assert check_rules(frame, as_rules(RULES[:4]), fitted.schema_, real=PEOPLE).ok


def test_rules_with_balanced_classes(fitted: Synthesizer) -> None:
    rules: list[Any] = ["job <> 'cook' OR age < 60"]
    frame = quiet(fitted, 300, rules=[{"expression": rules[0], "intervention": True}],
                  balance="equal")  # fmt: skip
    assert frame["job"].value_counts()["count"].to_list() == [100, 100, 100]
    assert check_rules(frame, as_rules(rules), fitted.schema_).ok


def test_same_seed_same_rows_in_any_pieces(fitted: Synthesizer) -> None:
    whole = quiet(fitted, 300, rules=RULES, random_state=1)
    assert quiet(fitted, 300, rules=RULES, random_state=1).equals(whole)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuleWarning)
        pieces = list(fitted.batches(300, rules=RULES, batch_size=70, random_state=1))
    assert pl.concat(pieces).equals(whole)


def test_rules_of_a_stored_synthesizer(fitted: Synthesizer, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    again = Synthesizer.load(tmp_path / "model")
    written = [*RULES[:3], {**RULES[3], "map": {"clerk": "c", "cook": "c", "smith": "s"}}]
    first, second = (quiet(m, 200, rules=written, random_state=1) for m in (fitted, again))
    assert second.equals(first)


@pytest.mark.parametrize("method", ["trees", "independent"])
def test_load_learns_maps_from_real_rows_or_warns(method: str, tmp_path: Path) -> None:
    synthesizer = Synthesizer(method, target="job", random_state=0).fit(PEOPLE)
    synthesizer.save(tmp_path / "model")
    again = Synthesizer.load(tmp_path / "model")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RuleWarning)
        rows = again.sample(200, rules=[RULES[1], RULES[3]], random_state=1)
    assert rows.drop_nulls("note").group_by("job").agg(pl.col("note").n_unique())["note"].max() == 1
    if method == "trees":
        assert (rows["job"].str.head(1) == rows["note"]).drop_nulls().all()
        assert not caught
    else:  # nothing is said about real rows, which the file does not hold
        (warning,) = caught
        assert str(warning.message).startswith("rule 'r2' learns its map from rows of the model")


def test_sample_keeps_a_hard_rule_that_real_rows_break_and_warns() -> None:
    synthesizer = Synthesizer("trees", random_state=0).fit(PEOPLE)
    with pytest.warns(RuleWarning, match=r"rule 'r1' is kept by every row .* although \d"):
        demanded = synthesizer.sample(400, rules=["age >= 40"])
    assert (demanded["age"] >= 40).all()
    with pytest.warns(RuleWarning, match="rule 'r1' became soft"):
        mined = synthesizer.sample(400, rules=[{"expression": "age >= 40", "source": "mined"}])
    kept, real = (float((frame["age"] >= 40).mean()) for frame in (mined, PEOPLE))  # type: ignore[arg-type]
    assert kept == pytest.approx(real, abs=0.08)  # three standard errors of 400 rows
    with pytest.warns(RuleWarning, match="is an intervention"):
        hard = synthesizer.sample(400, rules=[{"expression": "age >= 40", "intervention": True}])
    assert (hard["age"] >= 40).all()
    audit = synthesizer.audit_["r1"]
    assert audit.repaired == 400 - audit.drawn_right > 50
    assert audit.moved["age"] > 0.1


@pytest.mark.parametrize(
    ("share", "min_rows", "message"),
    [
        ((0.0, 1.0), 50, None),
        ((0.0, 1.0), 51, "by 50 rows: it asks for at least 51 that meet age > 40, and its share "
                         "allows 50; draw 51 or more, or lower min_rows"),
        ((0.1, 0.3), 15, None),
        ((0.1, 0.3), 16, "by 50 rows: it asks for at least 16 that meet age > 40, and its share "
                         "allows 15; draw 54 or more, or lower min_rows"),
        ((0.0, 0.0), 1, "by 50 rows: it asks for at least 1 that meet age > 40, and its share "
                        "allows 0; lower min_rows"),
    ],
)  # fmt: skip
def test_sample_warns_of_a_quota_that_asks_for_more_rows_than_can_meet_it(
    share: tuple[float, float], min_rows: int, message: str | None
) -> None:
    rule = {"name": "old", "kind": "quota", "where": "age > 40", "share": share}
    synthesizer = Synthesizer("independent", random_state=0).fit(PEOPLE)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        synthesizer.sample(50, rules=[rule | {"min_rows": min_rows}])
    reported = [str(one.message) for one in caught if "cannot be kept" in str(one.message)]
    assert reported == ([] if message is None else [f"rule 'old' cannot be kept {message}"])


def test_impossible_requests_are_refused() -> None:
    synthesizer = Synthesizer("trees", random_state=0).fit(PEOPLE)
    with pytest.raises(RuleError, match="r1, r2 cannot hold together"):
        synthesizer.sample(10, rules=["age > 60", "age < 20"])
    with pytest.raises(RuleError, match="where, r1 cannot hold together"):
        synthesizer.sample(10, rules=["age > 60"], where="age < 20")
    with pytest.raises(RuleError, match="did you mean 'age'"):
        synthesizer.sample(10, rules=["agee > 60"])
    with pytest.raises((RuleError, ConditionError)):
        synthesizer.sample(10, rules=[{"expression": "age * 0 > 1", "intervention": True}])


def test_seed_data_stays_where_rows_are_moved_to_keep_a_rule() -> None:
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 100, 300).round(1)
    table = pl.DataFrame({"low": low, "high": (low + rng.uniform(0, 100, 300)).round(1)})
    seeds = pl.DataFrame({"low": [150.0, 50.0, None] * 5, "high": [None, None, 90.0] * 5})

    rows = (
        Synthesizer("trees", random_state=0)
        .fit(table)
        .sample(seed_data=seeds, rules=["low <= high"])
    )

    assert rows.select((pl.col("low") <= pl.col("high")).all()).item()
    for name in seeds.columns:
        assert (rows[name] == seeds[name]).drop_nulls().all()


PAIRS = as_rules(["low <= high", "both = low + high"])


def pairs() -> pl.DataFrame:
    """Rows that keep PAIRS, a quarter of whose cells are empty."""
    rng = np.random.default_rng(0)
    low = rng.integers(0, 100, 300)
    high = low + rng.integers(0, 100, 300)
    table = pl.DataFrame({"low": low, "high": high, "both": low + high, "kind": ["x", "y"] * 150})
    return table.with_columns(
        pl.when(pl.Series(rng.random(300) < 0.75)).then(pl.col(name)) for name in table.columns
    )


def stays(before: pl.DataFrame, after: pl.DataFrame) -> bool:
    return all((after[name] == before[name]).drop_nulls().all() for name in before.columns)


@pytest.mark.parametrize("method", ["trees", "copula", "independent"])
def test_filled_cells_keep_rules_and_the_others_stay(method: str) -> None:
    table = pairs()
    synthesizer = Synthesizer(method, random_state=0).fit(table)

    rows = synthesizer.impute(table, rules=PAIRS)

    assert sum(rows.null_count().row(0)) == 0
    assert stays(table, rows)
    assert check_rules(rows, PAIRS, synthesizer.schema_).broken == []
    assert synthesizer.impute(table, rules=PAIRS).equals(rows)


def test_rows_that_cannot_be_filled_by_a_rule_are_counted_and_filled() -> None:
    table = pairs()
    lost = pl.DataFrame({"low": [90, 90], "high": [None, 95], "both": [100, None], "kind": "x"})
    synthesizer = Synthesizer("trees", random_state=0).fit(table)

    with pytest.warns(RuleWarning, match="broken by 1 of 2 rows with filled cells: nothing was"):
        rows = synthesizer.impute(lost, rules=PAIRS)

    assert stays(lost, rows)
    assert rows["both"].to_list() == [100, 185]
    assert rows["high"].null_count() == 0


def test_filling_says_which_rules_it_does_not_apply() -> None:
    rules = [{"name": "apart", "kind": "unique", "columns": ["low", "high"]}]
    with pytest.warns(RuleWarning, match="only hard rules of single rows .* not applied: 'apart'"):
        Synthesizer("independent", random_state=0).fit(pairs()).impute(pairs(), rules=rules)
