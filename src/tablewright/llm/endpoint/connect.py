"""Put the layers together around an endpoint."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tablewright.errors import InputError
from tablewright.llm.endpoint.caps import Caps
from tablewright.llm.endpoint.client import Client
from tablewright.llm.endpoint.hosts import is_loopback
from tablewright.llm.endpoint.ledger import Record
from tablewright.llm.endpoint.prices import Price, dearest_price, price_of
from tablewright.llm.endpoint.stack import Settings
from tablewright.llm.prompts.sharing import SHARES, Share
from tablewright.registry import names
from tablewright.schema import suggest

__all__ = ["connect"]


def connect(
    model: str,
    base_url: str | None = None,
    *,
    api_key: str | None = None,
    max_cost: float | None = None,
    max_tokens: int | None = None,
    max_calls: int | None = None,
    max_minutes: float | None = None,
    run: str | Path | None = None,
    replay: bool = False,
    record: Record = "full",
    share: Share | None = None,
    redact: Sequence[str] = (),
    concurrency: int = 64,
    timeout: float = 120.0,
    stream: bool = False,
    prices: Mapping[str, Any] | str | Path | None = None,
    dry_run: bool = False,
) -> Client:
    """Connect to a language model; nothing is called before the first prompt.

    Parameters
    ----------
    model : str
        As the endpoint names it; ``"NAME:model"`` takes the provider registered as NAME.
        ``"gguf:PATH"`` runs a model file on this machine, without a server.
    base_url : str or None, default=None
        Address of an OpenAI-compatible endpoint, such as ``http://localhost:8000/v1``; None
        takes ``OPENAI_BASE_URL``, else OpenAI's own.
    api_key : str or None, default=None
        None takes ``OPENAI_API_KEY`` or the provider's own variable.
    max_cost : float or None, default=None
        US dollars that the run may cost at most. Where the price is not known the cap is
        turned into tokens at the dearest price listed, and `Client.settings.notes` says so.
    max_tokens, max_calls : int or None, default=None
        Tokens, and real attempts, that the run may use at most.
    max_minutes : float or None, default=None
        Minutes that this session may take.
    run : str, Path or None, default=None
        Folder of the ledger. One that exists is gone on with: nothing is paid for twice.
    replay : bool, default=False
        Forbid calls: answer from the ledger alone.
    record : {"full", "metadata"}, default="full"
        ``"metadata"`` keeps no text, so no cell; such a run cannot be replayed.
    share : {"schema", "summary", "rows"} or None, default=None
        What of the table may leave the machine. None is ``"rows"`` for a loopback endpoint
        and ``"schema"`` for any other.
    redact : sequence of str, default=()
        Columns whose values never leave.
    concurrency : int, default=64
        Calls at a time at most.
    timeout : float, default=120.0
        Seconds that a reply may take.
    stream : bool, default=False
        Whether replies are sent piece by piece.
    prices : mapping, path or None, default=None
        Your own prices; see `tablewright.llm.endpoint.prices.price_of`.
    dry_run : bool, default=False
        Make no call: prompts are answered with what they say is a usual reply, and
        `Client.spending` is the estimate.

    Returns
    -------
    Client

    Raises
    ------
    InputError
        If an option is not usable.

    Examples
    --------
    >>> client = connect("qwen2.5-7b-instruct", "http://localhost:8000/v1", max_cost=2.0)
    >>> client.sharing.share
    'rows'
    """
    provider, name = _provider(model)
    address = base_url or os.environ.get("OPENAI_BASE_URL")
    if provider == "gguf":
        name, address = _model_file(name, base_url)
    _check(share, concurrency, timeout, replay, run)
    price = price_of(name, address, prices)
    caps = Caps(max_cost, max_tokens, max_calls, max_minutes)
    caps, notes = _cap_by_tokens(caps, price, name)
    settings = Settings(
        name, provider, address, share or _default_share(address), caps, price, api_key,
        None if run is None else Path(run), replay, record, tuple(redact), concurrency, timeout,
        stream, dry_run, notes,
    )  # fmt: skip
    return Client(settings)


def _provider(model: str) -> tuple[str, str]:
    """Split ``NAME:model`` where NAME is a provider; other colons belong to the model."""
    head, colon, rest = model.partition(":")
    if not model.strip():
        raise InputError("the model has no name; give --model NAME")
    return (head, rest) if colon and rest and head in names("llms") else ("openai", model)


def _model_file(text: str, base_url: str | None) -> tuple[str, str]:
    """Name a model after its file, so that a run replays where the file is not."""
    from tablewright.llm.endpoint.gguf import GGUFOptions

    if base_url is not None:
        raise InputError("gguf:PATH is a file on this machine; leave --base-url out")
    return GGUFOptions.parse(text).path.name, f"file:{text}"


def _check(
    share: str | None, concurrency: int, timeout: float, replay: bool, run: str | Path | None
) -> None:
    if share is not None and share not in SHARES:
        raise InputError(
            f"share is one of {', '.join(SHARES)}, not {share!r}{suggest(share, SHARES)}"
        )
    if concurrency < 1 or timeout <= 0:
        raise InputError("concurrency has to be at least 1, and timeout above 0 seconds")
    if replay and run is None:
        raise InputError("--replay needs --run FOLDER: the run to reproduce")
    if replay and run is not None and not (Path(run) / "ledger.sqlite").exists():
        raise InputError(f"there is no ledger.sqlite in {run}: nothing to replay")


def _default_share(base_url: str | None) -> Share:
    return "rows" if base_url is not None and is_loopback(base_url) else "schema"


def _cap_by_tokens(caps: Caps, price: Price | None, model: str) -> tuple[Caps, tuple[str, ...]]:
    if price is not None or caps.cost is None:
        return caps, ()
    dearest = dearest_price()
    tokens = max(1, int(caps.cost / max(dearest.prompt, dearest.completion) * 1_000_000))
    capped = tokens if caps.tokens is None else min(tokens, caps.tokens)
    note = (
        f"the price of {model!r} is not known: the cap of ${caps.cost:g} is kept as {tokens:,} "
        f"tokens ({dearest.source}, ${max(dearest.prompt, dearest.completion):g} for a million); "
        "name its price in the file of TABLEWRIGHT_PRICES"
    )
    return Caps(None, capped, caps.calls, caps.minutes), (note,)
