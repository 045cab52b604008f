"""The optimizer's prompts, what is read of its replies, and the local proposals."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.errors import BudgetError, ModelError
from tablewright.llm import Prompt, Reply, Scripted, Sharing
from tablewright.schema import Schema
from tablewright.systems.common.loop import Proposal, Step, Trace
from tablewright.systems.mallm_gan.discriminator import Evidence, Judgement
from tablewright.systems.mallm_gan.optimizer import Optimizer, read_process, top
from tablewright.systems.mallm_gan.process import CausalGraph, Edit, Process
from tablewright.systems.mallm_gan.search import EdgeFrequencies, local_edits, possible

COLUMNS = ("age", "smokes", "ill")
GRAPH = CausalGraph({"age": [], "smokes": [], "ill": ["age"]})
PROCESS = Process(GRAPH, "Patients of a clinic.", "Be exact.")


def table(n_rows: int = 300) -> pl.DataFrame:
    """Smoking makes ill, age does nothing."""
    rng = np.random.default_rng(0)
    smokes = rng.random(n_rows) < 0.5
    ill = np.where(smokes, rng.random(n_rows) < 0.9, rng.random(n_rows) < 0.1)
    age = rng.integers(20, 80, n_rows)
    return pl.DataFrame({"age": age, "smokes": smokes, "ill": np.where(ill, "yes", "no")})


SCHEMA = Schema.build(
    {
        "age": "integer",
        "smokes": "boolean",
        "ill": {"kind": "categorical", "categories": ["no", "yes"]},
    },
    "ill",
)


def judged(auc: float, *evidence: Evidence) -> Judgement:
    return Judgement(auc, 0.0, 0.0, np.full(4, auc), evidence)


LESS = Evidence(("smokes", "ill"), 0.8, 0.1, -0.7)


def trace(*steps: tuple[Process, float, bool], start: float = 0.8) -> Trace[Process, Any]:
    """A trace whose last accepted step is where it stands."""
    found: Trace[Process, Any] = Trace(PROCESS, PROCESS, judged(start, LESS), judged(start, LESS))
    for process, auc, accepted in steps:
        proposal = Proposal("; ".join(process.compare(found.state)), process)
        found.steps.append(Step(proposal, found.measurement, judged(auc, LESS), accepted))
        if accepted:
            found.state, found.measurement = process, judged(auc, LESS)
    return found


def reply(graph: dict[str, Any], task: str | None = None) -> str:
    return json.dumps({"graph": graph} if task is None else {"graph": graph, "task": task})


SMOKING = {"ill": {"parents": ["age", "smokes"]}}


def asked(*replies: Any, sharing: Sharing | None = None) -> tuple[Optimizer, Scripted]:
    script = Scripted(replies)
    if sharing is not None:
        script.sharing = sharing  # type: ignore[attr-defined]
    return Optimizer(script, SCHEMA, table()), script


def test_the_best_three_are_shown_the_best_last() -> None:
    others = [replace(PROCESS, task=f"Task {k}.") for k in range(4)]
    found = trace(*[(p, auc, False) for p, auc in zip(others, (0.9, 0.6, 0.7, 0.65), strict=True)])
    assert [process.task for process, _ in top(found)] == ["Task 2.", "Task 3.", "Task 1."]
    assert [score for _, score in top(found)] == ["0.700", "0.650", "0.600"]


def test_a_process_that_was_measured_twice_is_shown_once() -> None:
    assert len(top(trace((PROCESS, 0.7, False)))) == 1


def test_the_prompt_holds_processes_scores_evidence_and_what_did_not_help() -> None:
    optimizer, script = asked(reply(SMOKING))
    worse = replace(PROCESS, task="Guess.")
    proposed = optimizer.propose(trace((worse, 0.9, False)))
    assert proposed is not None
    assert proposed.graph.edges == (("age", "ill"), ("smokes", "ill"))
    assert proposed.task == "Be exact.", "a task that is left out stays"
    prompt = script.prompts[0]
    assert prompt.text.index("Guess.") < prompt.text.index("Score: 0.900")
    assert prompt.text.index("Score: 0.900") < prompt.text.index("Score: 0.800")
    assert str(LESS) in prompt.text
    assert "Changes of it that did not help:\n<data>\ntask: Guess." in prompt.text
    assert "Patients of a clinic." in prompt.text
    assert (prompt.temperature, prompt.role, prompt.stage) == (1.0, "optimizer", "optimize")


def test_the_schema_of_a_reply_names_every_column_and_no_other() -> None:
    optimizer, script = asked(reply(SMOKING))
    optimizer.propose(trace())
    schema = script.prompts[0].schema
    assert schema is not None
    graph = schema["properties"]["graph"]
    assert tuple(graph["required"]) == COLUMNS
    assert graph["additionalProperties"] is False
    assert graph["properties"]["age"]["properties"]["parents"]["items"]["enum"] == list(COLUMNS)
    again = read_process(script.prompts[0].expected, PROCESS)
    assert again == PROCESS, "what is counted as a usual reply is one"


@pytest.mark.parametrize(
    ("share", "redact", "is_shown"),
    [("rows", (), True), ("summary", (), True), ("schema", (), False), ("rows", ("ill",), False)],
)
def test_numbers_of_the_evidence_leave_only_with_a_summary(
    share: Any, redact: tuple[str, ...], is_shown: bool
) -> None:
    optimizer, script = asked(reply(SMOKING), sharing=Sharing(share, redact))
    optimizer.propose(trace())
    assert ("real 0.80" in script.prompts[0].text) == is_shown
    assert LESS.words in script.prompts[0].text


CIRCLE = {"age": {"parents": ["ill"]}, "ill": {"parents": ["age"]}}


def test_a_circle_gets_one_call_to_repair_it() -> None:
    optimizer, script = asked(reply(CIRCLE), reply(SMOKING))
    proposed = optimizer.propose(trace())
    assert proposed is not None
    assert len(script.prompts) == 2
    assert "in a circle" in script.prompts[1].text
    assert script.prompts[1].stage == "repair"
    optimizer, script = asked(reply(CIRCLE), reply(CIRCLE), reply(SMOKING))
    assert optimizer.propose(trace()) is None
    assert len(script.prompts) == 2


def test_a_graph_against_what_is_known_of_edges_gets_one_call_to_repair_it() -> None:
    known = replace(PROCESS, priors=(("smokes", "ill", 0),))
    read = read_process(reply(SMOKING), known)
    assert read == "the graph is against what is known of edges: smokes -> ill: never"


def test_the_same_process_again_is_no_proposal() -> None:
    optimizer, _ = asked(reply({"ill": {"parents": ["age"]}}, "Be exact."))
    assert optimizer.propose(trace()) is None


def test_a_failed_call_costs_one_proposal_and_a_cap_is_raised() -> None:
    assert asked(ModelError("busy"))[0].propose(trace()) is None
    with pytest.raises(BudgetError):
        asked(BudgetError("spent"))[0].propose(trace())


def test_each_question_has_a_seed_of_its_own() -> None:
    optimizer, script = asked(*[reply(SMOKING)] * 3)
    for _ in range(3):
        optimizer.propose(trace())
    assert len({prompt.seed for prompt in script.prompts}) == 3


def test_edges_are_asked_for_by_what_is_known_and_what_resamples_find() -> None:
    optimizer, script = asked(reply(SMOKING))
    assert optimizer.edges(PROCESS, ["smokes -> ill: 90%"]) == (("age", "ill"), ("smokes", "ill"))
    assert "smokes -> ill: 90%" in script.prompts[0].text
    assert script.prompts[0].stage == "edges"
    assert asked("no", "idea")[0].edges(PROCESS, []) == ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "no graph"),
        ('{"graph": {}}', "no graph"),
        (reply({"ill": {"parents": ["weight"]}}), "'weight', a cause of 'ill', is no column"),
        (reply({"weight": {"parents": ["ill"]}}), "'weight' is no column"),
        (reply({"ill": {"parents": "age"}}), "parents of 'ill' are a list"),
        (reply({"ill": {"parents": ["ill"]}}), "in a circle"),
    ],
)
def test_a_reply_that_is_no_graph_says_why(text: str, fault: str) -> None:
    read = read_process(text, PROCESS)
    assert isinstance(read, str)
    assert fault in read


def test_a_graph_is_found_in_prose_and_in_the_form_without_parents() -> None:
    read = read_process(f"Sure!\n```json\n{reply({'ill': ['smokes']}, 'Go.')}\n```", PROCESS)
    assert isinstance(read, Process)
    assert (read.graph.edges, read.task) == ((("smokes", "ill"),), "Go.")
    assert read.context == PROCESS.context, "context is no matter of the optimizer"


@given(st.text(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.text(max_size=8) | st.sampled_from(COLUMNS),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*COLUMNS, "graph", "task", "parents"]), inner, max_size=4),
    max_leaves=12,
).map(json.dumps))  # fmt: skip
def test_no_reply_breaks_the_reader_or_gives_a_circle(text: str) -> None:
    read = read_process(text, PROCESS)
    assert isinstance(read, str) or set(read.graph.order) == set(COLUMNS)


# without a model ----------------------------------------------------------------------------


FREQUENCIES = EdgeFrequencies(table(), SCHEMA, 0)


def test_resamples_find_the_edge_that_is_there_and_no_other_often() -> None:
    assert FREQUENCIES.frequency("smokes", "ill") == 1.0
    assert FREQUENCIES.frequency("age", "ill") < 0.5
    joined = {frozenset(edge) for edge in FREQUENCIES.graph().edges}
    assert frozenset(("smokes", "ill")) in joined
    assert FREQUENCIES.unsupported((("smokes", "ill"), ("ill", "smokes"))) == ()


def test_a_proposed_edge_is_likelier_and_its_direction_counts() -> None:
    free, asked_for = FREQUENCIES.graph(), FREQUENCIES.graph((("ill", "smokes"),) * 2)
    assert ("ill", "smokes") in asked_for.edges
    assert len(asked_for.edges) == len(free.edges)


FULL = PROCESS.revised([Edit("add", *FREQUENCIES.ways("smokes", "ill")[0])])
"""With all that the rows support, and an edge that they do not."""
WEAK = Evidence(("age", "smokes"), 0.8, 0.1, -0.7)


def changes(process: Process, *evidence: Evidence) -> list[str]:
    found = local_edits(process, evidence, FREQUENCIES)
    return ["; ".join(map(str, edits)) for edits, _ in found]


def test_all_edges_of_the_best_graph_come_first_together() -> None:
    empty = Process(CausalGraph.from_edges(COLUMNS, []))
    best = FREQUENCIES.graph().edges
    assert best
    assert changes(empty)[0].split("; ") == [f"add {a} -> {b}" for a, b in best]
    assert changes(FULL) == [], "turned or not, an edge that is there is not missing"
    turned = PROCESS.revised([Edit("add", *FREQUENCIES.ways("smokes", "ill")[1])])
    assert changes(turned) == []


def test_columns_that_go_together_too_little_get_the_likelier_edge_first() -> None:
    first, second = FREQUENCIES.ways("age", "smokes")
    found = list(local_edits(FULL, [WEAK], FREQUENCIES))
    assert [str(edits[0]) for edits, _ in found] == [
        f"add {first[0]} -> {first[1]}",
        f"add {second[0]} -> {second[1]}",
    ]
    assert found[0][1] == str(WEAK)
    assert FREQUENCIES.found[0, 1] != FREQUENCIES.found[1, 0], "one way is likelier"


def test_columns_that_go_together_too_much_get_no_edge() -> None:
    assert changes(FULL, Evidence(("age", "smokes"), 0.1, 0.8, 0.7)) == []
    assert changes(FULL, Evidence(("age",), 0.0, 1.0, 1.0)) == [], "a margin is no edge"


def test_an_edge_is_dropped_where_the_rows_do_not_speak_for_it() -> None:
    more = Evidence(("age", "ill"), 0.1, 0.6, 0.5)
    assert changes(FULL, more) == ["drop age -> ill"]
    assert changes(FULL, replace(more, columns=("smokes", "ill"))) == []


def test_an_edge_is_turned_where_resamples_find_the_other_direction_more_often() -> None:
    likelier, other = FREQUENCIES.ways("smokes", "ill")
    for edge, found in ((other, [f"reverse {other[0]} -> {other[1]}"]), (likelier, [])):
        process = Process(CausalGraph.from_edges(COLUMNS, [edge]))
        assert changes(process, LESS) == found


def test_edits_that_make_a_circle_are_no_process() -> None:
    assert possible(PROCESS, [Edit("add", "ill", "age")]) is None
    changed = possible(PROCESS, [Edit("reverse", "age", "ill")])
    assert changed is not None
    assert changed.graph.edges == (("ill", "age"),)


class Silent:
    """A model of which nothing is known but that it answers."""

    def complete(self, prompt: Prompt) -> Reply:
        return Reply(reply(SMOKING))


def test_a_model_without_sharing_is_one_of_this_process() -> None:
    proposed = Optimizer(Silent(), SCHEMA, table()).propose(trace())
    assert proposed is not None
