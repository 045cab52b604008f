"""Where an endpoint is, which key belongs to it, and how its secrets are kept out of sight."""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import re
import socket
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from tablewright.display import public_url
from tablewright.errors import InputError

OPENAI = "https://api.openai.com/v1"

_VARIABLES = {
    "openai.com": "OPENAI_API_KEY",
    "openrouter.ai": "OPENROUTER_API_KEY",
    "azure.com": "AZURE_OPENAI_API_KEY",
    "groq.com": "GROQ_API_KEY",
    "mistral.ai": "MISTRAL_API_KEY",
    "deepseek.com": "DEEPSEEK_API_KEY",
    "together.xyz": "TOGETHER_API_KEY",
    "fireworks.ai": "FIREWORKS_API_KEY",
    "googleapis.com": "GEMINI_API_KEY",
    "anthropic.com": "ANTHROPIC_API_KEY",
    "x.ai": "XAI_API_KEY",
}

_SHORTEST_SECRET = 8
"""Shorter keys are placeholders such as "none", and words of ordinary text."""


def is_loopback(base_url: str) -> bool:
    """Whether an address is on this machine, names looked up.

    Examples
    --------
    >>> is_loopback("http://127.0.0.1:8080/v1"), is_loopback("https://localhost.example.com")
    (True, False)
    """
    if base_url.startswith("file:"):
        return True
    host = urlsplit(base_url).hostname or ""
    try:
        hosts = _addresses(host) if host == "localhost" else [host]
        return bool(hosts) and all(ipaddress.ip_address(each).is_loopback for each in hosts)
    except ValueError:
        return False


def _addresses(host: str) -> list[str]:
    try:
        return [str(result[4][0]) for result in socket.getaddrinfo(host, None)]
    except OSError:
        return []


def check_url(base_url: str) -> str:
    """Return the address if every reader of addresses would read it alike.

    Raises
    ------
    InputError
        If it is no plain http or https address.
    """
    try:
        parts = urlsplit(base_url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or re.search(r"[\\\s\x00-\x1f\x7f]", base_url):
        raise InputError(
            f"--base-url {public_url(base_url)!r} is no address such as http://localhost:8000/v1"
        )
    return base_url


def without_user(base_url: str) -> str:
    """Return an address without user and password, which are sent as a header."""
    parts = urlsplit(base_url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def authorization(base_url: str, key: str | None) -> dict[str, str]:
    """Return the header that opens the endpoint: the key, else user and password of the address."""
    if key:
        return {"Authorization": f"Bearer {key}"}
    user, result, _ = urlsplit(base_url).netloc.rpartition("@")
    encoded = base64.b64encode(unquote(user).encode()).decode()
    return {"Authorization": f"Basic {encoded}"} if result else {}


def key_for(base_url: str, api_key: str | None, key_env: str | None) -> tuple[str | None, str]:
    """Find the key that belongs to an endpoint.

    Parameters
    ----------
    api_key : str or None
        Given by the user; nothing else is looked for.
    key_env : str or None
        The variable that the user named; None takes the provider's own, at its own host alone.

    Returns
    -------
    tuple of (str or None, str)
        The key, and what to set where it is missing or refused.

    Raises
    ------
    InputError
        If the key cannot be sent, or the variable named is empty.
    """
    own = _own_variable(base_url)
    name = key_env or own
    remedy = f"the variable {name}" if name else "--key-env NAME, the variable that holds its key"
    key = api_key if api_key is not None else os.environ.get(name or "")
    if key is None and key_env:
        raise InputError(f"--key-env {key_env}: there is no such variable in the environment")
    return _sendable(key, remedy), remedy


def _sendable(key: str | None, remedy: str) -> str | None:
    key = (key or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise InputError(f"the key has characters that no key has; set {remedy} anew")
    return key or None


def _own_variable(base_url: str) -> str | None:
    host = urlsplit(base_url).hostname or ""
    result = (name for end, name in _VARIABLES.items() if host == end or host.endswith("." + end))
    return next(result, None)


def is_provider(base_url: str) -> bool:
    """Whether an address is one of the known providers'."""
    return _own_variable(base_url) is not None


def secrets_of(base_url: str, key: str | None) -> tuple[str, ...]:
    """Return what must be shown nowhere, in each spelling that a server may echo it in."""
    parts = urlsplit(base_url)
    user = unquote(parts.netloc.rpartition("@")[0])
    values = [key or "", unquote(parts.password or ""), user if ":" in user else ""]
    values += [value for _, value in parse_qsl(parts.query)]
    spelled = {spelling for value in values if value.strip() for spelling in _spellings(value)}
    return tuple(sorted(spelled, key=len, reverse=True))


def _spellings(secret: str) -> Iterable[str]:
    secret = secret.strip()
    if len(secret) < _SHORTEST_SECRET:
        return ()
    encoded = base64.b64encode(secret.encode()).decode()
    return (secret, quote(secret, safe=""), json.dumps(secret)[1:-1], encoded)
