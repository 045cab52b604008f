"""Tell by a signature whether this user on this machine has written something."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path
from typing import Any


def sign(content: Any) -> str | None:
    """Return the signature of JSON content; None where the user's key cannot be kept."""
    key = _key(create=True)
    return None if key is None else _digest(key, content)


def is_signed(content: Any, signature: Any) -> bool:
    """Whether `sign` of this user on this machine gave the signature."""
    key = _key(create=False)
    if key is None or not isinstance(signature, str):
        return False
    return hmac.compare_digest(_digest(key, content).encode(), signature.encode())


def _digest(key: bytes, content: Any) -> str:
    return hmac.new(key, json.dumps(content).encode(), hashlib.sha256).hexdigest()


def _key(create: bool) -> bytes | None:
    """Read the key from the user's state folder; it never leaves the machine, nor any ledger."""
    state = os.environ.get("XDG_STATE_HOME")
    path = Path(state or Path.home() / ".local" / "state") / "tablewright" / "identity"
    try:
        if create and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(32))
    except FileExistsError:
        pass  # another process was first
    except (OSError, RuntimeError):
        return None
    try:
        content = path.read_bytes()
    except (OSError, RuntimeError):
        return None
    return content if len(content) == 32 else None
