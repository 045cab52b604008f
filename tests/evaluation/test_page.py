"""The page: complete, self-contained, small, and safe whatever the data hold."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tablewright.errors import InputError
from tablewright.evaluation.evaluate import Report, evaluate
from tablewright.evaluation.html import render, summarize
from tablewright.rules import Rules
from tablewright.schema import Schema
from tests.metrics.tables import SCHEMA, draw

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


def test_a_report_named_at_the_prompt_shows_its_table() -> None:
    assert repr(judged()) == str(judged())
    assert repr(judged()).startswith(judged().verdict.sentence)


def test_planted_copies_are_said_in_words() -> None:
    assert any("equal a training row" in f.sentence for f in judged().findings)
    assert "signs of copying" in judged().to_html()


def test_nothing_is_loaded_from_elsewhere() -> None:
    text = judged().to_html()
    assert not re.search(r"https?://|//cdn|@import|url\(|<link|<iframe|\ssrc=", text)


def test_only_style_and_script_of_the_page_may_run() -> None:
    text = judged().to_html()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert "unsafe" not in policy.group(1)
    for tag in ("style", "script"):
        inside = text.split(f"<{tag}>")[1].split(f"</{tag}>")[0]
        digest = b64encode(sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src &#x27;sha256-{digest}&#x27;" in policy.group(1)
    assert not re.search(r'<[^>]*\s(style|on\w+)="', text)


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
