"""What a token costs: a small dated table, overridden by the user's own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tablewright.errors import InputError
from tablewright.llm.endpoint.base import Usage
from tablewright.llm.endpoint.hosts import OPENAI, is_loopback


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens.

    Attributes
    ----------
    prompt, completion : float
        Tokens read and tokens written.
    source : str
        Where the figure is from, with its date.
    """

    prompt: float
    completion: float
    source: str

    def of(self, usage: Usage) -> float:
        """Cost in US dollars.

        Examples
        --------
        >>> Price(2.0, 8.0, "").of(Usage(500_000, 250_000))
        3.0
        """
        tokens = usage.prompt_tokens * self.prompt + usage.completion_tokens * self.completion
        return tokens / 1_000_000


def price_of(
    model: str, base_url: str | None, own: Mapping[str, Any] | str | Path | None = None
) -> Price | None:
    """Find the price of a model.

    The user's table comes first (`own`, else the file named by ``TABLEWRIGHT_PRICES``), then
    zero for a loopback endpoint, then the table of this package.

    Parameters
    ----------
    own : mapping, path or None, default=None
        From model name to ``[prompt, completion]`` in US dollars for a million tokens, or a
        YAML file with it.

    Returns
    -------
    Price or None
        None where nobody knows.

    Raises
    ------
    InputError
        If the user's table cannot be read.

    Examples
    --------
    >>> price_of("any", "http://localhost:8000/v1").completion
    0.0
    >>> price_of("mine", None, {"mine": [1, 2]}).source
    'your price table'
    """
    own_table = _own_table(own if own is not None else os.environ.get("TABLEWRIGHT_PRICES"))
    if model in own_table:
        return _price(own_table[model], "your price table", model)
    if base_url is not None and is_loopback(base_url):
        return Price(0.0, 0.0, "a loopback endpoint")
    return _listed(model, base_url)


def highest_price() -> Price:
    """Return the price of the most expensive model listed, for tokens whose price nobody knows."""
    table = _shipped()
    entries = [pair for models in table["models"].values() for pair in models.values()]
    return _price([max(pair[0] for pair in entries), max(pair[1] for pair in entries)],
                  f"the highest listed on {table['date']}", "")  # fmt: skip


def _listed(model: str, base_url: str | None) -> Price | None:
    table = _shipped()
    for host, models in table["models"].items():
        if host == urlsplit(base_url or OPENAI).hostname and model in models:
            return _price(models[model], f"{host}, table of {table['date']}", model)
    return None


@cache
def _shipped() -> Any:
    text = files("tablewright.llm").joinpath("prices.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


def _own_table(own: Mapping[str, Any] | str | Path | None) -> Mapping[str, Any]:
    if own is None or isinstance(own, Mapping):
        return own or {}
    try:
        table = yaml.safe_load(Path(own).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"the price table {own} cannot be read: {error}") from error
    if not isinstance(table, Mapping):
        raise InputError(f"the price table {own} has to hold lines such as 'model: [0.15, 0.60]'")
    return table


def _price(pair: Any, source: str, model: str) -> Price:
    try:
        prompt, completion = (float(value) for value in pair)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"the price of {model!r} has to be two numbers, US dollars for a million tokens "
            f"read and written, not {pair!r}"
        ) from error
    return Price(prompt, completion, source)
