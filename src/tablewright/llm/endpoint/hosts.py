"""Where an endpoint is, and which environment variable holds its key."""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import urlsplit

__all__ = ["api_key_for", "is_loopback"]

_KEYS = {
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


def is_loopback(base_url: str) -> bool:
    """Whether an address is on this machine.

    Examples
    --------
    >>> is_loopback("http://127.0.0.1:8080/v1"), is_loopback("https://localhost.example.com")
    (True, False)
    """
    if base_url.startswith("file:"):
        return True
    host = urlsplit(base_url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def api_key_for(base_url: str | None) -> tuple[str | None, str]:
    """Find the key of an endpoint: the provider's own variable, else ``OPENAI_API_KEY``.

    Returns
    -------
    tuple of (str or None, str)
        The key, and the name of the variable to set where there is none.
    """
    host = urlsplit(base_url or "").hostname or ""
    own = next((name for end, name in _KEYS.items() if _belongs(host, end)), "OPENAI_API_KEY")
    return os.environ.get(own) or os.environ.get("OPENAI_API_KEY"), own


def _belongs(host: str, domain: str) -> bool:
    return host == domain or host.endswith("." + domain)
