"""Trim: what is kept of candidates from anywhere, and what is said of the others."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC

from tablewright import Schema, Trim
from tablewright.errors import InputError
from tablewright.selection import TrimWarning


def people(n: int, seed: int) -> pl.DataFrame:
    """Age and pay decide the label; the town says nothing; some pays are missing."""
    rng = np.random.default_rng(seed)
    age = rng.integers(20, 70, n)
    pay = np.round(30 + 0.5 * age + rng.normal(0, 6, n), 1)
    score = (pay - 52) / 6 + rng.normal(0, 0.6, n)
    town = rng.choice(["Ulm", "Bonn"], n)
    frame = pl.DataFrame(
        {"age": age, "pay": pay, "town": town, "y": np.where(score > 0, "high", "low")}
    )
    return frame.with_columns(pl.when(pl.arange(n) % 13 > 0).then("pay").alias("pay"))


def wrong(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(y=pl.col("y").replace({"low": "high", "high": "low"}))


def trimmed(candidates: object, train: object = None, **options: object) -> tuple[object, Trim]:
    trim = Trim("y", random_state=0, **options)  # type: ignore[arg-type]  # options vary
    trim.fit(people(100, 0) if train is None else train)
    return trim.transform(candidates), trim


def test_a_pool_of_the_same_distribution_is_kept_but_for_near_copies() -> None:
    kept, trim = trimmed(people(200, 1))
    assert trim.result_.trust == "generator"
    assert len(kept) >= 180  # type: ignore[arg-type]  # a frame
    assert any(
        "the generator is trusted: a model of the pool knows" in n for n in trim.result_.notes
    )


def test_each_rejected_row_has_stage_reason_and_score() -> None:
    odd = people(4, 2).with_columns(town=pl.lit("Paris"))
    candidates = pl.concat([people(56, 1), odd])
    _, trim = trimmed(pl.concat([candidates, candidates.head(5), people(100, 0).head(5)]))
    frame = trim.result_.frame()
    lost = frame.filter(~pl.col("_keep"))
    assert lost["_stage"].n_unique() > 1
    assert (lost["_reason"] != "").all()
    assert lost["_score"].null_count() == 0
    assert frame["_stage"][60:].to_list() == ["near-duplicates"] * 10
    assert frame.filter("_keep")["_reason"].unique().to_list() == [""]


def test_a_pool_that_is_wrong_as_a_whole_is_not_trusted() -> None:
    sound = people(200, 1)
    kept, trim = trimmed(wrong(sound))
    assert trim.result_.trust == "data"
    # Of these the border between the classes says that the wrong label is the right one.
    beyond = sound.filter((pl.col("pay") > 52) != (pl.col("y") == "high"))
    assert len(kept) <= beyond.height  # type: ignore[arg-type]  # a frame


def uniform(rows: pl.DataFrame, n: int) -> pl.DataFrame:
    """Return noise: each cell is drawn from its column's range or values, whatever the others."""
    rng = np.random.default_rng(5)
    return pl.DataFrame(
        {
            "age": rng.integers(20, 70, n),
            "pay": rng.uniform(rows["pay"].min(), rows["pay"].max(), n).round(1),  # type: ignore[arg-type]  # numbers
            "town": rng.choice(["Ulm", "Bonn"], n),
            "y": rng.choice(["low", "high"], n),
        }
    )


def test_of_noise_within_all_ranges_little_is_kept_and_of_half_sound_rows_these_are() -> None:
    trim = Trim("y", random_state=0).fit(people(200, 0))
    sound, noise = people(100, 1), uniform(people(200, 0), 200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrimWarning)
        assert trim.transform(noise).height <= 10
    trim.transform(pl.concat([sound, noise[:100]], how="vertical_relaxed"))
    keep = trim.result_.keep
    assert keep[:100].mean() > 0.8
    assert keep[100:].mean() < keep[:100].mean() - 0.3


def test_with_few_real_rows_a_sound_pool_weighs_something_and_a_wrong_one_nothing() -> None:
    few = people(12, 0)
    kept, trim = trimmed(people(80, 1), few)
    assert len(kept) > 40  # type: ignore[arg-type]  # a frame
    with pytest.warns(TrimWarning, match="nothing was kept of 80 candidates"):
        kept, trim = trimmed(wrong(people(80, 1)), few)
    assert isinstance(kept, pl.DataFrame)
    assert kept.height == 0
    assert kept.schema == few.schema
    assert trim.result_.trust == "data"
    assert any(
        note.startswith("nothing was kept of 80 candidates: use the real rows alone; rejected by")
        for note in trim.result_.notes
    )
    with pytest.warns(TrimWarning, match="nothing was kept"):
        kept, trim = trimmed(people(80, 1), few, trust="data")
    assert "12 real rows do not tell which other rows help" in trim.result_.notes
    kept, trim = trimmed(people(80, 1), few, trust="generator")
    assert isinstance(kept, pl.DataFrame)
    assert kept.height > 20
    assert trim.result_.trust == "generator"


def test_a_scale_that_is_not_whole_is_a_list_of_values() -> None:
    """Diabetes of scikit-learn holds a sex of -0.0446 and 0.0507; each row was "not whole"."""
    draws = np.random.default_rng(0)

    def rows(n: int) -> pl.DataFrame:
        sex = draws.choice([-0.044641636506989144, 0.05068011873981862], n)
        return pl.DataFrame({"sex": sex, "age": draws.normal(0, 1, n)})

    trim = Trim(random_state=0).fit(rows(60))
    assert trim.schema_["sex"].kind.value == "ordinal"
    assert trim.transform(rows(50)).height > 45
    trim.transform(pl.DataFrame({"sex": [0.0, 0.05068011873981862], "age": [0.1, 0.2]}))
    assert "sex: 0.0 is not among its values" in trim.result_.reason


def test_cells_of_any_sort_become_reasons() -> None:
    rows = [
        {"age": " 30 ", "pay": "45.5", "town": " Ulm", "y": "low "},
        {"age": "old", "pay": "45.5", "town": "Ulm", "y": "low"},
        {"age": "400", "pay": "45.5", "town": "Ulm", "y": "low"},
        {"age": "33", "pay": "44", "town": "Paris", "y": "low"},
        {"age": "33.5", "pay": "44", "town": "Bonn", "y": "low"},
        {"age": "41", "pay": "", "town": "Ulm", "y": ""},
        {"age": "", "pay": "", "town": "", "y": ""},
    ]
    kept, trim = trimmed(pl.DataFrame(rows), trust="generator", drop=0.0)
    assert isinstance(kept, pl.DataFrame)
    assert kept.rows() == [(30, 45.5, "Ulm", "low")]
    reasons = trim.result_.reason
    assert reasons[1] == "age: 'old' is not integer"
    assert reasons[2].startswith("age: 400 is above 7")
    assert reasons[3] == "town: 'Paris' is not among its values"
    assert reasons[4] == "age: '33.5' is not integer"
    assert reasons[5] == "y is missing"
    assert reasons[6].startswith("age is missing and town is missing")


def test_missing_cells_are_kept_where_real_rows_have_them() -> None:
    kept, _ = trimmed(people(130, 1))
    assert isinstance(kept, pl.DataFrame)
    assert kept["pay"].null_count() > 0


def test_rules_reject_and_what_real_rows_break_is_told() -> None:
    mined = {"expression": "age >= 25", "source": "mined"}
    _, trim = trimmed(people(60, 1), rules=[mined, "pay < 75"])
    notes = trim.result_.notes
    broken = people(100, 0).filter(pl.col("age") < 25).height
    assert f"rule r1 (age >= 25): {broken} of 100 real rows" in notes[0]
    assert "so it rejects no candidate" in notes[0]
    assert not any("r1" in reason for reason in trim.result_.reason)
    kept, trim = trimmed(people(60, 1), rules=["age >= 25"])
    assert isinstance(kept, pl.DataFrame)
    assert kept.filter(pl.col("age") < 25).height == 0
    assert "so it rejects no candidate" not in trim.result_.notes[0]
    candidates = people(60, 1).with_columns(pay=pl.lit(76.0))
    with pytest.warns(TrimWarning, match="nothing was kept of 60 candidates"):
        _, trim = trimmed(candidates, rules=["pay < 75"])
    assert trim.result_.reason[0] == "breaks rule r1: pay < 75"


def test_quotas_keep_the_best_rows_of_a_class() -> None:
    kept, trim = trimmed(people(200, 1), quotas={"low": 20, "high": 300}, trust="generator")
    assert isinstance(kept, pl.DataFrame)
    assert (kept["y"] == "low").sum() == 20
    judged = trim.result_.frame().filter(pl.col("y") == "low")
    best = judged.filter("_keep")["_score"].min()
    assert isinstance(best, float)
    assert (judged.filter(pl.col("_stage") == "quotas")["_score"] <= best).all()
    assert any(
        note.startswith("quota: ") and "of 300 wanted" in note for note in trim.result_.notes
    )


def test_a_declared_class_that_no_real_row_has_can_come_in() -> None:
    declared = {"y": {"kind": "categorical", "categories": ["low", "high", "top"]}}
    candidates = pl.concat(
        [people(100, 1), people(20, 2).with_columns(y=pl.lit("top"), pay=pl.col("pay") + 10)]
    )
    trim = Trim("y", schema=declared, trust="generator", random_state=0).fit(people(100, 0))
    assert (trim.transform(candidates)["y"] == "top").sum() >= 8
    trim = Trim("y", trust="generator", random_state=0).fit(people(100, 0))
    assert (trim.transform(candidates)["y"] == "top").sum() == 0
    assert trim.result_.reason[-1] == "y: 'top' is not among its values"


def test_without_a_target_labels_are_not_judged() -> None:
    trim = Trim(random_state=0).fit(people(100, 0))
    kept = trim.transform(people(50, 1))
    assert kept.height > 40
    assert "no target was named, so labels were not judged" in trim.result_.notes


def test_the_same_seed_gives_the_same_judgement() -> None:
    for options in ({}, {"variant": "published", "diversity": "no_harm", "c": 0.0}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TrimWarning)
            first, second = (trimmed(people(60, 1), **options)[1].result_ for _ in range(2))
        assert first.frame().equals(second.frame())


def test_frames_of_pandas_come_back_as_such() -> None:
    train = people(100, 0).to_pandas()
    kept, _ = trimmed(people(90, 1).to_pandas(), train)
    assert isinstance(kept, pd.DataFrame)
    assert list(kept.columns) == list(train.columns)
    assert (kept.dtypes == train.dtypes).all()


def test_published_takes_real_rows_over_and_warns_where_it_is_ill_posed() -> None:
    trim = Trim("y", variant="published", diversity="no_harm", c=0.0, random_state=0)
    trim.fit(people(100, 0))
    trim.checks_ = [check for check in trim.checks_ if check.name != "information gain"]
    with pytest.warns(TrimWarning) as caught:
        kept = trim.transform(people(60, 1))
    messages = [str(warning.message) for warning in caught]
    assert any("are real rows: the published cost band takes them over" in m for m in messages)
    assert any("does not see whether labels are right" in m for m in messages)
    result = trim.result_
    assert isinstance(kept, pl.DataFrame)
    assert kept.height == result.n_kept + result.added.height
    assert result.added.height > 0
    assert [name for name, _, _ in result.counts] == [
        "reading", "sanity", "cost band", "diversity"
    ]  # fmt: skip


def test_the_literal_thirty_per_cent_passes_no_batch_and_says_so() -> None:
    trim = Trim("y", variant="published", c=0.0, random_state=0).fit(people(100, 0))
    trim.checks_ = [check for check in trim.checks_ if check.name != "information gain"]
    with pytest.warns(TrimWarning) as caught:
        kept = trim.transform(people(60, 1))
    messages = [str(warning.message) for warning in caught]
    assert any("no batch can pass the diversity rule 'relative'" in m for m in messages)
    assert isinstance(kept, pl.DataFrame)
    assert kept.height == 0


def test_where_nothing_is_kept_the_strict_gates_are_named_with_what_can_be_done() -> None:
    train = people(60, 0)
    for diversity in ("relative", "no_harm"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TrimWarning)
            _, trim = trimmed(
                people(60, 1), train, variant="published", c=50.0, diversity=diversity
            )
        came = {name: (n_in, n_out) for name, n_in, n_out in trim.result_.counts}
        assert came["information gain"][1] == 0  # so that diversity saw no row
        note = trim.result_.notes[-1]
        assert f"information gain {came['information gain'][0]}" in note
        assert "information gain: take c=0 and update='frozen'" in note
        assert "diversity" not in note
        assert not any("no batch can pass the diversity" in n for n in trim.result_.notes)


@pytest.mark.parametrize("estimator", ["boosted trees", GaussianNB()])
def test_the_downstream_model_of_the_published_line_is_a_choice(estimator: Any) -> None:
    def costs(model: Any) -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TrimWarning)
            _, trim = trimmed(people(60, 1), variant="published", c=0.0, estimator=model)
        frame = trim.result_.frame()
        return frame.filter(pl.col("_stage") == "cost band")["_score"].to_numpy()

    own, linear = costs(estimator), costs("linear")
    assert len(own)
    assert not np.array_equal(own, linear)


def test_a_downstream_model_that_is_the_linear_one_judges_as_it_does() -> None:
    """Both are fitted on the same columns; solvers differ in the last digits alone."""
    found = []
    for model in ("linear", LogisticRegression(max_iter=1000)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TrimWarning)
            _, trim = trimmed(
                people(60, 1), variant="published", c=1.0, diversity="no_harm", estimator=model
            )
        found.append(trim.result_.keep.tolist())
    assert found[0] == found[1]


def test_batches_are_judged_in_the_order_of_their_numbers() -> None:
    trim = Trim("y", variant="published", diversity="no_harm", c=0.0, random_state=0)
    table = people(100, 0)
    trim.fit(table)
    rows = people(40, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrimWarning)
        forward = trim.judge(rows, np.repeat([0, 1], 20))
        again = trim.judge(rows[::-1], np.repeat([1, 0], 20))
    assert forward.keep.sum() == again.keep.sum()


def test_it_is_an_estimator() -> None:
    trim = Trim("y", trust="data", drop=0.3, random_state=1)
    assert clone(trim).get_params() == trim.get_params()
    assert trim.set_params(drop=0.1).drop == 0.1


def test_options_that_do_not_fit_are_told_in_one_sentence() -> None:
    train = people(40, 0)
    with pytest.raises(InputError, match="variant is 'default' or 'published', not 'robust'"):
        Trim("y", variant="robust").fit(train)  # type: ignore[arg-type]  # what is tested
    with pytest.raises(InputError, match="trust is 'auto', 'data' or 'generator'"):
        Trim("y", trust="nobody").fit(train)  # type: ignore[arg-type]  # what is tested
    with pytest.raises(InputError, match="there is no class 'hihg'; did you mean 'high'"):
        Trim("y", quotas={"hihg": 3}).fit(train)
    with pytest.raises(InputError, match="the candidates have no column 'town'"):
        Trim("y", random_state=0).fit(train).transform(train.drop("town"))
    with pytest.raises(InputError, match="quotas are rows per class of the target"):
        Trim(quotas={"high": 3}).fit(train)
    with pytest.raises(InputError, match="estimator is 'boosted trees' or 'linear', or an"):
        Trim("y", variant="published", estimator="svm").fit(train)
    with pytest.raises(InputError, match="estimator: LinearSVC has no fit or no predict_proba"):
        Trim("y", variant="published", estimator=LinearSVC()).fit(train)


def test_no_candidates_are_no_error() -> None:
    kept, trim = trimmed(people(3, 1).clear())
    assert isinstance(kept, pl.DataFrame)
    assert kept.height == 0
    assert trim.result_.summary()["in"].sum() == 0


def test_a_schema_given_as_a_whole_is_taken() -> None:
    schema = Schema.build(
        {"age": {"kind": "integer", "minimum": 0, "maximum": 60}, "town": "categorical",
         "pay": {"kind": "continuous", "nullable": True}, "y": "categorical"}, target="y"
    )  # fmt: skip
    trim = Trim(schema=schema, trust="generator", random_state=0).fit(
        people(100, 0).filter(pl.col("age") <= 60)
    )
    trim.transform(people(100, 1))
    old = people(100, 1)["age"] > 60
    assert [stage == "sanity" for stage in trim.result_.stage] == old.to_list()
