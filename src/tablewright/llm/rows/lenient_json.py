"""Find JSON in what a model wrote, and forgive what can only be meant in one way.

Read as well: single and curly quotes, Python's literals, trailing commas, bare words and
keys, comments, numbers with thousands separators or units. Nothing is evaluated; depth and
work are bounded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

_BLANKS = re.compile(r"\s*(?://[^\n]*\s*)*")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,4})?(?=\s*(?:[,}\]]|//|/\*|$))")
_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3}){1,9}(?:\.\d+)?(?=\s*[,}\]])")
_BARE = re.compile(r"[^\s,:{}\[\]\"][^,:{}\[\]\n\"]{0,200}")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "none": None, "nan": None}
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’"}
_RUNS = {closing: re.compile(rf"[^{closing}\\]*") for closing in _QUOTES.values()}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_STRICT = json.JSONDecoder(
    parse_constant=lambda name: None,
    parse_int=lambda digits: int(digits) if len(digits) < 19 else float(digits),
    strict=False,
)
_DEPTH = 32
_READINGS = 12
"""How often each character is read at most, on average: a reply that takes more is no data."""


class Broken(ValueError):
    """The text is no value here."""


class _Exhausted(Exception):
    """The text takes more work than a reply is worth."""


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
    reader, at = _Reader(text.encode("utf-8", "replace").decode("utf-8")), 0
    while (match := starts.search(text, at)) is not None:
        try:
            value, end = reader.container(match.start())
        except Broken:
            at = match.start() + 1
        except _Exhausted:
            return
        else:
            yield value, match.start(), end
            at = end


class _Reader:
    """Reads values of one text, and counts the characters that it has looked at."""

    def __init__(self, text: str) -> None:
        self.text, self.work = text, 0
        self.limit = _READINGS * len(text) + 100_000

    def _spend(self, characters: int) -> None:
        self.work += characters
        if self.work > self.limit:
            raise _Exhausted

    def container(self, at: int) -> tuple[Any, int]:
        """Read an object or a list: as JSON if it is, else as what it may be meant for."""
        try:
            value, end = _STRICT.raw_decode(self.text, at)
        except json.JSONDecodeError as error:
            self._spend(max(error.pos - at, 1))
        except (RecursionError, ValueError):  # nested too deep, or a number of 5,000 digits
            self._spend(1000)
        else:
            self._spend(end - at)
            if _depth(value) <= _DEPTH and "\\ud" not in self.text[at:end].lower():
                return value, end
        return self.value(at, 0)

    def value(self, at: int, depth: int) -> tuple[Any, int]:
        at = self._skip(at)
        if at >= len(self.text) or depth > _DEPTH:
            raise Broken
        character = self.text[at]
        if character == "{":
            members, end = self._parts(at + 1, "}", self._member, depth)
            return dict(members), end
        if character == "[":
            return self._parts(at + 1, "]", self.value, depth)
        return self._string(at) if character in _QUOTES else self._bare(at)

    def _parts(
        self, at: int, closing: str, part: Callable[[int, int], tuple[Any, int]], depth: int
    ) -> tuple[list[Any], int]:
        parts: list[Any] = []
        while True:
            at = self._skip(at)
            if self.text[at : at + 1] == closing:
                return parts, at + 1
            value, at = part(at, depth + 1)
            parts.append(value)
            at = self._skip(at)
            if self.text[at : at + 1] == ",":
                at += 1
            elif self.text[at : at + 1] != closing:
                raise Broken

    def _member(self, at: int, depth: int) -> tuple[tuple[str, Any], int]:
        if self.text[at : at + 1] in _QUOTES:
            key, at = self._string(at)
        elif (match := _BARE.match(self.text, at)) is not None:
            key, at = match[0].strip(), match.end()
        else:
            raise Broken
        at = self._skip(at)
        if self.text[at : at + 1] not in (":", "="):
            raise Broken
        value, at = self.value(at + 1, depth)
        return (key, value), at

    def _string(self, at: int) -> tuple[str, int]:
        closing = _QUOTES[self.text[at]]
        pieces: list[str] = []
        at += 1
        while (run := _RUNS[closing].match(self.text, at)) is not None:
            self._spend(run.end() - at + 1)
            pieces.append(run[0])
            at = run.end()
            if at >= len(self.text):
                break
            if self.text[at] == "\\":
                piece, at = _escape(self.text, at + 1)
            elif _inside_word(self.text, at, closing):
                piece, at = closing, at + 1
            else:
                return "".join(pieces), at + 1
            pieces.append(piece)
        raise Broken

    def _bare(self, at: int) -> tuple[Any, int]:
        """Read a number, a literal or a word without quotes, as a model may write them."""
        if match := _THOUSANDS.match(self.text, at):
            return match[0], match.end()
        if match := _NUMBER.match(self.text, at):
            self._spend(match.end() - at)
            digits = match[0]
            whole = digits.lstrip("-").isdigit() and len(digits) < 19
            return (int(digits) if whole else float(digits)), match.end()
        match = _BARE.match(self.text, at)
        if match is None:
            raise Broken
        word = match[0].strip()
        return _WORDS.get(word.lower(), word), match.end()

    def _skip(self, at: int) -> int:
        """Skip blanks and comments."""
        while True:
            match = _BLANKS.match(self.text, at)
            end = match.end() if match else at
            self._spend(end - at + 1)
            if not self.text.startswith("/*", end):
                return end
            closed = self.text.find("*/", end)
            self._spend((len(self.text) if closed < 0 else closed) - end)
            if closed < 0:
                return end
            at = closed + 2


def _depth(value: Any) -> int:
    """Return how deep lists and objects are nested, without recursion."""
    depth, level = 0, [value]
    while level := [part for part in level if isinstance(part, dict | list)]:
        depth += 1
        level = [p for part in level for p in (part.values() if isinstance(part, dict) else part)]
    return depth


def _inside_word(text: str, at: int, closing: str) -> bool:
    """Tell an apostrophe in a word from the end of a single-quoted string."""
    around = text[at - 1 : at] + text[at + 1 : at + 2]
    return closing == "'" and len(around) == 2 and around.isalpha()


def _escape(text: str, at: int) -> tuple[str, int]:
    if at >= len(text):
        raise Broken
    if text[at] == "u" and re.fullmatch(r"[0-9a-fA-F]{4}", text[at + 1 : at + 5]):
        return _unicode(text, at)
    return _ESCAPES.get(text[at], text[at]), at + 1


def _unicode(text: str, at: int) -> tuple[str, int]:
    code, at = int(text[at + 1 : at + 5], 16), at + 5
    low = re.match(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})", text[at : at + 6])
    if 0xD800 <= code < 0xDC00 and low:
        return chr(0x10000 + ((code - 0xD800) << 10) + int(low[1], 16) - 0xDC00), at + 6
    return (chr(code) if not 0xD800 <= code < 0xE000 else "\ufffd"), at
