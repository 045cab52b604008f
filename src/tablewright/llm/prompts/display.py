"""Text of strangers made fit to be seen: no control sequence reaches a terminal."""

from __future__ import annotations

import unicodedata

__all__ = ["quoted", "shown"]


def shown(text: str, length: int = 80) -> str:
    r"""Return text on one line, with control, format and private characters made visible.

    Parameters
    ----------
    length : int, default=80
        Characters at most; what is longer ends in an ellipsis.

    Examples
    --------
    >>> shown("red\x1b[31m alert\n")
    'red\\x1b[31m alert\\n'
    """
    cut = text if len(text) <= length else text[: length - 1] + "…"
    return "".join(_visible(character) for character in cut)


def quoted(text: str, length: int = 80) -> str:
    """Return text as `shown` does, in single quotes."""
    return f"'{shown(text, length)}'"


def _visible(character: str) -> str:
    if unicodedata.category(character)[0] != "C" and character not in "\u2028\u2029":
        return character
    return character.encode("unicode_escape").decode("ascii")
