"""Any column name goes through every verb, in Python and on the command line."""

from __future__ import annotations

import csv
import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright import Synthesizer
from tablewright.errors import ConditionError, ExpressionError
from tablewright.rules import as_rules, check_rules, to_json
from tablewright.schema import inner_name
from tests.cli.running import Runner

NAMES = [
    *("count", "n", "len", "value", "values", "code", "level", "label", "class", "row", "rows"),
    *("index", "key", "text", "weight", "literal", "key_right", "row_real", "is", "be", "x", "y"),
    *("_stage", "_reason", "_score", "\0seen", "\0", "", " ", "*", "^.*$", "^a.*$", "a", "ab"),
    *("a,b", 'c"d', "e;f", "g\nh", "[x]", "{y}", "$z", "NULL", "true", "select", "ä ö", "column_1"),
]


def table(names: list[str]) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    n = 60
    kinds = [
        lambda: rng.choice(["no", "yes"], n),
        lambda: rng.normal(0, 1, n).round(2),
        lambda: rng.integers(0, 90, n),
        lambda: rng.choice(["p", "q", "r"], n),
    ]
    result = {}
    for at, name in enumerate(names):
        column = pl.Series(kinds[at % 4]())
        result[name] = column.set(pl.Series(rng.random(n) < 0.1), None) if at % 4 == 1 else column
    return pl.DataFrame(result)


GROUPS = [NAMES[at : at + 4] for at in range(0, len(NAMES), 4)]


@pytest.mark.parametrize("names", GROUPS, ids=repr)
@pytest.mark.parametrize("method", ["trees", "copula"])
def test_names_go_through_python(names: list[str], method: str, tmp_path: Path) -> None:
    frame = table(names)
    result = Synthesizer(method, target=names[0], random_state=0).fit(frame)
    assert result.sample(20).columns == names
    assert result.sample(balance="fill").columns == names
    filled = [result.sample(seed_data=frame[:5], random_state=1) for _ in range(2)]
    assert filled[0].equals(filled[1])
    assert result.impute(frame).null_count().sum_horizontal().item() == 0
    features, labels = result.fit_resample(frame[names[1:]], frame[names[0]])
    assert features.columns == names[1:]
    assert labels.unique_counts().n_unique() == 1
    result = Synthesizer(method, target=names[0], random_state=0).fit(frame)
    result.save(tmp_path / "m.tw")
    loaded = Synthesizer.load(tmp_path / "m.tw")
    assert loaded.sample(20, random_state=1).equals(result.sample(20, random_state=1))


@pytest.mark.parametrize("names", GROUPS, ids=repr)
def test_names_go_through_the_command_line(
    names: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Runner(capsys)
    names = [name.replace("\0", "0") for name in names]  # a text file holds no NUL
    train, out = tmp_path / "train.csv", tmp_path / "out.csv"
    table(names).write_csv(train)
    target = names[0]
    verbs = [
        ["generate", train, "-n", "20", "--target", target, "--method", "trees", "--out", out],
        ["fit", train, "--target", target, "--method", "trees", "--out", tmp_path / "m.tw"],
        ["sample", tmp_path / "m.tw", "-n", "5", "--out", tmp_path / "s.csv"],
        ["impute", train, "--method", "trees", "--out", tmp_path / "i.csv"],
        ["profile", train, "--target", target],
        ["rules", "mine", train, "--out", tmp_path / "r.yaml"],
        ["rules", "check", train, "--rules", tmp_path / "r.yaml"],
        ["trim", out, "--train", train, "--target", target, "--out", tmp_path / "t.csv"],
    ]
    for verb in verbs:
        outcome = run(*verb)
        assert outcome.code in (0, 1), (verb[0], outcome.err)
    with out.open(newline="") as file:
        assert next(csv.reader(file)) == names


def patterned() -> pl.DataFrame:
    """Names that polars would read as patterns."""
    return pl.DataFrame(
        {
            "^a$": [at % 20 for at in range(60)],
            "*": ["x", "y", "z"] * 20,
            "": [float(at % 7) for at in range(60)],
            "k": ["c"] * 60,
            "^b$": ["p", "q", "p"] * 20,
        }
    )


@pytest.fixture(scope="module")
def of_patterned() -> Synthesizer:
    return Synthesizer("trees", random_state=0).fit(patterned())


def test_pandas_columns_of_every_dtype_may_be_named_as_patterns() -> None:
    pandas = pytest.importorskip("pandas")
    days = pandas.date_range("2024-01-01", periods=60, freq="D")
    frame = pandas.DataFrame(
        {
            "^f.*$": [at % 9 / 4 for at in range(60)],
            "^i$": pandas.array([at % 5 for at in range(59)] + [None], dtype="Int64"),
            "^t$": days,
            "^z.*$": days.tz_localize("Asia/Tokyo"),
            "^d$": days - days[0],
            "^c$": pandas.Categorical(["x", "y", "z"] * 20),
            "*": [day.to_pydatetime() for day in days.tz_localize("UTC")],
        }
    )
    fitted = Synthesizer("trees", random_state=0).fit(frame)
    assert fitted.sample(5).dtypes.equals(frame.dtypes)
    assert fitted.impute(frame).iloc[:59].equals(frame.iloc[:59])


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ('"^a$" > 10', lambda row: row[0] > 10),
        ("\"*\" = 'x' AND k = 'c'", lambda row: row[1] == "x"),
        ('"" = 2.0', lambda row: row[2] == 2.0),
        ({"^a$": [3, 4]}, lambda row: row[0] in (3, 4)),
        ({"": 2.0, "^b$": "p"}, lambda row: row[2] == 2.0 and row[4] == "p"),
    ],
    ids=lambda value: None if callable(value) else repr(value),
)
def test_conditions_find_columns_named_as_patterns(
    of_patterned: Synthesizer, where: Any, holds: Any
) -> None:
    rows = of_patterned.sample(20, where=where, random_state=3).rows()
    assert len(rows) == 20
    assert all(map(holds, rows))


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ({"kind": "order", "columns": ["^a$", ""]}, lambda a, s, e, b: a <= e),
        ({"kind": "range", "column": "^a$", "min": 3}, lambda a, s, e, b: a >= 3),
        ({"kind": "fd", "from": ["*"], "to": "^b$"}, lambda a, s, e, b: (s == "y") == (b == "q")),
        (
            {"kind": "linear", "terms": {"^a$": 1, "": 1}, "op": ">=", "value": 9},
            lambda a, s, e, b: a + e >= 9,
        ),
        ({"kind": "forbid", "all": ["\"*\" = 'x'"]}, lambda a, s, e, b: s != "x"),
        (
            {"kind": "formula", "column": "^a$", "expr": '"" * 2'},
            lambda a, s, e, b: a == 2 * e,
        ),
        (
            {"kind": "align", "on": "*", "attribute": "^b$", "pairs": {"z": ["q"]}},
            lambda a, s, e, b: s != "z" or b == "q",
        ),
    ],
    ids=lambda value: value.get("kind", "") if isinstance(value, dict) else "",
)
def test_rules_find_columns_named_as_patterns(
    of_patterned: Synthesizer, rule: dict[str, Any], holds: Any
) -> None:
    rules = as_rules([{**rule, "intervention": True}])
    assert as_rules(json.loads(to_json(rules))) == rules
    assert "\u200b" not in to_json(rules)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = of_patterned.sample(20, rules=rules, random_state=3)
    assert all(holds(a, s, e, b) for a, s, e, _, b in rows.rows())
    assert check_rules(rows.rename(inner_name), rules, of_patterned.schema_).ok


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ('"^bb$" = 1', "unknown column '^bb$'; did you mean '^b$'?"),
        ("\"^b$\" = 'r'", "'r' is not a value of \"^b$\"; there are 'p', 'q'"),
        ('"^a$" > 100', '"^a$" lies between 0 and 19'),
    ],
)
def test_messages_show_names_as_the_user_wrote_them(
    of_patterned: Synthesizer, where: str, message: str
) -> None:
    with pytest.raises((ConditionError, ExpressionError), match=re.escape(message)):
        of_patterned.sample(5, where=where)
