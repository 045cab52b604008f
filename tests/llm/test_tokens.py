"""Tokens are estimated within a factor of 1.5 of what tokenizers make of a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.llm.endpoint.tokens import estimate_tokens

COUNTED = {
    "39,Private,52.75\n" * 20: 220,
    '{"age": 39, "pay": 52.75}, ' * 20: 341,
    "The quick brown fox jumps over the lazy dog. " * 20: 201,
}
"""What SmolLM2, Gemma 3 and Qwen 2.5 count alike."""


@pytest.mark.parametrize(("text", "count"), COUNTED.items(), ids=["csv", "json", "prose"])
def test_an_estimate_is_within_a_factor_of_one_and_a_half(text: str, count: int) -> None:
    assert count / 1.5 <= estimate_tokens(text) <= count * 1.5


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_longer_text_has_no_fewer_tokens(text: str, more: str) -> None:
    assert estimate_tokens(f"{text}\n{more}") >= estimate_tokens(text)
    assert (estimate_tokens(text) == 0) == (text.strip(" ") == "")
