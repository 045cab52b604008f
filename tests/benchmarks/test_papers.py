"""The tables of the papers: the list, the pages made of it, runs that are gone on with."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
from benchmarks.papers.__main__ import FOLDER, PAPERS, main, overview
from benchmarks.papers.entry import Entry
from benchmarks.papers.runs import Log, command_line, interval, markdown
from benchmarks.papers.t2 import engine
from benchmarks.papers.t2.compas import drug_by_size
from benchmarks.papers.t2.figure3 import SPEC as SPEC_3
from benchmarks.papers.t2.figure12 import at_home, plot
from benchmarks.papers.t2.table1 import SPEC
from benchmarks.recipes.drug import RECIPE
from benchmarks.recipes.recipe import digest
from benchmarks.systems.cases import flipped, imbalanced
from benchmarks.trim.diabetes import TARGET
from scipy import stats


def test_every_command_of_the_list_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--list"])
    said = capsys.readouterr().out
    for paper in PAPERS:
        for entry in paper.entries:
            assert entry.differs
            if entry.module:
                assert find_spec(entry.module) is not None
                assert f"  {entry.table}: python -m {entry.module}" in said


def test_the_page_of_all_papers_is_made_of_the_list() -> None:
    assert (FOLDER / "README.md").read_text() == overview()


def test_a_table_whose_page_is_committed_is_linked_to_it() -> None:
    assert Entry("Table 1", "benchmarks.papers.t2.table1").link == "[Table 1](results/table1.md)"
    assert Entry("Table 9", "benchmarks.papers.t2.table9").link == "Table 9"
    assert Entry("Cases", "benchmarks.date.cases").link == "[Cases](../../date/cases.md)"
    part = Entry("Parts", "benchmarks.mallm_gan.simulation", "--data DIR --part parts")
    assert part.link == "[Parts](../../mallm_gan/parts.md)"
    assert Entry("Sick", "benchmarks.sick").link == "[Sick](../../results/sick.md)"
    assert Entry("Tuning", "").link == "Tuning"


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.folder)
def test_the_page_of_a_paper_is_made_of_its_list(paper: Any) -> None:
    assert (FOLDER / paper.folder / "README.md").read_text() == paper.readme()


def test_every_script_of_a_paper_is_in_its_list() -> None:
    for paper in PAPERS:
        scripts = {
            f"benchmarks.papers.{paper.folder}.{path.stem}"
            for path in (FOLDER / paper.folder).glob("*.py")
            if "__main__" in path.read_text()
        }
        assert scripts <= {entry.module for entry in paper.entries}


def test_an_interval_is_that_of_student() -> None:
    values = [1.0, 2.0, 4.0]
    half = stats.t.ppf(0.975, 2) * np.std(values, ddof=1) / np.sqrt(3)
    assert interval(values) == f"{np.mean(values):.2f} ± {half:.2f}"
    assert interval([0.5], sign=True, digits=1) == "+0.5"
    assert interval([]) == "–"


def test_runs_are_kept_with_their_commit_and_known_again(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "a.jsonl"
    Log(path, ("case", "seed")).add({"case": "x", "seed": 1, "value": 0.5})
    log = Log(path, ("case", "seed"))
    assert log.has(case="x", seed=1)
    assert not log.has(case="x", seed=2)
    assert log.runs[0]["value"] == 0.5
    assert re.fullmatch(r"[0-9a-f]{7,}\+?|unknown\+?", log.runs[0]["commit"])


def line(arm: str, case: str, seed: int, **scores: float) -> dict[str, Any]:
    return {"arm": arm, "case": case, "seed": seed, "rows": 10, "scores": scores}


def test_published_figures_stand_below_ours_and_are_marked() -> None:
    groups = SPEC.cases(engine.Asked(1, model="none"))
    case = imbalanced(10).name
    runs = [line("D_ori", case, s, **{"AUC LR": 60.0 + s, "AUC": 60.0}) for s in (0, 1)]
    runs += [line("SMOTE", case, s, **{"AUC LR": 70.0, "AUC": 61.0 + s}) for s in (0, 1)]
    head, _, *rows = [
        [cell.strip() for cell in row.strip("|").split("|")]
        for row in engine.table(SPEC, groups, runs).splitlines()
    ]
    ours, stated, smote = (dict(zip(head, row, strict=True)) for row in rows[:3])
    assert ours["arm"] == "D_ori"
    assert ours["imbalance: AUC LR"] == interval([60.0, 61.0])
    assert (stated["arm"], stated["imbalance: AUC LR"]) == ("D_ori (published)", "63.92")
    assert smote["imbalance: AUC against D_ori"] == interval([1.0, 2.0], sign=True)
    assert smote["incompleteness: AUC LR"] == "–"


def test_a_table_by_size_has_a_row_a_size_and_a_column_an_arm() -> None:
    groups = {f"n = {n}": [flipped(0.3, n)] for n in (10, 20)}
    runs = [line(arm, groups["n = 10"][0].name, s, AUC=50.0 + s) for arm in ("D_ori", "T2")
            for s in (0, 1)]  # fmt: skip
    head, _, first, second = engine.lengthwise(SPEC_3, groups, runs).splitlines()
    assert head == "|  | D_ori | T2 | seeds |"
    assert first == f"| n = 10 | {interval([50.0, 51.0])} | {interval([50.0, 51.0])} | 2 |"
    assert second == "| n = 20 | – | – | 0 |"


def test_a_mean_over_sizes_counts_seeds_that_have_them_all() -> None:
    cases = [flipped(0.3, n) for n in (10, 20)]
    runs = [line("T2", case.name, 0, AUC=50.0 + k) for k, case in enumerate(cases)]
    runs.append(line("T2", cases[0].name, 1, AUC=90.0))
    assert engine.by_seed(runs, cases, "T2", "AUC") == {0: 50.5}
    assert engine.by_seed(runs, cases, "T2", "AUC", partial=True) == {0: 50.5, 1: 90.0}


def test_groups_of_drug_are_read_below_the_folder_of_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    score = rng.normal(size=170).round(3)
    rows = "".join(f"{v},{int(v + rng.normal() > 0)}\n" for v in score)
    name = "tabular/drug_b.csv"
    (tmp_path / "tabular").mkdir()
    (tmp_path / name).write_text("Nscore,Smokes\n" + rows)
    monkeypatch.setitem(RECIPE.makes, name, digest(name, (tmp_path / name).read_bytes()))
    asked = engine.Asked(1, (20,), tmp_path, "none")
    drawn = drug_by_size(asked)["B, n = 20"][0].draw(0)
    assert (drawn.train.height, drawn.test.height, drawn.population.height) == (20, 100, 50)


def test_a_run_scores_clean_and_turned_labels_without_a_model() -> None:
    asked = engine.Asked(1, model="none")
    found = engine.run(engine.trial(flipped(0.4, 10), 0, asked), "D_ori")
    assert found["rows"] == 0
    # Two labels of five turned take three fifths less one half of what an AUC is above one half.
    assert abs(found["scores"]["AUC, turned"] - 50) < abs(found["scores"]["AUC"] - 50) + 5
    assert found["calls"] == 0


def test_seeds_arms_and_groups_can_be_chosen_and_time_ends_a_run(tmp_path: Path) -> None:
    log = Log(tmp_path / "a.jsonl", engine.KEYS)
    asked = engine.Asked(2, model="none", first=3, arms=["D_ori"], groups=["imbalance"])
    runs = list(engine.measured(SPEC, asked, log))
    assert [(run["case"], run["seed"], run["arm"]) for run in runs] == [
        ("diabetes 7:2:1, n = 10", 3, "D_ori"), ("diabetes 7:2:1, n = 10", 4, "D_ori")
    ]  # fmt: skip
    late = engine.Asked(3, model="none", first=3, arms=["D_ori"], deadline=0.0)
    assert len(list(engine.measured(SPEC, late, log))) == 2


def test_rows_are_at_home_where_their_nearest_test_row_has_their_level() -> None:
    test = pl.DataFrame({"a": [0.0, 1.0, 10.0, 11.0], TARGET: ["MR", "MR", "HR", "HR"]})
    made = pl.DataFrame({"a": [0.4, 9.0, 9.5, 2.0], TARGET: ["MR", "MR", "HR", "LR"]})
    assert at_home(made, test) == {"MR": 50.0, "MR rows": 2.0, "HR": 100.0, "HR rows": 1.0}
    assert at_home(made.filter(pl.col("a") < 1), test)["HR"] is None


def test_a_plot_has_a_panel_for_each_arm_over_the_real_rows() -> None:
    points = {"real": np.array([[0.0, 0.0], [4.0, 2.0]]), "T2": np.array([[2.0, 1.0]])}
    drawn = ElementTree.fromstring(plot({**points, "CLLM": points["T2"]}, ["T2", "CLLM"]))
    circles = [c.attrib for c in drawn if c.tag.endswith("circle")]
    assert len(circles) == 6
    assert [c["cx"] for c in circles[:3]] == ["15.0", "285.0", "150.0"]


def test_what_a_table_needs_is_said_when_it_is_not_there() -> None:
    asked = engine.Asked(1, (20,), model="none")
    from benchmarks.papers.t2 import compas

    with pytest.raises(SystemExit, match=r"say --data DIR; 'python -m benchmarks.recipes compas'"):
        compas.cases(asked)


def test_a_page_names_no_folder_of_this_machine() -> None:
    folder = Path("/home/somebody/data")
    words = ["--data", str(folder), "--seeds", "3"]
    assert command_line("a.b", words, folder) == "python -m a.b --data DIR --seeds 3"
    words = ["--peers", "/opt/peers"]
    assert command_line("a.b", words, None, "/opt/peers") == "python -m a.b --peers FOLDER"
    words = ["--model", "gguf:/opt/a.gguf"]
    said = command_line("a.b", words, None, others={"gguf:/opt/a.gguf": "gguf:a.gguf"})
    assert said == "python -m a.b --model gguf:a.gguf"
    assert engine.short("gguf:/opt/a.gguf?slots=1") == "a"
    pages = [path.read_text() for path in FOLDER.rglob("results/*.md")]
    assert not any(f"--{word} /" in page for page in pages for word in ("data", "peers", "log"))


def test_a_case_with_fewer_batches_is_another_case() -> None:
    found = engine.chosen(SPEC, engine.Asked(1, batches=2, groups=("imbalance",)))
    (case,) = found["imbalance"]
    assert (case.name, case.n_rows) == ("diabetes 7:2:1, n = 10, 2 batches", 20)


def test_a_peer_is_told_which_numbers_are_categories(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\ncp "$3" "$7"\n')  # writes what it learns from
    python.chmod(0o755)
    there = engine.trial(flipped(0.2, 20), 0, engine.Asked(1, peers=str(python)))
    rows, system = there.peer("CTGAN")
    assert system is None
    assert rows["Outcome"].to_list() == there.drawn.train["Outcome"].cast(pl.String).to_list()
    assert rows["Age"].equals(there.drawn.train["Age"])


def test_markdown_has_a_dash_where_a_row_has_no_cell() -> None:
    assert markdown([{"a": 1}, {"b": 2}]).splitlines()[2:] == ["| 1 | – |", "| – | 2 |"]
