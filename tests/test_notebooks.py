"""What a notebook shows of an object: its content in tables, and no text of the data as markup."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest

from tablewright import Rules, Schema, Synthesizer, profile
from tablewright.evaluation.compare.leaderboard import Comparison, Entry
from tablewright.selection.pipeline import Trimmed
from tablewright.systems.date.partition import Part, Parts
from tablewright.systems.mallm_gan.process import CausalGraph, Process
from tablewright.systems.team_then_trim.plan import Component, Repair, TeamPlan

EVIL = "<img src=x onerror=alert(1)>"


def table() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    city = rng.choice(["Rome", EVIL], 60)
    return pl.DataFrame({EVIL: rng.integers(18, 90, 60), "city": city, "y": ["a", "b"] * 30})


def trimmed() -> Trimmed:
    rows, keep = pl.DataFrame({"x": [1, 2]}), np.array([True, False])
    reasons = ["", f"x: {EVIL}"]
    counts = [("sanity", 2, 1)]
    return Trimmed(
        rows, keep, ["", "sanity"], reasons, np.zeros(2), rows.clear(), counts, [EVIL], "data"
    )


def plan() -> TeamPlan:
    parts = (Component("c1", EVIL, ("age", "sex")), Component("c2", "clerk", ("pay",), ("c1",)))
    return TeamPlan(parts, "judge", "repaired", (Repair(EVIL, "left out"),))


def process() -> Process:
    graph = CausalGraph({"age": [], EVIL: ["age"]})
    return Process(graph, EVIL, "Write rows.", (("age", EVIL),))


WHY = {"expression": "a < b", "why": EVIL}

SHOWN = {
    "profile": (lambda: profile(table(), "y"), ["60 rows, 3 columns", "target: y", "Origin:"]),
    "rules": (lambda: Rules.model_validate({"rules": ["age >= 18", WHY]}),
              ["2 rules", "age &gt;= 18", "human"]),
    "trimmed": (trimmed, ["1 of 2 candidates kept", "sanity", "believed: data"]),
    "plan": (plan, ["Plan of a team (repaired)", "age, sex", "c1", "judge", "left out"]),
    "parts": (lambda: Parts((Part("part 1", (f"x = '{EVIL}'",), 9, 0.25), Part("rest", (), 1))),
              ["2 parts", "0.250", "all other rows"]),
    "process": (process, ["Process that the rows come of", "Write rows.", "not supported", "<svg"]),
    "synthesizer": (lambda: Synthesizer("independent", target="y").fit(table()),
                    ["sk-container", "Learned 60 rows, 3 columns; target: y", "as asked"]),
}  # fmt: skip


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", SHOWN)
def test_object_shows_its_content_and_no_foreign_markup(name: str) -> None:
    make, words = SHOWN[name]
    shown = make()._repr_html_()  # type: ignore[attr-defined]  # each of them has it
    reader = Reader()
    reader.feed(shown)
    assert "img" not in reader.tags
    assert EVIL in reader.text
    assert [word for word in words if word not in shown] == []


def test_what_was_learned_stands_in_every_form_that_notebooks_ask_for() -> None:
    fresh = Synthesizer("independent", target="y", schema={"city": "categorical"})
    assert "Learned" not in fresh._repr_mimebundle_()["text/html"]
    bundle = fresh.fit(table())._repr_mimebundle_()
    assert "Learned 60 rows" in bundle["text/html"]
    assert bundle["text/plain"].startswith("Synthesizer(")


def test_long_tables_are_cut() -> None:
    schema = Schema.build({f"c{i}": "integer" for i in range(300)})
    assert len(schema) == 300
    rows = pl.DataFrame({f"c{i}": [float(i), 2.0] for i in range(300)})
    assert profile(rows)._repr_html_().count("<tr>") == 201


def test_printed_profile_is_the_table() -> None:
    lines = str(profile(table(), "y")).splitlines()
    assert lines[0].startswith("60 rows, 3 columns")
    assert lines[2].split() == ["column", "kind", "sure", "missing", "distinct", "values"]
    assert lines[3].startswith(EVIL)


def test_a_profile_named_at_the_prompt_shows_its_table() -> None:
    result = profile(table(), "y")
    assert repr(result) == str(result)


def test_printed_comparison_is_the_leaderboard() -> None:
    entry = Entry("trees", 0.8, 0.1, (0.05, 0.15), 1.0, 2.0, 0.0, 80, False)
    result = Comparison([entry], "trees", None, "tablewright generate x", "macro_f1")
    text = str(result)
    assert repr(result) == text
    assert "Gain in macro-F1 over adding nothing" in text
    assert "winner: trees" in text
    assert "+0.050 to +0.150" in text
