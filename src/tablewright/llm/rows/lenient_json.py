"""Find JSON in what a model wrote, and forgive what can only be meant in one way.

Read as well: single and curly quotes, Python's literals, trailing commas, bare words and
keys, comments, numbers with thousands separators or units. Nothing is evaluated; depth and
time are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Broken", "find_containers", "parse_at"]

_SPACE = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,4})?(?=\s*(?:[,}\]]|//|/\*|$))")
_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?=\s*[,}\]])")
_BARE = re.compile(r"[^\s,:{}\[\]\"][^,:{}\[\]\n\"]{0,200}")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "none": None, "nan": None}
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’"}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_DEPTH = 32


class Broken(ValueError):
    """The text is no value here.

    Attributes
    ----------
    at : int
        Where it stopped to be one.
    """

    def __init__(self, at: int) -> None:
        super().__init__(f"no JSON at {at}")
        self.at = at


def find_containers(text: str, opening: str = "{[") -> Iterator[tuple[Any, int, int]]:
    """Yield the outermost objects and lists that can be read, with start and end.

    Inside of one that cannot be read (cut off, or broken in one place) its parts are tried,
    so that one bad row does not cost the good ones.

    Parameters
    ----------
    opening : str, default="{["
        Which characters may open what is looked for.

    Examples
    --------
    >>> [value for value, _, _ in find_containers("Sure! {'rows': [{'a': 1}, {'a': 2}, {'a'")]
    [{'a': 1}, {'a': 2}]
    """
    starts = re.compile("[" + re.escape(opening) + "]")
    at = 0
    while (match := starts.search(text, at)) is not None:
        try:
            value, end = parse_at(text, match.start())
        except Broken:
            at = match.start() + 1
        else:
            yield value, match.start(), end
            at = end


def parse_at(text: str, at: int, depth: int = 0) -> tuple[Any, int]:
    """Read the value that begins at a place; return it and where it ends.

    Raises
    ------
    Broken
        If there is none.
    """
    at = _skip(text, at)
    if at >= len(text) or depth > _DEPTH:
        raise Broken(at)
    if text[at] == "{":
        return _container(text, at + 1, "}", _member, depth)
    if text[at] == "[":
        return _container(text, at + 1, "]", parse_at, depth)
    if text[at] in _QUOTES:
        return _string(text, at)
    return _bare(text, at)


def _container(
    text: str, at: int, closing: str, part: Callable[[str, int, int], tuple[Any, int]], depth: int
) -> tuple[Any, int]:
    parts: list[Any] = []
    while True:
        at = _skip(text, at)
        if text[at : at + 1] == closing:
            return (dict(parts) if closing == "}" else parts), at + 1
        value, at = part(text, at, depth + 1)
        parts.append(value)
        at = _skip(text, at)
        if text[at : at + 1] == ",":
            at += 1
        elif text[at : at + 1] != closing:
            raise Broken(at)


def _member(text: str, at: int, depth: int) -> tuple[tuple[str, Any], int]:
    if text[at : at + 1] in _QUOTES:
        key, at = _string(text, at)
    elif (match := _BARE.match(text, at)) is not None:
        key, at = match[0].strip(), match.end()
    else:
        raise Broken(at)
    at = _skip(text, at)
    if text[at : at + 1] not in (":", "="):
        raise Broken(at)
    value, at = parse_at(text, at + 1, depth)
    return (key, value), at


def _string(text: str, at: int) -> tuple[str, int]:
    closing = _QUOTES[text[at]]
    pieces: list[str] = []
    at += 1
    while at < len(text):
        character = text[at]
        if character == closing and not _inside_word(text, at, closing):
            return "".join(pieces), at + 1
        if character == "\\":
            piece, at = _escape(text, at + 1)
            pieces.append(piece)
        else:
            pieces.append(character)
            at += 1
    raise Broken(at)


def _inside_word(text: str, at: int, closing: str) -> bool:
    """Tell an apostrophe in a word from the end of a single-quoted string."""
    around = text[at - 1 : at] + text[at + 1 : at + 2]
    return closing == "'" and len(around) == 2 and around.isalpha()


def _escape(text: str, at: int) -> tuple[str, int]:
    if at >= len(text):
        raise Broken(at)
    if text[at] == "u" and re.fullmatch(r"[0-9a-fA-F]{4}", text[at + 1 : at + 5]):
        return _unicode(text, at)
    return _ESCAPES.get(text[at], text[at]), at + 1


def _unicode(text: str, at: int) -> tuple[str, int]:
    code, at = int(text[at + 1 : at + 5], 16), at + 5
    low = re.match(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})", text[at : at + 6])
    if 0xD800 <= code < 0xDC00 and low:
        return chr(0x10000 + ((code - 0xD800) << 10) + int(low[1], 16) - 0xDC00), at + 6
    return (chr(code) if not 0xD800 <= code < 0xE000 else "\ufffd"), at


def _bare(text: str, at: int) -> tuple[Any, int]:
    """Read a number, a literal or a word without quotes, as a model may write them."""
    if match := _THOUSANDS.match(text, at):
        return match[0], match.end()
    if match := _NUMBER.match(text, at):
        digits = match[0]
        whole = digits.lstrip("-").isdigit() and len(digits) < 19
        return (int(digits) if whole else float(digits)), match.end()
    match = _BARE.match(text, at)
    if match is None:
        raise Broken(at)
    word = match[0].strip()
    return _WORDS.get(word.lower(), word), match.end()


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
