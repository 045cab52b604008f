"""The page: complete, self-contained, small, and safe whatever the data hold."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.errors import InputError
from tablewright.evaluation.evaluate import Report, evaluate
from tablewright.evaluation.html import render, summarize
from tablewright.rules import Rules
from tablewright.schema import Schema
from tests.metrics.tables import SCHEMA, draw

CHROMIUM = next((p for p in map(shutil.which, ("chromium", "google-chrome", "chrome")) if p), None)
HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">'\"&"


@cache
def judged() -> Report:
    result = pl.concat([draw(120, 3), draw(200, 1)[:30]])
    rules = Rules.model_validate({"rules": ["age >= 21"]})
    return evaluate(draw(200, 1), result, draw(150, 2), schema=SCHEMA, rules=rules, effort="quick")


def hostile() -> Report:
    names = {name: f"{name}{HOSTILE}" for name in SCHEMA.names}
    columns = [column.model_copy(update={"name": names[column.name]}) for column in SCHEMA.columns]
    schema = Schema.build(columns, target=names["label"])

    def renamed(n_rows: int, seed: int) -> pl.DataFrame:
        frame = draw(n_rows, seed).with_columns(pl.col("city").str.replace("ash", HOSTILE))
        return frame.rename(names)

    origin = {HOSTILE: HOSTILE}
    return evaluate(
        renamed(80, 1),
        renamed(80, 3),
        renamed(60, 2),
        schema=schema,
        effort="quick",
        provenance=origin,
    )


def test_verdict_stands_first_and_every_section_is_there() -> None:
    text = judged().to_html()
    indices = [text.index(words) for words in ("Can I use it?", "Is it faithful?", "Is it safe?")]
    indices += [text.index(f'id="{key}"') for key in ("utility", "fidelity", "rules", "privacy")]
    assert indices == sorted(indices)
    assert 'id="card"' in text
    assert "Not for" in text


def test_planted_copies_are_said_in_words() -> None:
    assert any("equal a training row" in f.sentence for f in judged().findings)
    assert "signs of copying" in judged().to_html()


def test_nothing_is_loaded_from_elsewhere() -> None:
    text = judged().to_html()
    assert not re.search(r"https?://|//cdn|@import|url\(|<link|<iframe|\ssrc=", text)


def test_hostile_names_and_values_stay_text() -> None:
    text = hostile().to_html()
    assert "<img" not in text
    assert text.count("<script>") == text.count("</script>") == 1


def test_page_is_made_from_the_json_form_alone() -> None:
    report = judged()
    assert render(summarize(json.loads(report.to_json()))) == report.to_html()


def test_page_of_forty_columns_is_below_two_megabytes() -> None:
    rng = np.random.default_rng(0)
    names = [f"a rather long column name {j}" for j in range(40)]
    train, result, held = (
        pl.DataFrame({name: rng.normal(size=150) for name in names}) for _ in range(3)
    )
    schema = Schema.build(dict.fromkeys(names, "continuous"))
    text = evaluate(train, result, held, schema=schema, effort="quick").to_html()
    assert len(text.encode()) < 2_000_000


def test_notebooks_get_the_page_in_a_frame() -> None:
    shown = judged()._repr_html_()
    assert shown.startswith("<iframe srcdoc=")
    assert "<script>" not in shown


def test_file_is_written_and_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    index = tmp_path / "report.html"
    judged().to_html(index)
    assert index.read_text().startswith("<!DOCTYPE html>")
    with pytest.raises(InputError, match="nowhere"):
        judged().to_html(tmp_path / "nowhere" / "report.html")


def dumped(page: str, folder: Path, script: str) -> str:
    """Open a page, run a script after its own, and return the document that it leaves."""
    assert CHROMIUM is not None
    index = folder / "page.html"
    text = page.replace("</body>", f"<script>{script}</script></body>")
    index.write_text(text, encoding="utf-8")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += [f"--user-data-dir={folder / 'profile'}", index.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=True).stdout


needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no headless Chromium is installed")


@pytest.mark.browser
@needs_browser
def test_a_click_sorts_a_table_and_a_hover_shows_a_share(tmp_path: Path) -> None:
    script = """
      const head = document.querySelectorAll("#privacy th button")[1];
      head.click(); head.click();
      const zone = document.querySelector("[data-tip]");
      zone.dispatchEvent(new PointerEvent("pointermove", {bubbles: true, clientX: 5, clientY: 5}));
      const values = [...document.querySelectorAll("#privacy table:first-of-type tbody tr")]
        .map((row) => row.cells[1].dataset.value).filter((value) => value !== undefined);
      document.title = JSON.stringify(values) + "|" + document.getElementById("tip").hidden;
    """
    title = re.search(r"<title>(.*?)</title>", dumped(judged().to_html(), tmp_path, script))
    assert title is not None
    values, hidden = title.group(1).replace("&quot;", '"').split("|")
    numbers: list[Any] = [float(value) for value in json.loads(values)]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) > 5
    assert hidden == "false"


@pytest.mark.browser
@needs_browser
def test_hostile_data_run_nothing(tmp_path: Path) -> None:
    result = dumped(hostile().to_html(), tmp_path, "")
    assert "<title>Evaluation of generated rows</title>" in result
    assert "<img" not in result
