"""EPIC: the layout of the prompt, what is read from a reply, balance, and both variants."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.errors import BudgetError, InputError
from tablewright.llm import Prompt, Scripted
from tablewright.llm.endpoint.base import Reply
from tablewright.llm.prompts.sharing import Sharing
from tablewright.systems.epic.class_groups import Deck, group_letter
from tablewright.systems.epic.system import EPIC
from tablewright.testing import Faults, StandIn

HEADER = "ill,dose,fever,cough,town"


def people(n_rows: int = 60, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    ill = np.where(rng.random(n_rows) < 0.2, "yes", "no")
    return pl.DataFrame(
        {
            "dose": np.round(rng.normal(5 + 2 * (ill == "yes"), 1), 2),
            "fever": rng.choice(["t", "f"], n_rows),
            "cough": rng.choice(["t", "f"], n_rows),
            "town": rng.choice(["Ulm", "Bonn", "None"], n_rows),
            "ill": ill,
        }
    )


def prompt_of(**options: Any) -> str:
    script = Scripted([""] * 9)
    EPIC("ill", llm=script, random_state=0, **options).fit(people()).sample(10)
    return script.prompts[0].messages[-1].content


def kept(reply: str, n_rows: int = 1, **options: Any) -> tuple[pl.DataFrame, EPIC]:
    """Rows that are taken from a reply, then from empty ones."""
    options = {"mapping": "none", **options}
    system = EPIC("ill", llm=Scripted([reply, "", "", ""]), random_state=0, **options)
    return system.fit(people()).sample(n_rows), system


def test_a_prompt_is_sets_of_balanced_groups_and_a_bare_header() -> None:
    text = prompt_of(rows_per_class=2, sets=2, mapping="none", variant="published")
    lines = text.split("\n")
    header = "ill,dose,fever,cough,town"
    shape = [line if line in (header, "", "A.", "B.") else line.split(",")[0] for line in lines]
    a_set = [header, "A.", "no", "no", "", "B.", "yes", "yes", "", ""]
    assert shape == [*a_set, *a_set, header]


def test_a_chat_model_is_told_to_go_on_with_new_rows() -> None:
    script = Scripted([""] * 9)
    EPIC("ill", llm=script, random_state=0, rows_per_class=2).fit(people()).sample(10)
    system, user = script.prompts[0].messages
    assert "nothing else" in system.content
    assert user.content.split("\n")[-3:] == [
        "Go on with one more set in the same form: for each of the groups A, B a line with its "
        "letter, then 2 new rows that belong in this group. Do not repeat a row from above.",
        "",
        "ill,dose,fever,cough,town",
    ]


def test_the_default_shows_each_row_once_and_the_published_one_120() -> None:
    rows = [line for line in prompt_of().splitlines() if line.count(",") == 4]
    examples = [row for row in rows if not row.startswith("ill,")]
    assert len(examples) == 32
    assert Counter(row.split(",")[0] for row in examples) == {"no": 16, "yes": 16}
    published = [line for line in prompt_of(variant="published").splitlines() if "," in line]
    assert len(published) == 120 + 5


def test_meanings_of_columns_stand_on_top_and_nothing_else_does() -> None:
    text = prompt_of(schema={"dose": {"meaning": "grams a day"}}, mapping="none")
    assert text.startswith("dose: grams a day\n\nill,dose,fever,cough,town\nA.\n")


def test_tokens_hide_the_values_that_columns_share() -> None:
    cells = {cell for line in prompt_of().splitlines() for cell in line.split(",")}
    assert not cells & {"t", "f"}
    assert {"Ulm", "Bonn", "no", "yes"} <= cells
    every = {cell for line in prompt_of(mapping="all").splitlines() for cell in line.split(",")}
    assert not every & {"t", "f", "Ulm", "Bonn", "no", "yes"}


def test_rows_are_read_back_from_tokens_with_one_wrong_letter_mended() -> None:
    fitted = EPIC("ill", llm=Scripted([]), mapping="all", random_state=0).fit(people())
    code = fitted.tokens_.tokens

    def reply(fever: str) -> str:
        first = f"{code['ill']['no']},5.55,{code['fever']['t']},{code['cough']['f']},"
        second = f"{code['ill']['no']},5.56,{fever},{code['cough']['f']},{code['town']['Ulm']}"
        return f"A.\n{first}{code['town']['None']}\n{second}"

    slip = code["fever"]["f"][:-1] + "-"
    rows, system = kept(reply(slip), 4, mapping="all")
    assert rows.rows() == [(5.55, "t", "f", "None", "no"), (5.56, "f", "f", "Ulm", "no")]
    rows, system = kept(reply(slip), 4, mapping="all", variant="published")
    assert rows.height == 1
    assert f"column 'fever': '{slip}' is no token of it" in system.result_.parse_errors
    rows, system = kept(reply("t"), 4, mapping="all")
    assert rows.height == 1, "the model never saw the word, so it is no value of the column"


def test_one_bad_line_costs_no_other_and_prose_costs_nothing() -> None:
    reply = (
        "Sure, here is more:\n```\nill,dose,fever,cough,town\nA.\nno,5.11,t,f,Ulm,extra\n"
        "- no,5.12,t,f,Ulm\nno,high,t,f,Ulm\nB.\nyes,6.13,t,f,Atlantis\nyes,7.14,f,f,Bonn\n```\n"
        "ill,dose,fever,cough,town\nA.\nno,5.15,f,f,Ulm\n"
    )
    rows, system = kept(reply, 4)
    assert rows["dose"].to_list() == [5.12, 7.14, 5.15]
    reasons = set(system.result_.parse_errors)
    assert reasons == {
        "6 fields instead of 5",
        "column 'dose': 'high' is no number",
        "column 'town': 'Atlantis' is not among its values",
    }


def test_a_row_in_the_group_of_another_class_is_rejected_and_published_keeps_it() -> None:
    reply = "A.\nyes,6.11,t,f,Ulm\nno,5.12,t,f,Ulm"
    rows, system = kept(reply, 4)
    assert rows["ill"].to_list() == ["no"]
    stage, reason = system.result_.rejected.row(0)[-3:-1]
    assert (stage, reason) == ("group", "stands in group A and is of another class")
    assert kept(reply, 4, variant="published")[0].height == 2


def test_copies_and_repeats_are_rejected_and_published_keeps_them() -> None:
    real = people()
    first = real.row(0, named=True)
    line = f"{first['ill']},{first['dose']},{first['fever']},{first['cough']},{first['town']}"
    reply = f"A.\n{line}\nno,5.55,t,t,Ulm\nno,5.55,t,t,Ulm"
    rows, system = kept(reply, 6)
    assert rows["dose"].to_list() == [5.55]
    assert system.result_.rejected["_stage"].to_list() == ["near-duplicates", "near-duplicates"]
    published, system = kept(reply, 6, variant="published")
    assert published["dose"].to_list() == [5.55, 5.55], "copies are kept, but none of the prompt"
    assert system.result_.parse_errors["it is an example of the prompt"] == 1


def test_classes_get_the_same_number_of_rows_or_what_is_asked_for() -> None:
    population = people(2000, seed=1)
    system = EPIC("ill", llm=StandIn(population, target="ill"), random_state=0).fit(people())
    assert Counter(system.sample(31)["ill"]) == {"no": 16, "yes": 15}
    filled = system.sample(balance="fill")
    assert set(filled["ill"]) == {"yes"}
    line = system.result_.usage.lines[0]
    assert (line.role, line.stage) == ("writer", "rows")
    assert system.result_.tokens_per_row is not None


def test_the_local_body_draws_the_same_request() -> None:
    system = EPIC("ill", random_state=0).fit(people())
    rows = system.sample(20)
    assert Counter(rows["ill"]) == {"no": 10, "yes": 10}
    assert "no model was named for the writer" in system.result_.notes[0]
    assert system.result_.usage.calls == 0
    assert rows.equals(system.sample(20, random_state=0))
    assert not rows.equals(system.sample(20, random_state=1))
    assert (system.sample(10, where="dose > 5")["dose"] > 5).all()


def test_the_local_body_draws_many_rows_in_rounds() -> None:
    rows = EPIC("ill", random_state=0).fit(people(300)).sample(1500)
    assert Counter(rows["ill"]) == {"no": 750, "yes": 750}
    assert rows.n_unique() == 1500


@pytest.mark.parametrize("model", [None, StandIn(people(800, seed=1), target="ill")])
def test_classes_that_a_condition_excludes_get_no_rows(model: StandIn | None) -> None:
    system = EPIC("ill", llm=model, random_state=0).fit(people())
    assert system.sample(10, where="ill = 'no'")["ill"].to_list() == ["no"] * 10
    assert Counter(system.sample(10, where="dose > 5")["ill"]) == {"no": 5, "yes": 5}
    table = people().rename({"dose": "pay"})
    system = EPIC("pay", random_state=0).fit(table)
    assert (system.sample(10, where="pay < 5")["pay"] < 5).all()


def test_more_classes_than_letters_have_groups() -> None:
    assert [group_letter(index) for index in (0, 25, 26, 51, 52)] == ["A", "Z", "A1", "Z1", "A2"]
    table = pl.DataFrame({"x": np.arange(90) / 7, "y": [f"c{n % 30:02d}" for n in range(90)]})
    script = Scripted([""] * 9)
    EPIC("y", llm=script, random_state=0).fit(table).sample(5)
    assert "\nD1.\nc29," in script.prompts[0].text


def test_a_small_class_is_never_shown_twice_in_a_set_and_no_row_more_often_than_others() -> None:
    deck = Deck(np.arange(7), n_sets=2, n_rows=5, seed=(0,))
    shown: Counter[int] = Counter()
    for prompt in range(7):
        for rows in deck.deal(prompt):
            assert len(set(rows.tolist())) == 5
            shown.update(rows.tolist())
    assert set(shown.values()) == {10}
    assert [len(rows) for rows in Deck(np.arange(2), 2, 5, (0,)).deal(0)] == [2, 2]
    published = Deck(np.arange(3), n_sets=4, n_rows=15, seed=(0,), n_prompts=20)
    assert [len(rows) for rows in published.deal(0)] == [15] * 4
    whole = Deck(np.arange(40), n_sets=1, n_rows=2, seed=(0,), n_prompts=20)
    assert len({int(row) for prompt in range(20) for row in whole.deal(prompt)[0]}) == 40


def test_a_numeric_target_is_cut_at_its_quantiles_and_published_says_it_cannot() -> None:
    rng = np.random.default_rng(0)
    table = pl.DataFrame({"x": rng.normal(size=80), "pay": rng.normal(9, 2, 80)})
    script = Scripted(["A.\n8.1,0.5\n5.1,0.6\nD.\n12.9,0.7", "", "", ""])
    system = EPIC("pay", llm=script, random_state=0).fit(table)
    assert len(system.classes_) == 4
    rows = system.sample(8)
    assert sorted(rows["pay"].to_list()) == [5.1, 8.1, 12.9], "8.1 belongs to a bin of its own"
    local = EPIC("pay", random_state=0).fit(table)
    counts = np.bincount(local.classes_.of(local.sample(40)))
    assert counts.tolist() == [10, 10, 10, 10]
    with pytest.raises(InputError, match="needs classes, and the target 'pay' is continuous"):
        EPIC("pay", variant="published").fit(table)


def test_what_cannot_work_is_said_in_a_sentence() -> None:
    with pytest.raises(InputError, match="name the target"):
        EPIC().fit(people())
    with pytest.raises(InputError, match="variant is 'default' or 'published', not 'paper'"):
        EPIC("ill", variant="paper").fit(people())
    with pytest.raises(InputError, match="sets is a whole number above 0, not 0"):
        EPIC("ill", sets=0).fit(people())
    guarded = Scripted([])
    guarded.sharing = Sharing("schema")  # type: ignore[attr-defined]  # as clients have it
    with pytest.raises(InputError, match="EPIC shows rows of the table to the model"):
        EPIC("ill", llm=guarded).fit(people())
    guarded.sharing = Sharing("rows", redact=("town",))  # type: ignore[attr-defined]  # as above
    with pytest.raises(InputError, match="column 'town' is redacted"):
        EPIC("ill", llm=guarded).fit(people())


def test_a_cap_ends_the_work_with_the_rows_so_far() -> None:
    script = Scripted(["A.\nno,5.55,t,t,Ulm", BudgetError("the cap of 1 call is reached")])
    system = EPIC("ill", llm=script, mapping="none", random_state=0).fit(people())
    assert system.sample(2)["dose"].to_list() == [5.55]
    assert "cap of 1 call" in str(system.result_.stopped)
    script = Scripted([BudgetError("the cap of 1 call is reached")])
    system = EPIC("ill", llm=script, random_state=0).fit(people())
    assert system.sample(2).height == 0
    assert "cap of 1 call" in str(system.result_.stopped)


def test_work_ends_where_nothing_new_comes_or_at_the_most_prompts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    system = kept("A.\nno,5.55,t,t,Ulm", 30)[1]
    assert "6 of 6 prompts are used up, the most" in system.result_.notes[-2]
    monkeypatch.setattr(EPIC, "max_prompts", 1)
    system = kept("A.\nno,5.55,t,t,Ulm", 30)[1]
    assert system.result_.notes[-2:] == [
        "1 of 1 prompts are used up; 29 rows are missing still", system.result_.shortfall,
    ]  # fmt: skip


def test_the_cells_that_a_prompt_shows_are_counted_and_a_dry_run_ends() -> None:
    class Estimating:
        def __init__(self) -> None:
            self.prompts: list[Prompt] = []

        def complete(self, prompt: Prompt) -> Reply:
            self.prompts.append(prompt)
            return Reply(prompt.expected)

    model = Estimating()
    EPIC("ill", llm=model, random_state=0).fit(people()).sample(64)
    assert model.prompts[0].sent == dict.fromkeys(["ill", "dose", "fever", "cough", "town"], 32)
    assert len(model.prompts) <= 64 // 16 + 3


def test_a_model_with_moderate_faults_still_fills_the_request() -> None:
    faults = Faults(invalid=0.1, truncated=0.1, ignored=0.1, hallucinated=0.1, copies=0.1)
    model = StandIn(people(2000, seed=1), target="ill", faults=faults)
    system = EPIC("ill", llm=model, random_state=0).fit(people())
    assert system.sample(40).height == 40
    assert system.sample(40, random_state=0).equals(system.sample(40, random_state=0))


def test_plain_text_is_the_same_table_and_ends_at_the_next_header() -> None:
    script = Scripted([""] * 9)
    EPIC("ill", llm=script, random_state=0, rows_per_class=2, mapping="none").fit(people()).sample(
        4
    )
    prompt = script.prompts[0]
    chat = prompt.messages[-1].content
    assert prompt.completion == chat.replace(chat[chat.index("Go on with") : -len(HEADER)], "")
    assert prompt.stop == f"\n{HEADER}"


def test_a_top_up_begins_with_the_group_that_is_missing_and_stops_behind_it() -> None:
    reply = "A.\nno,5.11,t,f,Ulm\nno,5.22,f,t,Bonn\nB.\nyes,7.14,f,f,Bonn"
    script = Scripted([reply, *[""] * 9])
    system = EPIC("ill", llm=script, random_state=0, rows_per_class=4, mapping="none")
    assert system.fit(people()).sample(4).height == 3
    first, more = script.prompts[:2]
    assert "groups A, B a line with its letter, then 4 new rows" in first.text, "two may be lost"
    assert "groups B a line with its letter, then 1 new rows" in more.text
    assert more.completion.endswith(f"\n{HEADER}\nB.\n")
    only_a = Scripted([reply.replace("no,5.22", "yes,7.22"), *[""] * 9])
    EPIC("ill", llm=only_a, random_state=0, rows_per_class=4, mapping="none").fit(people()).sample(
        3
    )
    assert only_a.prompts[1].stop == "\nB."


def test_a_temperature_of_the_users_own_is_kept() -> None:
    class Connected(Scripted):
        settings = type("Settings", (), {"temperature": 0.2, "dry_run": False})

    for script, expected in ((Scripted([""] * 9), 1.3), (Connected([""] * 9), None)):
        EPIC("ill", llm=script, random_state=0).fit(people()).sample(4)
        assert script.prompts[0].temperature == expected


def test_a_prompt_for_one_group_asks_for_as_many_rows_as_one_for_all_groups() -> None:
    """Four rows of a rare class at a time made a prompt of 600 tokens for each four."""

    def asked(balance: Any) -> Prompt:
        script = Scripted([""] * 9)
        EPIC("ill", llm=script, random_state=0).fit(people()).sample(balance=balance)
        return script.prompts[0]

    both, one = asked({"no": 8, "yes": 8}), asked({"yes": 12})
    assert both.grammar.startswith('root ::= "\\nA.\\n" rowA{8} "\\nB.\\n" rowB{8}\n')
    assert one.grammar.startswith("root ::= rowB{16}\n"), "12 are wanted, and some will be lost"
    assert one.completion.endswith("\nB.\n")
