"""Put the layers together around an endpoint."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tablewright.errors import InputError
from tablewright.llm.endpoint.client import Client
from tablewright.llm.endpoint.hosts import OPENAI, check_url, is_loopback
from tablewright.llm.endpoint.ledger import Caps, Record
from tablewright.llm.endpoint.prices import Price, highest_price, price_of
from tablewright.llm.endpoint.stack import Settings
from tablewright.llm.prompts.sharing import SHARES, Share
from tablewright.registry import names, resolve
from tablewright.schema import suggest


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
    concurrency: int | None = None,
    timeout: float = 120.0,
    prices: Mapping[str, Any] | str | Path | None = None,
    dry_run: bool = False,
    key_env: str | None = None,
    allow_http: bool = False,
    temperature: float | None = None,
    top_p: float | None = None,
    max_reply_tokens: int | None = None,
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
        None takes the variable `key_env`, else the provider's own (``OPENAI_API_KEY``) at the
        provider's own host. No other endpoint gets a key that it was not given.
    max_cost : float or None, default=None
        US dollars that the run may cost at most. Where the price is not known the cap is
        turned into tokens at the highest price listed, and `Client.settings.notes` says so.
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
    concurrency : int or None, default=None
        Calls at a time. None takes as many as the server says it serves (llama.cpp); where it
        says nothing, two to begin with, and more as long as they do not wait for each other.
    timeout : float, default=120.0
        Seconds without progress before a call ends. The first token may take five times as
        long, a whole reply fifteen times; what was written until then is used.
    prices : mapping, path or None, default=None
        Your own prices; see `tablewright.llm.endpoint.prices.price_of`.
    dry_run : bool, default=False
        Make no call: prompts are answered with what they say is a usual reply, and
        `Client.spending` is the estimate.
    key_env : str or None, default=None
        Environment variable that holds the key.
    allow_http : bool, default=False
        Whether the key may be sent without encryption to another machine.
    temperature, top_p : float or None, default=None
        Sampling parameters of prompts that set none; None leaves the endpoint's own.
    max_reply_tokens : int or None, default=None
        Longest reply to a prompt that sets no limit, in tokens.

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
    if provider == "openai" and base_url is None and name.endswith(".gguf"):
        raise InputError(f"{name} looks like a model file: say gguf:{name}, or give --base-url")
    address = None if provider == "gguf" else _address(provider, base_url)
    if provider == "gguf":
        name, address = _model_file(name, base_url)
    local = _is_local(provider, address)
    _check(share, concurrency, timeout, replay, run)
    price = price_of(name, address, prices)
    if price is None and local:
        price = Price(0.0, 0.0, "on this machine")
    caps = Caps(max_cost, max_tokens, max_calls, max_minutes)
    caps, notes = _cap_by_tokens(caps, price, name)
    settings = Settings(
        name, provider, address, share or ("rows" if local else "schema"), caps, price, api_key,
        None if run is None else Path(run), replay, record, tuple(redact), concurrency, timeout,
        dry_run, notes, key_env, allow_http, temperature, top_p, max_reply_tokens,
    )  # fmt: skip
    return Client(settings)


def _provider(model: str) -> tuple[str, str]:
    """Split ``NAME:model`` where NAME is a provider; other colons belong to the model."""
    head, colon, rest = model.partition(":")
    if not model.strip():
        raise InputError("the model has no name; give --model NAME")
    if head == "gguf" and colon:  # never taken for the name of a model elsewhere
        if not rest.strip():
            raise InputError("gguf: needs the path of a model file, such as gguf:qwen.gguf")
        return head, rest
    return (head, rest) if colon and rest and head in names("llms") else ("openai", model)


def _model_file(text: str, base_url: str | None) -> tuple[str, str]:
    """Name a model after its file, so that a run replays where the file is not."""
    from tablewright.llm.endpoint.gguf import GGUFOptions

    if base_url is not None:
        raise InputError("gguf:PATH is a file on this machine; leave --base-url out")
    return GGUFOptions.parse(text).path.name, f"file:{text}"


def _check(
    share: str | None, concurrency: int | None, timeout: float, replay: bool, run: str | Path | None
) -> None:
    if share is not None and share not in SHARES:
        raise InputError(
            f"share is one of {', '.join(SHARES)}, not {share!r}{suggest(share, SHARES)}"
        )
    if concurrency is not None and concurrency < 1:
        raise InputError(f"--concurrency has to be at least 1, not {concurrency}")
    if not 0 < timeout < float("inf"):
        raise InputError(f"--timeout has to be above 0 seconds, not {timeout}")
    if replay and run is None:
        raise InputError("--replay needs --run FOLDER: the run to reproduce")
    if replay and run is not None and not (Path(run) / "ledger.sqlite").exists():
        raise InputError(f"there is no ledger.sqlite in {run}: nothing to replay")


def _address(provider: str, base_url: str | None) -> str | None:
    if provider != "openai":
        return base_url
    return check_url(base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI)


def _is_local(provider: str, address: str | None) -> bool:
    """Whether rows stay on this machine; a provider says so of itself by `in_process`."""
    if provider in ("openai", "gguf"):
        return is_loopback(address or "")
    return bool(getattr(resolve("llms", provider), "in_process", False))


def _cap_by_tokens(caps: Caps, price: Price | None, model: str) -> tuple[Caps, tuple[str, ...]]:
    if price is not None or caps.cost is None:
        return caps, ()
    highest = highest_price()
    tokens = max(1, int(caps.cost / max(highest.prompt, highest.completion) * 1_000_000))
    capped = tokens if caps.tokens is None else min(tokens, caps.tokens)
    note = (
        f"the price of {model!r} is not known: the cap of ${caps.cost:g} is kept as {tokens:,} "
        f"tokens ({highest.source}, ${max(highest.prompt, highest.completion):g} for a million); "
        "name its price in the file of TABLEWRIGHT_PRICES"
    )
    return Caps(None, capped, caps.calls, caps.minutes), (note,)
