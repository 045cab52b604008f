"""Each threshold of the loop decides on its own side, and each decision names its value."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tablewright.rules import Rules, as_rules
from tablewright.systems.common.loop import Proposal
from tablewright.systems.htdbu.candidates import Config, better_textures, relaxed_rules
from tablewright.systems.htdbu.feedback import Action, Diagnostics, decide, tune

SOUND = Diagnostics()


@pytest.mark.parametrize(
    ("below", "beyond", "action", "because"),
    [
        ({"v": 0.001}, {"v": 0.002}, Action.ADJUST, "0.20% of the rows break a hard rule"),
        ({"broken": 0.02}, {"broken": 0.03}, Action.ADJUST, "3.0 % of it would have to change"),
        ({"x_rule": 0.02}, {"x_rule": 0.021}, Action.ADJUST, "the rules contradict the data"),
        ({"a": 0.7}, {"a": 0.69}, Action.RETRAIN, "69% of the rows drawn keep the rules"),
        ({"x_syn": 0.01}, {"x_syn": 0.011}, Action.RETRAIN, "0.011 from the shares"),
        (
            {"u_real": 0.519},
            {"u_real": 0.53},
            Action.RETRAIN,
            "learns 0.500 from the rows and 0.53",
        ),
        ({"c": 0.65}, {"c": 0.66}, Action.RETRAIN, "AUC 0.66"),
        ({}, {"problem": "no row is left"}, Action.ADJUST, "no rows can be written: no row is"),
    ],
)
def test_a_value_asks_for_a_change_only_beyond_its_threshold(
    below: dict[str, float], beyond: dict[str, float], action: Action, because: str
) -> None:
    assert decide(replace(SOUND, **below)).action is Action.STOP  # type: ignore[arg-type]  # by name
    decision = decide(replace(SOUND, **beyond))  # type: ignore[arg-type]  # by name
    assert decision.action is action
    assert because in decision.because


@pytest.mark.parametrize(
    ("values", "action"),
    [
        ({"x_rule": 0.06, "x_floor": 0.041}, Action.STOP),  # 1.5 times the noise is 0.0615
        ({"x_rule": 0.06, "x_floor": 0.039}, Action.ADJUST),
        ({"x_syn": 0.06, "x_floor": 0.021}, Action.STOP),  # 3 times the noise is 0.063
        ({"x_syn": 0.06, "x_floor": 0.019}, Action.RETRAIN),
        ({"u_real": 0.6, "u_error": 0.051}, Action.STOP),  # 2 standard errors are 0.102
        ({"u_real": 0.6, "u_error": 0.049}, Action.RETRAIN),
        ({"a": 0.3, "a_real": 0.4}, Action.STOP),  # 0.75 of what real rows do
        ({"a": 0.27, "a_real": 0.4}, Action.RETRAIN),
    ],
)
def test_thresholds_grow_with_the_noise_of_their_value(
    values: dict[str, float], action: Action
) -> None:
    assert decide(replace(SOUND, **values)).action is action  # type: ignore[arg-type]  # by name


def test_rules_are_blamed_before_the_texture_and_the_texture_once_rules_are_excluded() -> None:
    both = replace(SOUND, v=0.5, c=0.9)
    assert decide(both).action is Action.ADJUST
    assert decide(both, {Action.ADJUST}).action is Action.RETRAIN
    assert decide(both, set(Action)).because == "no value is beyond its threshold"


def test_the_loss_adds_what_rows_lack_and_what_rules_get_wrong() -> None:
    values = Diagnostics(x_rule=0.1, broken=0.3, x_syn=0.04, u_real=0.9, u_syn=0.7, v=0.05, c=0.8)
    assert values.score == pytest.approx(0.2 + 0.5 * 0.04 + 0.05 + 0.2 * 0.3)
    assert values.loss == pytest.approx(values.score + 0.3)
    better = replace(values, u_syn=0.95, c=0.4)
    assert better.score == pytest.approx(0.5 * 0.04 + 0.05), "nothing is earned beyond real rows"


def test_a_texture_is_kept_only_if_the_loss_falls_by_the_least_amount() -> None:
    start = Config("trees")
    for fall, kept in ((0.0049, False), (0.0051, True)):
        losses = {"trees": 0.9, "forest": 0.9 - fall / 0.2}
        trace = tune(
            start,
            lambda config, losses=losses: Diagnostics(c=losses[config.texture]),  # type: ignore[misc]  # bound now
            lambda _: [c for c in better_textures(start, 10) if c.config.texture == "forest"],
            lambda _: [],
            rounds=1,
        )
        assert (trace.end.texture == "forest") is kept
        assert trace.last.loss <= trace.first.loss


def test_milder_rules_are_kept_only_if_fewer_rows_break_them() -> None:
    hard = Config("trees", rules=as_rules([{"expression": "age > 60", "source": "mined"}]))
    softened = next(iter(relaxed_rules(hard, {"r1": 0.4})))
    for broken, kept in ((0.5, False), (0.0, True)):
        measured = {True: Diagnostics(broken=0.4, u_real=0.9), False: Diagnostics(broken=broken)}
        trace = tune(
            hard,
            lambda config, measured=measured: measured[config.rules.rules[0].hard],  # type: ignore[misc]  # bound now
            lambda _: [],
            lambda config: [softened] if config is hard else [],
        )
        assert trace.end.rules.rules[0].hard is not kept
        assert trace.blamed == ({"rules"} | (set() if kept else {"model"}))


def test_every_step_towards_a_texture_changes_one_thing_and_comes_cheapest_first() -> None:
    offered = list(better_textures(Config("forest", skeleton_first=False), 9_000))
    assert [step.what for step in offered] == [
        "draw the skeleton first",
        "20 conditioning columns, not 12",
        "all conditioning columns",
        "learn from all 9,000 rows, not from 5,000",
        *(step.what for step in offered[4:]),
    ]
    assert offered[-1].config.texture == "boosted"
    assert offered[1].config.options == {"max_conditions": 20}
    assert not list(better_textures(Config("smotenc"), 900))[1:], "an unknown order has no next"


def test_leaves_shrink_to_five_rows_and_no_further() -> None:
    def leaves(size: int) -> list[str]:
        config = Config("trees", {"min_samples_leaf": size})
        return [step.what for step in better_textures(config, 10) if "leaves" in step.what]

    assert leaves(60) == ["leaves of 20 rows, not 60", "leaves of 10 rows"]
    assert leaves(12) == ["leaves of 6 rows"]
    assert leaves(5) == []


def test_what_a_person_demands_or_declares_is_never_softened() -> None:
    rules = as_rules(
        [
            {"name": "own", "expression": "age > 17"},
            {"name": "declared", "expression": "age < 99", "source": "mined", "intervention": True},
            {"name": "mild", "expression": "age > 30", "severity": "soft", "weight": 0.2},
            {"name": "faint", "expression": "age > 20", "severity": "soft", "weight": 0.05},
        ]
    )
    offered = list(relaxed_rules(Config("trees", rules=rules), {"own": 0.9, "declared": 0.9}))
    assert [step.what for step in offered] == ["the weights of soft rules are halved"]
    weights = {rule.name: rule.weight for rule in offered[0].config.rules}
    assert (weights["mild"], weights["faint"]) == (0.1, 0.05)


def test_rules_are_written_anew_last_and_only_if_a_model_gives_any() -> None:
    config = Config("trees", rules=as_rules([{"expression": "age > 60", "source": "mined"}]))
    steps = list(relaxed_rules(config, {"r1": 0.2}, lambda _: Rules(rules=[])))
    assert [step.what for step in steps][-1] == "the rules were written anew"
    assert steps[0].config.rules.rules[0].probability == pytest.approx(0.8)
    assert len(list(relaxed_rules(config, {"r1": 0.2}, lambda _: None))) == len(steps) - 1


def test_proposals_of_the_loop_say_what_asked_for_them() -> None:
    seen: list[Proposal[Config]] = []
    trace = tune(
        Config("independent"),
        lambda config: Diagnostics(c=0.9 if config.texture == "independent" else 0.5),
        lambda config: better_textures(config, 10),
        lambda _: [],
    )
    seen += [step.proposal for step in trace.steps]
    assert seen[0].because == "the rows are told from real ones with AUC 0.90"
    assert seen[0].kind == Action.RETRAIN
    assert trace.end.texture == "copula"
    assert str(trace).endswith("stopped: no value is beyond its threshold")
    assert trace.to_dict()["blamed"] == ["model"]
