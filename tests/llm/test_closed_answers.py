"""Closed questions are read by probability, and counted where there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tablewright.errors import BudgetError, InputError, ModelError
from tablewright.llm import Prompt, Reply
from tablewright.llm.closed_answers import choice_probabilities
from tablewright.llm.endpoint.scripted import DryRun, Scripted


def likely(**tokens: float) -> Reply:
    return Reply("-", logprobs=({token: math.log(p) for token, p in tokens.items()},))


def ask(replies: Sequence[Reply | ModelError], choices: Sequence[str]) -> np.ndarray:
    prompts = [Prompt.ask(str(i)) for i in range(len(replies))]
    return choice_probabilities(Scripted(replies), prompts, choices).values


def test_spellings_of_one_answer_add_up() -> None:
    reply = Reply("-", logprobs=({" yes": math.log(0.2), "YES": math.log(0.1), "Yes": math.log(0.1),
                                  "n": math.log(0.1), "Maybe": math.log(0.5)},))  # fmt: skip
    result = choice_probabilities(Scripted([reply]), [Prompt.ask("?")], ["No", "Yes"])
    assert result.values[0] == pytest.approx([0.2, 0.8])


def test_a_token_counts_for_the_answer_that_it_can_begin() -> None:
    values = ask([likely(A=0.6, B=0.2, C=0.1, AB=0.1)], ["A", "B"])
    assert values[0] == pytest.approx([0.75, 0.25])


@pytest.mark.parametrize("choices", [["Bad", "Bald"], ["Yes", "yes"], ["Yes"], []])
def test_choices_that_one_token_cannot_tell_apart_are_refused(choices: list[str]) -> None:
    with pytest.raises(InputError, match="each with its own letter"):
        choice_probabilities(Scripted([]), [], choices)


def test_a_question_without_a_reply_leaves_the_others() -> None:
    values = ask([likely(Yes=0.9, No=0.1), ModelError("down"), likely(Yes=0.5, No=0.5)],
                 ["No", "Yes"])  # fmt: skip
    assert np.isnan(values[1]).all()
    assert values[[0, 2]].sum(axis=1) == pytest.approx(1.0)


def test_answers_are_counted_where_nothing_is_told_of_probabilities() -> None:
    texts = ["Maybe", *["Yes."] * 3, "no way", *["?"] * 4]
    llm = Scripted([Reply(text) for text in texts])
    result = choice_probabilities(llm, [Prompt.ask("?")], ["No", "Yes"], n_samples=8)
    assert result.values[0] == pytest.approx([1.5 / 5, 3.5 / 5])
    seeds = [prompt.seed for prompt in llm.prompts[1:]]
    assert len(set(seeds)) == 8
    assert {prompt.temperature for prompt in llm.prompts[1:]} == {1.0}


def test_an_error_that_ends_all_calls_is_raised() -> None:
    error = ModelError("no key")
    error.fatal = True
    with pytest.raises(ModelError, match="no key"):
        ask([error], ["No", "Yes"])


def test_one_token_is_asked_for_each_question() -> None:
    llm = Scripted([likely(Yes=1.0)] * 3)
    choice_probabilities(llm, [Prompt.ask(str(i)) for i in range(3)], ["No", "Yes"])
    assert [prompt.max_tokens for prompt in llm.prompts] == [1, 1, 1]


def test_a_dry_run_asks_each_question_once() -> None:
    calls: list[Prompt] = []

    class Counting:
        def complete(self, prompt: Prompt) -> Reply:
            import asyncio

            calls.append(prompt)
            return asyncio.run(DryRun().acomplete(prompt))

    choice_probabilities(
        Counting(), [Prompt.ask(str(i), expected="No") for i in range(4)], ["No", "Yes"]
    )
    assert len(calls) == 4


@settings(max_examples=40)
@given(st.dictionaries(st.text(max_size=6), st.floats(-50, 0), max_size=20))
def test_whatever_tokens_come_probabilities_sum_to_one(tokens: dict[str, float]) -> None:
    reply = Reply("-", logprobs=(tokens or {"x": 0.0},))
    values = ask([reply], ["No", "Yes", "Perhaps"])
    assert values.sum() == pytest.approx(1.0)
    assert (values > 0).all()


def test_what_was_answered_before_a_cap_is_used() -> None:
    cap = BudgetError("the cap of 2 calls is reached")
    llm = Scripted([likely(Yes=0.9, No=0.1), likely(Yes=0.2, No=0.8), cap])
    result = choice_probabilities(llm, [Prompt.ask(str(i)) for i in range(3)], ["No", "Yes"])
    assert result.values[:2, 1] == pytest.approx([0.9, 0.2])
    assert np.isnan(result.values[2]).all()
    assert result.failures == [cap]
