"""Closed questions: how probable a model holds each of a few answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tablewright.errors import InputError, ModelError
from tablewright.llm.endpoint.base import LLM, Prompt, Reply, complete_all

_LIKELIEST = 20
"""Tokens to ask for at each position: the most that OpenAI's own endpoint gives."""

_SAMPLES = 8
_MIN_PROBABILITY = 1e-6


@dataclass(frozen=True)
class ChoiceProbabilities:
    """What a model holds of each answer to each question.

    Attributes
    ----------
    values : ndarray of shape (n_prompts, n_choices)
        Probabilities that sum to 1; NaN where no reply could be had.
    failures : list of ModelError
        Questions without a reply.
    """

    values: NDArray[np.float64]
    failures: list[ModelError]


def choice_probabilities(
    llm: LLM, prompts: Sequence[Prompt], choices: Sequence[str], *, n_samples: int = _SAMPLES
) -> ChoiceProbabilities:
    """Ask closed questions and read the probability of each answer.

    The probabilities are those of the first token of the reply, so a question costs its own
    tokens and one more. An endpoint without log-probabilities is asked several times, and its
    answers are counted.

    Parameters
    ----------
    llm : LLM
    prompts : sequence of Prompt
        Each says which answers there are. What they share should stand first.
    choices : sequence of str
        The answers; case does not count.
    n_samples : int, default=8
        Answers to count for each prompt, where there are no log-probabilities.

    Returns
    -------
    ChoiceProbabilities

    Raises
    ------
    InputError
        If there are fewer than two choices, or some that begin alike.
    ModelError
        If an error ends all calls.

    Examples
    --------
    >>> from tablewright.llm.endpoint.scripted import Scripted
    >>> llm = Scripted([Reply("Yes", logprobs=({"Yes": -0.1, " no": -2.4, "Maybe": -5.0},))])
    >>> choice_probabilities(llm, [Prompt.ask("Is it?")], ["No", "Yes"]).values.round(2)
    array([[0.09, 0.91]])
    """
    if len({choice[:1].casefold() for choice in choices}) != len(choices) or len(choices) < 2:
        raise InputError("a closed question needs at least two choices, each with its own letter")
    asked = [
        prompt.but(max_tokens=1, temperature=0.0, top_logprobs=_LIKELIEST) for prompt in prompts
    ]
    replies = _ask(llm, asked[:1])
    if replies and isinstance(replies[0], Reply) and not replies[0].logprobs:
        return _count(llm, prompts, choices, n_samples)
    replies += _ask(llm, asked[1:])
    return _collect(replies, [_read(reply, choices) for reply in replies])


def _ask(llm: LLM, prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
    replies = complete_all(llm, prompts) if prompts else []
    fatal = next((r for r in replies if isinstance(r, ModelError) and r.fatal), None)
    if fatal is not None and not any(isinstance(reply, Reply) for reply in replies):
        raise fatal  # what was answered before a cap was paid for, and is used
    return replies


def _count(
    llm: LLM, prompts: Sequence[Prompt], answers: Sequence[str], n_samples: int
) -> ChoiceProbabilities:
    """Ask each question several times; half an answer is added to each choice."""
    asked = [
        prompt.but(max_tokens=8, temperature=1.0, seed=prompt.seed + sample)
        for prompt in prompts
        for sample in range(n_samples)
    ]
    replies = _ask(llm, asked)
    first, rows = [], []
    for start in range(0, len(replies), n_samples):
        some = replies[start : start + n_samples]
        texts = [_chosen(r.text, answers) for r in some if isinstance(r, Reply)]
        row = np.array([sum(text == answer for text in texts) for answer in answers]) + 0.5
        usable = [reply for reply in some if isinstance(reply, Reply)]
        first.append(usable[0] if usable else some[0])
        rows.append(row / n_samples)
    return _collect(first, rows)


def _collect(
    replies: Sequence[Reply | ModelError], rows: Sequence[NDArray[np.float64]]
) -> ChoiceProbabilities:
    values = np.maximum(np.array(rows, dtype=float).reshape(len(replies), -1), _MIN_PROBABILITY)
    values /= values.sum(axis=1, keepdims=True)
    failed = [isinstance(reply, ModelError) for reply in replies]
    values[failed] = np.nan
    return ChoiceProbabilities(values, [r for r in replies if isinstance(r, ModelError)])


def _read(reply: Reply | ModelError, answers: Sequence[str]) -> NDArray[np.float64]:
    """Add up the tokens that can begin one answer and no other."""
    result = np.zeros(len(answers))
    likeliest: Mapping[str, float] = {}
    if isinstance(reply, Reply) and reply.logprobs:
        likeliest = reply.logprobs[0]
    for token, logprob in likeliest.items():
        chosen = _begun(token, answers)
        if chosen is not None:
            result[chosen] += np.exp(logprob)
    return result


def _begun(token: str, answers: Sequence[str]) -> int | None:
    start = token.strip().casefold()
    fits = [
        j
        for j, answer in enumerate(answers)
        if start and (answer.casefold().startswith(start) or start == answer.casefold() + ".")
    ]
    return fits[0] if len(fits) == 1 else None


def _chosen(text: str, answers: Sequence[str]) -> str | None:
    """Return the answer that a text begins with, the longest one."""
    start = text.strip().strip("\"'*").casefold()
    fits = [answer for answer in answers if start.startswith(answer.casefold())]
    return max(fits, key=len) if fits else None
