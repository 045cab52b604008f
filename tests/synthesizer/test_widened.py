"""What wrote the rows of a rare class is said: its own rows, and not the method."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tablewright import Synthesizer
from tablewright.cli import main


def table(n_rare: int) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    y = ["no"] * 120 + ["yes"] * n_rare
    return pl.DataFrame({"x": rng.normal(size=len(y)), "z": rng.normal(size=len(y)), "y": y})


@pytest.mark.parametrize("method", ["trees", "copula", "smotenc"])
def test_classes_below_thirty_rows_are_named_beside_the_method(method: str, tmp_path: Path) -> None:
    learned = Synthesizer(method, target="y", random_state=0).fit(table(29))
    assert learned.widened_ == {"yes": 29}
    assert learned.reason_.startswith(f"{method}, as asked; rows of classes that few rows have, ")
    assert "'yes' (29)" in learned.reason_
    learned.save(tmp_path / "m.tw")
    again = Synthesizer.load(tmp_path / "m.tw")
    assert (again.widened_, again.reason_) == (learned.widened_, learned.reason_)


def test_nothing_is_said_where_every_class_has_rows_enough() -> None:
    learned = Synthesizer("trees", target="y", random_state=0).fit(table(30))
    assert (learned.widened_, learned.reason_) == ({}, "trees, as asked")
    assert Synthesizer("trees", random_state=0).fit(table(5)).widened_ == {}


def test_the_manifest_names_what_wrote_a_rare_class(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table(14).write_csv(tmp_path / "t.csv")
    asked = ["--target", "y", "-n", "20", "--seed", "1", "--out", str(tmp_path / "o.csv")]
    with pytest.raises(SystemExit):
        main(["generate", str(tmp_path / "t.csv"), *asked])
    assert "'yes' (14)" in capsys.readouterr().err
    manifest = json.loads((tmp_path / "o.csv.manifest.json").read_text())
    options = manifest["origin"]["options"]
    assert options["classes widened from their own rows"] == {"yes": 14}
