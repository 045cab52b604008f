"""CLLM: the prompt, rows salvaged from replies, curation, and both variants."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.errors import BudgetError, InputError
from tablewright.llm import Prompt, Scripted
from tablewright.llm.endpoint.base import Reply
from tablewright.llm.prompts.sharing import Sharing
from tablewright.systems.cllm.system import CLLM
from tablewright.testing import Faults, StandIn


def people(n_rows: int = 60, seed: int = 0) -> pl.DataFrame:
    """Two classes that a dose tells apart, and cells that are missing."""
    rng = np.random.default_rng(seed)
    ill = rng.random(n_rows) < 0.4
    stay = pl.Series(rng.integers(0, 30, n_rows))
    return pl.DataFrame(
        {
            "dose": np.round(rng.normal(np.where(ill, 9, 3), 1), 2),
            "stay": stay.set(pl.Series(rng.random(n_rows) < 0.2), None),
            "smokes": rng.choice(["Yes", "No"], n_rows),
            "town": rng.choice(["Ulm", "Bonn"], n_rows),
            "ill": np.where(ill, "yes", "no"),
        }
    )


def row(dose: float, ill: str, **cells: Any) -> dict[str, Any]:
    """A row that is not near others: its other cells turn with the dose."""
    turn = round(10 * dose)
    others = {
        "stay": 10 * (turn % 3),
        "smokes": ["Yes", "No"][turn // 2 % 2],
        "town": ["Ulm", "Bonn"][turn % 2],
    }
    return {"dose": dose, **others, "ill": ill, **cells}


def reply(*rows: Mapping[str, Any]) -> str:
    return json.dumps({"rows": list(rows)})


class Ungated(CLLM):
    """No gate but curation."""

    def row_check(self) -> None:
        """Judge no row by itself."""


class Single(Ungated):
    """One reply a prompt."""

    completions = 1


class Nameless(Single):
    """The paper's ablation: prompts without names."""

    context = False


def made(
    replies: list[Any], n_rows: int, kind: type[CLLM] = Single, **options: Any
) -> tuple[pl.DataFrame, CLLM]:
    """Rows from replies, and then from empty ones."""
    script = Scripted([*replies, *[""] * 20])
    options = {"random_state": 0, **options}
    system = kind("ill", llm=script, **options).fit(people())
    return system.sample(n_rows), system


def asked(kind: type[CLLM] = CLLM, **options: Any) -> list[Prompt]:
    script = Scripted([""] * 600)
    options = {"random_state": 0, "target": "ill", **options}
    kind(llm=script, **options).fit(people()).sample(100)
    return script.prompts


def test_a_prompt_shows_twenty_rows_names_the_domain_and_asks_for_json() -> None:
    prompt = asked(topic="patients of a clinic")[0]
    text = prompt.text
    assert text.count('"dose":') == 20
    assert "Use what you know about patients of a clinic." in text
    assert "Write 20 new rows" in text
    assert 'The label is "ill"' in text
    assert 'Reply with JSON only: {"rows": [...]} with exactly 20 objects' in text
    assert prompt.schema is not None
    assert prompt.schema["properties"]["rows"]["minItems"] == 20
    assert (prompt.temperature, prompt.top_p, prompt.role) == (0.9, 0.95, "writer")
    assert prompt.sent["ill"] >= 20
    published = asked(variant="published")[0]
    assert "Write 1000 new rows" in published.text
    assert published.max_tokens == 1000


def test_completions_share_a_prompt_and_each_prompt_draws_from_the_whole_table() -> None:
    prompts = asked()
    texts = [prompt.text for prompt in prompts]
    assert len(set(texts[:5])) == 1
    assert len({prompt.seed for prompt in prompts}) == len(prompts) == 15
    assert len(set(texts)) == 3
    every = " ".join(texts)
    assert sum(f'"dose": {dose},' in every for dose in people()["dose"]) > 0.5 * people().height


def test_without_context_there_are_no_names_and_rows_get_theirs_back() -> None:
    text = asked(Nameless, topic="patients", schema={"dose": {"meaning": "grams"}})[0].text
    assert not re.search("dose|smokes|patients|grams", text)
    assert '"feat_0":' in text
    hidden = {"feat_0": 3.21, "feat_1": 3, "feat_2": "Yes", "feat_3": "Ulm", "label": "no"}
    rows, _ = made([reply(hidden)], 1, Nameless)
    assert rows.row(0) == (3.21, 3, "Yes", "Ulm", "no")


def test_a_reply_that_is_cut_off_gives_all_its_whole_rows() -> None:
    text = reply(row(3.1, "no"), row(3.2, "no"), row(9.1, "yes"))[:-25]
    rows, system = made([text], 3)
    assert rows["dose"].to_list() == [3.1, 3.2]
    assert set(rows["smokes"]) <= {"Yes", "No"}, "a word of the column is no placeholder"
    assert system.result_.parse_errors["the object is cut off or broken"] == 1


def test_values_are_checked_and_missing_cells_kept_and_published_does_neither() -> None:
    text = reply(
        row(3.1, "no", stay=None),
        row(3.2, "no", town="Atlantis"),
        row(99.5, "yes"),
        row(3.4, "no", smokes="string"),
        row(3.5, "maybe"),
    )
    rows, system = made([text], 5, curate=False)
    assert rows["dose"].to_list() == [3.1]
    assert len(system.result_.parse_errors) == 4
    rows, _ = made([text], 5, variant="published", curate=False)
    assert rows["town"].to_list() == ["Atlantis", row(99.5, "yes")["town"]]
    assert rows["dose"].to_list() == [3.2, 99.5]


def test_copies_and_repeats_do_not_count_and_in_the_published_variant_they_do() -> None:
    real = people().row(0, named=True)
    text = reply(real, row(3.1, "no"), row(3.1, "no"), {**row(3.1, "no"), "dose": 3.11})
    rows, system = made([text, reply(row(3.1, "no"))], 4)
    assert rows["dose"].to_list() == [3.1]
    assert system.result_.rejected["_reason"].to_list() == [
        "equals an earlier row",
        "nearly equals an earlier row",
        "equals an earlier row",
    ]
    assert system.result_.parse_errors["it is an example of the prompt"] == 1
    published = made([text], 4, variant="published")[0]
    assert published["dose"].to_list() == [3.1, 3.1, 3.11]


def test_rows_with_labels_that_the_real_rows_deny_are_dropped_and_replaced() -> None:
    sound = [row(2 + k / 10, "no") for k in range(8)] + [row(8 + k / 10, "yes") for k in range(8)]
    wrong = [row(3.33, "yes"), row(9.44, "no"), row(3.77, "yes"), row(10.22, "no")]
    rows, system = made([reply(*sound, *wrong), reply(row(2.95, "no"))], 20)
    assert rows["dose"].to_list() == [*[r["dose"] for r in sound], 2.95]
    rejected = system.result_.rejected
    assert rejected["_stage"].unique().to_list() == ["curation"]
    assert rejected["dose"].sort().to_list() == [3.33, 3.77, 9.44, 10.22]
    assert (rejected["_score"] < 0.2).all()
    assert system.result_.details["curation"].height == 21
    assert made([reply(*sound, *wrong)], 20, curate=False)[0].height == 20


def test_curation_drops_at_most_a_share_and_nothing_where_the_curator_knows_nothing() -> None:
    wrong = [row(3 + k / 10, "yes") for k in range(10)]
    rows, _ = made([reply(*wrong)], 10)
    assert rows.height == 7
    both = [people(30).with_columns(ill=pl.lit(label)) for label in ("yes", "no")]
    noise = pl.concat(both)  # features of which every one has either label
    script = Scripted([reply(*wrong), *[""] * 9])
    system = Single("ill", llm=script, random_state=0).fit(noise)
    assert system.sample(10).height == 10
    assert any("nothing was dropped" in note for note in system.result_.notes)


def test_a_class_that_is_declared_and_that_no_real_row_has_is_kept() -> None:
    declared = {"ill": {"kind": "categorical", "categories": ["no", "yes", "severe"]}}
    rows, _ = made([reply(row(3.1, "no"), row(9.9, "severe"))], 2, schema=declared)
    assert rows["ill"].to_list() == ["no", "severe"]


def test_numeric_targets_are_curated_in_bins_and_tables_without_one_are_not() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=80)
    table = pl.DataFrame({"x": x, "pay": np.round(5 * x + rng.normal(size=80), 2)})
    text = reply({"x": -1.51, "pay": -7.1}, {"x": 1.52, "pay": 7.2}, {"x": 1.53, "pay": -7.3},
                 {"x": 0.71, "pay": 3.1})  # fmt: skip
    script = Scripted([text, *[""] * 9])
    system = Single("pay", llm=script, random_state=0).fit(table)
    assert system.sample(4)["x"].to_list() == [-1.51, 1.52, 0.71]
    script = Scripted([text, *[""] * 9])
    system = Single(llm=script, random_state=0).fit(table)
    assert system.sample(4).height == 4
    assert system.result_.notes == ["without a target nothing was curated: name it (target=...)"]


def test_work_ends_at_caps_and_where_nothing_new_comes_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, system = made([reply(row(3.1, "no")), BudgetError("the cap of 1 call is reached")], 9)
    assert rows.height == 1
    assert "cap of 1 call" in str(system.result_.stopped)
    rows, system = made([reply(row(3.1, "no"))] * 9, 9)
    assert rows.height == 1
    assert system.result_.notes[-2] == (
        "3 of 3 prompts are used up, the most that a request of so many rows takes; "
        "8 rows are missing still"
    )
    monkeypatch.setattr(CLLM, "max_prompts", 1)
    rows, system = made([reply(row(3.1, "no"))] * 9, 9)
    assert system.result_.notes == [
        "1 of 1 prompts are used up; 8 rows are missing still", system.result_.shortfall,
    ]  # fmt: skip
    assert system.result_.usage.calls == 1


def test_conditions_stand_in_the_prompt_and_are_kept_whatever_comes_back() -> None:
    script = Scripted([reply(row(3.1, "no"), row(9.2, "yes")), *[""] * 9])
    system = Single("ill", llm=script, random_state=0).fit(people())
    assert system.sample(2, where="dose > 5")["dose"].to_list() == [9.2]
    assert "- dose > 5" in script.prompts[0].text
    assert system.result_.rejected["_reason"].to_list() == ["breaks dose > 5"]


def test_classes_that_are_asked_for_are_named_in_the_prompt() -> None:
    model = StandIn(people(2000, seed=1), target="ill")
    system = CLLM("ill", llm=model, random_state=0).fit(people())
    assert set(system.sample(balance="fill")["ill"]) == {"yes"}
    assert '{"yes": "100%"}' in model.prompts[0]


def test_the_local_body_draws_rows_that_are_curated_alike() -> None:
    system = CLLM("ill", random_state=0).fit(people())
    rows = system.sample(40)
    assert rows.height == 40
    assert rows.columns == people().columns
    assert rows.equals(system.sample(40, random_state=0))
    assert "drawn on this machine" in system.result_.notes[0]
    assert system.result_.usage.calls == 0


def test_nothing_but_the_schema_leaves_where_nothing_else_may() -> None:
    script = Scripted([reply(row(3.1, "no")), *[""] * 9])
    script.sharing = Sharing("schema")  # type: ignore[attr-defined]  # as clients have it
    system = Single("ill", llm=script, random_state=0).fit(people())
    assert system.sample(1).height == 1
    assert "Bonn" not in script.prompts[0].text
    assert "only the schema of the table may leave" in system.result_.notes[0]


@pytest.mark.parametrize("kind", [CLLM, Nameless])
def test_redacted_columns_are_not_shown_and_are_written_nevertheless(kind: type[CLLM]) -> None:
    table = people().with_columns(unit=pl.lit("kg"))
    script = Scripted([""] * 9)
    script.sharing = Sharing("rows", redact=("town", "unit"))  # type: ignore[attr-defined]  # as clients have it
    kind("ill", llm=script, random_state=0).fit(table).sample(1)
    prompt = script.prompts[0]
    assert not re.search("Ulm|Bonn|kg", prompt.text)
    assert f'"{"town" if kind.context else "feat_3"}"' in prompt.text.splitlines()[-1]
    script.sharing = Sharing("rows", redact=("twon",))  # type: ignore[attr-defined]  # as above
    with pytest.raises(InputError, match="did you mean 'town'"):
        kind("ill", llm=script).fit(table)


def test_what_cannot_work_is_said_in_a_sentence() -> None:
    with pytest.raises(InputError, match="variant is 'default' or 'published', not 'paper'"):
        CLLM("ill", variant="paper").fit(people())
    with pytest.raises(InputError, match="rows_per_prompt is a whole number above 0, not 0"):
        CLLM("ill", rows_per_prompt=0).fit(people())
    with pytest.raises(InputError, match="examples is 'random', 'stratified'"):
        CLLM("ill", examples="best").fit(people())


def test_a_row_whose_cells_do_not_go_together_is_rejected_before_curation() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=80)
    table = pl.DataFrame({"x": x, "z": np.round(5 * x + rng.normal(size=80), 2)})
    text = reply({"x": -1.51, "z": -7.1}, {"x": 1.53, "z": -7.3}, {"x": 0.71, "z": 3.1})
    system = CLLM(llm=Scripted([text, *[""] * 9]), random_state=0).fit(table)
    assert system.sample(3)["x"].to_list() == [-1.51, 0.71]
    assert system.result_.rejected.select("x", "_stage").rows() == [(1.53, "relations")]
    assert any("of the real rows be" in note for note in system.result_.notes)


def test_an_estimate_needs_about_as_many_prompts_as_rows_do() -> None:
    class Estimating:
        def __init__(self) -> None:
            self.n_prompts = 0

        def complete(self, prompt: Prompt) -> Reply:
            self.n_prompts += 1
            return Reply(prompt.expected)

    model = Estimating()
    assert Ungated("ill", llm=model, random_state=0).fit(people()).sample(100).height == 100
    assert 5 <= model.n_prompts <= 9, (
        "curation may drop three rows in ten, so at most 143 are asked"
    )


def test_a_model_with_moderate_faults_still_fills_the_request() -> None:
    faults = Faults(
        invalid=0.1, truncated=0.1, ignored=0.1, hallucinated=0.1, copies=0.1, wrong_labels=0.1
    )
    model = StandIn(people(2000, seed=1), target="ill", faults=faults)
    system = CLLM("ill", llm=model, random_state=0).fit(people())
    rows = system.sample(60)
    assert rows.height == 60
    assert rows.equals(system.sample(60, random_state=0))
    (line,) = system.result_.usage.lines
    assert (line.role, line.stage) == ("writer", "rows")


def test_curation_takes_parameters_and_refuses_unknown_ones() -> None:
    pytest.importorskip("xgboost")
    system = CLLM("ill", curate={"trees": "xgboost", "min_auc": None}, random_state=0).fit(people())
    assert system.curator_ is not None
    assert (system.curator_.trees, system.curator_.min_auc) == ("xgboost", None)
    assert system.sample(10).height == 10
    with pytest.raises(InputError, match=r"curate: .*unexpected keyword argument 'tress'"):
        CLLM("ill", curate={"tress": "xgboost"}, random_state=0).fit(people())
