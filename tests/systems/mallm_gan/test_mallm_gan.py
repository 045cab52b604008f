"""MALLM-GAN: the search, rows in pieces, conditions, both variants, files."""

from __future__ import annotations

import json
import re
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import tablewright
from tablewright.errors import BudgetError, InputError
from tablewright.llm import Prompt, Reply, Scripted
from tablewright.systems.mallm_gan.discriminator import Discriminator, Judgement
from tablewright.systems.mallm_gan.pieces import Pieces
from tablewright.systems.mallm_gan.process import DEFAULT_TASK, CausalGraph, Process
from tablewright.systems.mallm_gan.system import MALLMGAN
from tablewright.testing import Faults, StandIn

COLUMNS = ("smokes", "town", "dose", "ill")


def clinic(n_rows: int = 200, seed: int = 5) -> pl.DataFrame:
    """Smoking raises a dose, a high dose makes ill; the town does nothing."""
    rng = np.random.default_rng(seed)
    smokes = rng.random(n_rows) < 0.4
    dose = np.round(rng.normal(np.where(smokes, 8, 4), 0.7), 3)
    ill = dose + rng.normal(0, 3, n_rows) > 6
    return pl.DataFrame(
        {
            "smokes": np.where(smokes, "Yes", "No"),
            "town": rng.choice(["Ulm", "Bonn"], n_rows),
            "dose": dose,
            "ill": np.where(ill, "yes", "no"),
        }
    )


TRUTH = {"dose": {"parents": ["smokes"]}, "ill": {"parents": ["dose"]}}
FALSE = {"smokes": {"parents": []}, "dose": {"parents": ["town"]}, "ill": {"parents": ["town"]}}


class Expert:
    """Answers as told where it is asked about the process; writes rows of a population."""

    def __init__(self, graph: dict[str, Any] = TRUTH, task: str = "") -> None:
        self.graph, self.task = graph, task
        self.rows = StandIn(clinic(600, 9), target="ill")
        self.prompts: list[Prompt] = []

    def complete(self, prompt: Prompt) -> Reply:
        self.prompts.append(prompt)
        if prompt.role == "optimizer":
            task = {"task": f"{self.task} {len(self.prompts)}"} if self.task else {}
            return Reply(json.dumps({"graph": self.graph, **task}))
        return self.rows.complete(prompt)

    def of(self, stage: str) -> list[Prompt]:
        return [prompt for prompt in self.prompts if prompt.stage == stage]


def fitted(**options: Any) -> MALLMGAN:
    return MALLMGAN(
        "ill", **{"random_state": 0, "rounds": 2, "discriminator": "pairs", **options}
    ).fit(clinic())


@pytest.fixture(autouse=True)
def _few_rows_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tablewright.systems.mallm_gan.system.MIN_SCORED", 300)


def start(**edges: list[str]) -> Process:
    return Process(CausalGraph({name: edges.get(name, []) for name in COLUMNS}))


# the search ---------------------------------------------------------------------------------


def test_without_a_model_the_search_takes_what_lowers_the_loss_and_tells_why() -> None:
    system = fitted(process=start(), rounds=6)
    first, *steps = system.history_
    assert (first["change"], first["taken"]) == ("start", True)
    taken = [step for step in steps if step["taken"]]
    assert taken, "an empty graph can be bettered"
    losses = [first["loss"], *(step["loss"] for step in taken)]
    assert losses == sorted(losses, reverse=True)
    assert {"smokes", "dose"} in [set(edge) for edge in system.process_.graph.edges]
    assert steps[0]["because"] == "the rows support these edges"
    assert all("go together" in step["because"] for step in steps[1:])
    assert f"loss {losses[-1]:.2f}" in system.reason_


@pytest.mark.parametrize(
    ("rounds", "loss", "taken"),
    [(1, 0.836, False), (1, 0.835, True), (8, 0.751, False), (8, 0.750, True)],
)
def test_a_change_is_taken_from_a_gain_on_that_one_search_in_twenty_would_show_by_chance(
    rounds: int, loss: float, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = chain([1.0], repeat(loss))

    def judge(self: Discriminator, rows: pl.DataFrame) -> Judgement:
        at = next(losses)
        # the standard deviation of what is gained on resamples is 0.1: 1.645 of it have to be with
        # one change, and 2.498 with eight
        wave = 0.0 if at == 1.0 else 0.1 / np.sqrt(2) * np.array([1, -1])
        return Judgement(at, 0.0, 0.0, at + np.zeros(2) + wave)

    monkeypatch.setattr(Discriminator, "judge", judge)
    system = fitted(llm={"optimizer": Expert(TRUTH)}, process=start(), rounds=rounds)
    assert [step["taken"] for step in system.history_][:2] == [True, taken]


def test_no_rounds_keep_the_process_as_it_starts() -> None:
    system = fitted(process=start(ill=["town"]), rounds=0)
    assert system.process_.graph.edges == (("town", "ill"),)
    assert len(system.history_) == 1


def test_edges_that_the_rows_do_not_support_are_named() -> None:
    system = fitted(process=start(ill=["town"], dose=["smokes"]), rounds=0)
    assert system.process_.unsupported == (("town", "ill"),)
    assert "Not supported by the data: town -> ill" in system.process_.render()


def test_edges_that_a_model_proposes_are_a_prior_and_the_rows_have_the_last_word() -> None:
    knows = fitted(llm={"optimizer": Expert(TRUTH)}, rounds=0)
    assert ("smokes", "dose") in knows.process_.graph.edges
    errs = fitted(llm={"optimizer": Expert(FALSE)}, rounds=0)
    assert ("town", "ill") not in errs.process_.graph.edges
    assert {"smokes", "dose"} in [set(edge) for edge in errs.process_.graph.edges]


def test_the_optimizer_proposes_and_a_paired_test_decides() -> None:
    model = Expert(FALSE)
    system = fitted(llm={"optimizer": model}, process=start(dose=["smokes"], ill=["dose"]))
    assert len(system.history_) == 2
    assert not system.history_[1]["taken"], "worse rows are not taken"
    assert system.process_.graph.edges == (("smokes", "dose"), ("dose", "ill"))
    assert not model.of("edges"), "a process that was given is not asked about"
    good = fitted(llm={"optimizer": Expert(TRUTH)}, process=start(), rounds=1)
    assert good.history_[1]["taken"]
    assert good.history_[1]["because"] == "the optimizer"
    assert good.process_.graph.edges == (("smokes", "dose"), ("dose", "ill"))


def test_a_cap_in_the_search_keeps_what_was_reached() -> None:
    better = Reply(json.dumps({"graph": TRUTH}))
    script = Scripted([better, BudgetError("spent")])
    system = fitted(llm={"optimizer": script}, process=start(), rounds=5)
    assert system.process_.graph.edges == (("smokes", "dose"), ("dose", "ill"))
    assert any("ended early" in note for note in system.result_.notes)
    with pytest.raises(BudgetError):
        fitted(llm={"optimizer": Scripted([BudgetError("spent")])}, process=start())


def test_the_bill_of_the_search_stands_with_the_rows() -> None:
    system = fitted(llm=Expert(TRUTH), rounds=1)
    system.sample(5)
    lines = {(line.role, line.stage): line.calls for line in system.result_.usage.lines}
    assert lines["optimizer", "edges"] == 1
    assert lines["writer", "rows"] >= 2
    assert system.result_.details["history"] == system.history_
    assert system.result_.details["process"] == system.process_


# rows ---------------------------------------------------------------------------------------


def test_a_prompt_shows_a_piece_asks_for_as_many_and_puts_causes_first() -> None:
    model = Expert()
    process = Process(CausalGraph({"smokes": ["ill"], "town": [], "dose": ["smokes"], "ill": []}))
    system = fitted(llm={"writer": model}, process=process, shots=3, context="Of a clinic.")
    assert not model.prompts, "the search draws rows on this machine"
    rows = system.sample(12)
    assert rows.columns == list(COLUMNS)
    prompt = model.of("rows")[0]
    order = list(system.process_.graph.order)
    assert order.index("ill") < order.index("smokes") < order.index("dose")
    keys = ", ".join(f'"{name}"' for name in order)
    assert (
        f"with exactly 3 objects, each on one line, with the keys {keys}, in this order"
        in prompt.text
    )
    assert prompt.text.count('"dose": ') == 3 + 1 + 2, "three rows, the graph, and how it follows"
    assert json.dumps(system.process_.graph.as_data()) in prompt.text
    assert DEFAULT_TASK in prompt.text
    assert prompt.temperature == 0.5
    assert (prompt.schema or {})["properties"]["rows"]["maxItems"] == 3


def test_every_real_row_is_shown_once_in_a_pass_and_none_comes_back() -> None:
    pieces = Pieces(np.arange(10), 4, (1,))
    assert pieces.per_pass == 3
    one, other = (np.concatenate([pieces.rows(3 * turn + k) for k in range(3)]) for turn in (0, 1))
    assert sorted(one) == sorted(other) == list(range(10))
    assert one.tolist() != other.tolist()
    batch, first = pieces.batch(1, 8)
    assert (len(batch), first) == (6, 2), "two pieces from the third on"
    model = Expert()
    system = fitted(llm={"writer": model}, rounds=0)
    rows = system.sample(40)
    assert rows.join(clinic(), on=list(COLUMNS)).height == 0


def test_a_row_that_equals_an_example_is_refused() -> None:
    class Parrot(Expert):
        def complete(self, prompt: Prompt) -> Reply:
            rows = prompt.text.split("Real rows:\n<data>\n")[1].split("\n</data>")[0]
            return Reply(rows)

    system = fitted(llm={"writer": Parrot()}, rounds=0)
    assert system.sample(4).height == 0
    assert "it is an example of the prompt" in str(system.result_.parse_errors)


def test_the_writer_is_told_in_numbers_what_follows_from_parents_but_as_published() -> None:
    texts = {}
    for variant in ("default", "published"):
        model = Expert()
        system = fitted(llm={"writer": model}, variant=variant, process=start(dose=["smokes"]),
                        rounds=0)  # fmt: skip
        system.sample(4)
        texts[variant] = model.of("rows")[-1].text
    quartiles = clinic().filter(pl.col("smokes") == "Yes")["dose"].quantile(0.5, "linear")
    (median,) = re.findall(
        r'"where smokes is": "Yes", "dose": \[[\d.]+, ([\d.]+),', texts["default"]
    )
    assert float(median) == pytest.approx(quartiles, rel=1e-3)
    assert "where smokes is" not in texts["published"]


def test_rows_of_a_model_whose_cells_do_not_go_together_are_rejected() -> None:
    class Liar(Expert):
        def complete(self, prompt: Prompt) -> Reply:
            good = [{"smokes": "Yes", "town": "Ulm", "dose": 8.012, "ill": "yes"}]
            bad = [{"smokes": "Yes", "town": "Ulm", "dose": 2.012, "ill": "yes"}]
            return Reply(json.dumps({"rows": good + bad}))

    system = fitted(llm={"writer": Liar()}, rounds=0)
    assert system.sample(2)["dose"].to_list() == [8.012]
    assert system.result_.rejected.select("dose", "_stage").rows()[0] == (2.012, "relations")
    system = fitted(llm={"writer": Liar()}, variant="published", rounds=0)
    assert system.sample(2)["dose"].to_list() == [8.012, 2.012]


CONDITION = "dose BETWEEN 7 AND 9 AND smokes = 'Yes'"


def test_a_condition_is_met_by_construction_without_a_model() -> None:
    rows = fitted(rounds=0).sample(30, where=CONDITION)
    assert rows.height == 30
    assert rows["dose"].is_between(7, 9).all()
    assert set(rows["smokes"]) == {"Yes"}


@pytest.mark.parametrize("obedience", [1.0, 0.5])
def test_a_condition_is_told_in_words_and_every_row_is_looked_at(obedience: float) -> None:
    model = Expert()
    model.rows = StandIn(clinic(600, 9), target="ill", faults=Faults(obedience=obedience))
    system = fitted(llm={"writer": model}, rounds=0)
    rows = system.sample(10, where=CONDITION)
    assert rows.filter(~pl.col("dose").is_between(7, 9) | (pl.col("smokes") != "Yes")).height == 0
    assert rows.height == 10
    assert "dose BETWEEN 7 AND 9" in model.of("rows")[0].text
    rejected = system.result_.rejected.filter(pl.col("_stage") == "rules")
    assert (rejected.height > 0) == (obedience < 1)


def test_classes_are_asked_for_by_share_and_counted() -> None:
    model = Expert()
    rows = fitted(llm={"writer": model}, rounds=0).sample(8, balance="equal")
    assert sorted(rows["ill"].value_counts()["count"]) == [4, 4]
    assert "Labels, by share of the rows:" in model.of("rows")[0].text


def test_rare_rows_are_filled_without_a_model() -> None:
    rare = clinic(200).with_columns(
        ill=pl.when(pl.int_range(200) < 8).then(pl.lit("yes")).otherwise(pl.lit("no"))
    )
    system = MALLMGAN("ill", rounds=0, random_state=0).fit(rare)
    assert system.sample(20, balance="equal")["ill"].to_list().count("yes") == 10


# the published variant ----------------------------------------------------------------------


def test_published_takes_every_proposal_and_keeps_the_best_of_the_last_pass() -> None:
    system = fitted(llm={"optimizer": Expert(TRUTH, "Task")}, variant="published", rounds=None)
    history = system.history_
    assert len(history) == 4 * 4, "200 rows are passed four times, in four batches"
    assert all(step["taken"] for step in history)
    last = history[-4:]
    best = min(last, key=lambda step: step["loss"])
    assert system.process_.task == best["task"]
    assert len({step["task"] for step in history}) == len(history)


def test_published_writes_a_batch_by_the_model_for_each_process() -> None:
    model = Expert(TRUTH, "Task")
    system = fitted(llm=model, variant="published", rounds=1, shots=5)
    assert len(model.of("rows")) == 2 * 10, "fifty rows in pieces of five, twice"
    assert not model.of("edges")
    shown = pl.concat(system.shown_)
    assert shown.n_unique() == 100, "two batches of the pass"
    scores = [step["loss"] for step in system.history_]
    assert all((20 * score) % 1 == pytest.approx(0, abs=1e-9) for score in scores)


def test_published_refuses_copies_too() -> None:
    system = fitted(variant="published", rounds=1)
    assert system.sample(60).join(clinic(), on=list(COLUMNS)).height == 0


# priors and rows shown ----------------------------------------------------------------------


def test_a_graph_is_searched_with_what_is_known_of_edges_and_nothing_is_taken_against_it() -> None:
    known = Process(CausalGraph({n: [] for n in COLUMNS}), priors=(
        ("town", "ill", 1), ("smokes", "dose", 0), ("dose", "smokes", 0),
    ))  # fmt: skip
    edges = fitted(process=known, rounds=4).process_.graph.edges
    assert ("town", "ill") in edges
    assert not {("smokes", "dose"), ("dose", "smokes")} & set(edges)
    assert {("dose", "ill"), ("ill", "dose")} & set(edges), "the rest of the graph is searched"


def test_a_graph_that_is_against_its_priors_is_refused() -> None:
    process = {"graph": {"ill": ["dose"]}, "priors": [["dose", "ill", 0]]}
    with pytest.raises(InputError, match=r"against its priors.*dose -> ill: never"):
        fitted(process=process)


def test_edges_that_the_rows_support_come_into_an_empty_graph_unless_rows_get_worse() -> None:
    assert ("smokes", "dose") in fitted(process=start(), rounds=1).process_.graph.edges


def test_rows_of_the_coreset_alone_are_shown_where_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen = [np.array([3, 5]), np.array([8])]
    monkeypatch.setattr(
        "tablewright.systems.mallm_gan.system.Coreset.learn",
        lambda *_: type("Chosen", (), {"members": chosen}),
    )
    model = Expert()
    fitted(llm={"writer": model}, rounds=0, examples="coreset").sample(8)
    prompts = [prompt.text.split("Real rows:")[1] for prompt in model.of("rows")]
    doses = clinic()["dose"].to_list()
    shown = {number for text in prompts for number in re.findall(r"\d+\.\d+", text)}
    assert shown == {str(doses[k]) for k in (3, 5, 8)}


# options and files --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": "paper"}, "variant is 'default' or 'published'"),
        ({"rounds": -1}, "rounds is a whole number"),
        ({"shots": 0}, "shots is a whole number above 0"),
        ({"process": {"graph": {"dose": ["pay"]}}}, "'pay', a cause of 'dose', is no column"),
        ({"process": "no/such.yaml"}, r"no/such\.yaml: cannot be read"),
    ],
)
def test_wrong_options_are_one_sentence(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        fitted(**options)


def test_a_process_is_saved_edited_by_hand_and_taken_up_again(tmp_path: Path) -> None:
    path = tmp_path / "process.yaml"
    fitted(rounds=0, context="Of a clinic.").process_.save(path)
    text = path.read_text().replace(DEFAULT_TASK[:20], "Be careful. " + DEFAULT_TASK[:20])
    path.write_text(text)
    system = fitted(rounds=0, process=str(path))
    assert system.process_.task.startswith("Be careful.")
    assert system.process_.context == "Of a clinic."


def test_a_process_may_name_columns_that_are_constant_here() -> None:
    process = start(dose=["town", "smokes"], ill=["dose"])
    one_town = clinic().with_columns(town=pl.lit("Ulm"))
    system = MALLMGAN("ill", process=process, rounds=0, random_state=0).fit(one_town)
    assert system.process_.graph.edges == (("smokes", "dose"), ("dose", "ill"))
    wrong = Process(CausalGraph({"weight": [], "ill": ["weight"]}))
    with pytest.raises(InputError, match="'weight', a cause of 'ill', is no column"):
        fitted(process=wrong)


def test_a_file_holds_process_and_history_and_loading_asks_nobody(tmp_path: Path) -> None:
    model = Expert(TRUTH)
    system = fitted(llm=model, process=start(ill=["town"]), rounds=1)
    system.save(tmp_path / "m.tw")
    n_prompts = len(model.prompts)
    loaded = tablewright.load(tmp_path / "m.tw")
    assert isinstance(loaded, MALLMGAN)
    assert len(model.prompts) == n_prompts
    assert loaded.process_ == system.process_
    assert loaded.process_.unsupported == system.process_.unsupported
    assert loaded.history_ == system.history_
    assert loaded.sample(7).height == 7, "without a model the rows are drawn"
    again = MALLMGAN.load(tmp_path / "m.tw", llm={"writer": model})
    again.sample(4)
    assert len(model.prompts) > n_prompts


def test_the_same_seed_gives_the_same_process_and_rows() -> None:
    one, other = fitted(), fitted()
    assert one.history_ == other.history_
    assert one.sample(9).equals(other.sample(9))


def test_a_table_without_target_is_fitted_too() -> None:
    system = MALLMGAN(rounds=0, random_state=0).fit(clinic().select("dose", "smokes"))
    assert set(system.process_.graph.edges[0]) == {"smokes", "dose"}
    assert system.sample(5).height == 5
