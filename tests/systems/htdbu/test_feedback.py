"""The loop: what is decided from readings, what is tried, what is kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.rules import Rules, as_rules
from tablewright.systems.htdbu.candidates import (
    Candidate,
    Config,
    better_textures,
    relaxed_rules,
)
from tablewright.systems.htdbu.feedback import Action, Diagnostics, decide, tune

GOOD = Diagnostics(x_floor=0.01, u_real=0.9, u_syn=0.9)


@pytest.mark.parametrize(
    ("readings", "action"),
    [
        (GOOD, Action.STOP),
        (Diagnostics(v=0.01), Action.ADJUST),
        (Diagnostics(broken=0.1, u_real=0.9, u_syn=0.6, c=0.9), Action.ADJUST),
        (Diagnostics(x_rule=0.1, x_floor=0.01), Action.ADJUST),
        (Diagnostics(x_rule=0.1, x_floor=0.08), Action.STOP),
        (Diagnostics(problem="r1, r2 cannot hold together"), Action.ADJUST),
        (Diagnostics(a=0.1), Action.RETRAIN),
        (Diagnostics(a=0.4, a_real=0.5), Action.STOP),
        (Diagnostics(x_syn=0.1), Action.RETRAIN),
        (Diagnostics(x_syn=0.1, x_floor=0.04), Action.STOP),
        (Diagnostics(u_real=0.9, u_syn=0.85, u_error=0.01), Action.RETRAIN),
        (Diagnostics(u_real=0.9, u_syn=0.85, u_error=0.04), Action.STOP),
        (Diagnostics(c=0.8), Action.RETRAIN),
    ],
)
def test_which_part_is_to_blame(readings: Diagnostics, action: Action) -> None:
    assert decide(readings).action is action


def settings_of(change: Iterator[Candidate]) -> dict[str, Config]:
    return {result.what: result.config for result in change}


def test_better_textures_come_cheapest_first() -> None:
    start = Config("trees", {"min_samples_leaf": 300, "max_rows": 50}, skeleton_first=False)
    offered = settings_of(better_textures(start, 1000))
    assert list(offered)[:4] == [
        "draw the skeleton first",
        "learn from all 1,000 rows, not from 50",
        "leaves of 20 rows, not 300",
        "leaves of 10 rows",
    ]
    assert offered["leaves of 20 rows, not 300"].options["max_rows"] == 50
    assert offered["draw the skeleton first"].skeleton_first
    plain = settings_of(better_textures(Config("independent"), 1000))
    assert list(plain)[:2] == ["copula in place of independent", "trees in place of independent"]


def test_relaxed_rules_soften_the_worst_first_but_never_what_a_person_demands() -> None:
    rules = as_rules(
        [
            {"name": "mild", "expression": "age > 20", "source": "mined"},
            {"name": "wrong", "expression": "age > 60", "source": "llm"},
            {"name": "demanded", "expression": "age > 65", "source": "human"},
            {"name": "wanted", "expression": "age > 70", "intervention": True},
            {"name": "leaning", "expression": "age > 30", "severity": "soft", "weight": 2.0},
        ]
    )
    broken = {"mild": 0.01, "wrong": 0.5, "demanded": 0.6, "wanted": 0.9, "leaning": 0.1}
    asked: list[Rules] = []

    def rewrite(tried: Rules) -> Rules:
        asked.append(tried)
        return as_rules(["age > 18"])

    offered = list(relaxed_rules(Config("trees", rules=rules), broken, rewrite))
    assert [change.what.split(" ")[1] for change in offered[:2]] == ["wrong", "mild"]
    first = {rule.name: rule for rule in offered[0].config.rules}
    assert (first["wrong"].hard, first["wrong"].probability) == (False, 0.5)
    assert all(r["wanted"].hard and r["demanded"].hard for r in (
        {rule.name: rule for rule in change.config.rules} for change in offered[:3]))  # fmt: skip
    assert {r.name: r.weight for r in offered[2].config.rules}["leaning"] == 1.0
    assert len(offered[3].config.rules) == len(asked) == 1


def test_a_change_that_helps_is_kept_and_told() -> None:
    worse = Diagnostics(u_real=0.9, u_syn=0.7)
    result = {"independent": worse, "copula": worse, "trees": GOOD}
    trace = tune(
        Config("independent"),
        lambda setting: result[setting.texture],
        lambda setting: better_textures(setting, 100),
        lambda setting: [],
    )
    assert trace.end.texture == "trees"
    assert [step.accepted for step in trace.steps] == [False, True]
    assert trace.blamed == {"model"}
    lines = str(trace).splitlines()
    assert lines[0].startswith("tried to change the model because a model learns 0.700")
    assert lines[1].endswith("trees in place of independent (loss 0.2000 -> 0.0000)")
    assert lines[2] == "stopped: no value is beyond its threshold"
    assert trace.to_dict()["steps"][1]["after"]["u_syn"] == 0.9


def test_where_the_rules_cannot_be_mended_first_the_texture_is() -> None:
    def measure(setting: Config) -> Diagnostics:
        soft = not setting.rules.rules[0].hard
        if setting.texture == "independent":
            return Diagnostics(broken=0.0 if soft else 0.1, c=0.95, v=0.15 if soft else 0.0)
        return Diagnostics(broken=0.0 if soft else 0.1)

    trace = tune(
        Config("independent", rules=as_rules([{"expression": "age > 60", "source": "llm"}])),
        measure,
        lambda setting: better_textures(setting, 100),
        lambda setting: relaxed_rules(setting, {"r1": 0.1}),
    )
    assert trace.blamed == {"model", "rules"}
    assert [(step.proposal.kind, step.accepted) for step in trace.steps] == [
        (Action.ADJUST, False),
        (Action.RETRAIN, True),
        (Action.ADJUST, True),
    ]
    assert trace.last == Diagnostics()


def test_it_says_when_nothing_helps() -> None:
    trace = tune(Config("trees"), lambda _: Diagnostics(c=0.9), lambda _: [], lambda _: [])
    assert trace.end == trace.start
    assert str(trace).startswith("stopped: nothing that was tried helped, although")


values = st.floats(0.0, 1.0)
readings = st.builds(
    Diagnostics, x_floor=values, x_rule=values, broken=values, x_syn=values, u_real=values,
    u_syn=values, u_error=values, v=values, c=st.floats(0.5, 1.0), a=values, a_real=values,
)  # fmt: skip


@given(st.lists(readings, min_size=7, max_size=7), st.integers(1, 5))
def test_it_never_ends_worse_than_it_began(found: list[Diagnostics], rounds: int) -> None:
    settings = [Config(f"number {k}") for k in range(7)]

    def after(setting: Config) -> list[Candidate]:
        index = settings.index(setting)
        return [Candidate(f"to {k}", settings[k]) for k in range(7) if k != index]

    trace = tune(settings[0], lambda s: found[settings.index(s)], after, after, rounds=rounds)
    assert trace.last.loss <= trace.first.loss
    assert trace.last == found[settings.index(trace.end)]
    losses = [step.after.loss for step in trace.steps if step.accepted]
    assert losses == sorted(losses, reverse=True)
    assert len(losses) <= rounds
