"""Prices: the user's own first, and never a guess."""

from __future__ import annotations

from pathlib import Path

import pytest

from tablewright.errors import InputError
from tablewright.llm.endpoint.base import Usage
from tablewright.llm.endpoint.prices import highest_price, price_of

PUBLIC = "https://api.openai.com/v1"


def test_a_listed_price_says_where_it_is_from() -> None:
    price = price_of("gpt-4o-mini", PUBLIC)
    assert price is not None
    assert (price.prompt, price.completion) == (0.15, 0.6)
    assert price.source.startswith("api.openai.com, table of 20")
    assert price.of(Usage(1_000_000, 1_000_000)) == pytest.approx(0.75)


def test_a_price_is_that_of_the_endpoint_and_not_of_the_name_alone() -> None:
    assert price_of("gpt-4o-mini", "https://reseller.example.org/v1") is None
    assert price_of("unheard-of", PUBLIC) is None


def test_your_own_table_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "prices.yaml"
    table.write_text("gpt-4o-mini: [1, 2]\nqwen: [0.5, 0.5]\n")
    monkeypatch.setenv("TABLEWRIGHT_PRICES", str(table))
    mine = price_of("gpt-4o-mini", PUBLIC)
    assert mine is not None
    assert (mine.prompt, mine.source) == (1.0, "your price table")
    local = price_of("qwen", "http://localhost:1/v1")
    assert local is not None
    assert local.prompt == 0.5


@pytest.mark.parametrize("text", ["- a list", "m: cheap", "m: [1]", "m: [1, two]", "{"])
def test_a_table_that_cannot_be_read_is_refused(text: str, tmp_path: Path) -> None:
    table = tmp_path / "prices.yaml"
    table.write_text(text)
    with pytest.raises(InputError, match="price"):
        price_of("m", PUBLIC, table)


def test_the_highest_price_is_no_less_than_any_other() -> None:
    price, highest = price_of("gpt-5.5", PUBLIC), highest_price()
    assert price is not None
    assert highest.prompt >= price.prompt
    assert highest.completion >= price.completion
