"""Any column name goes through every verb, in Python and on the command line."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tablewright import Synthesizer
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
    assert result.sample(seed_data=frame[:5]).equals(result.sample(seed_data=frame[:5]))
    assert result.impute(frame).null_count().sum_horizontal().item() == 0
    result.save(tmp_path / "m.tw")
    assert Synthesizer.load(tmp_path / "m.tw").sample(20).equals(result.sample(20))


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
