"""What may be shown: no control sequence of a stranger reaches a terminal, and no secret."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

if TYPE_CHECKING:
    from rich.console import Console


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


def printable(text: str) -> str:
    r"""Return text of several lines as `shown` does, its line breaks and tabs kept.

    Examples
    --------
    >>> printable("a\nb\x1b[2J")
    'a\nb\\x1b[2J'
    """
    return "".join(c if c in "\n\t" else _visible(c) for c in text)


def console(**settings: Any) -> Console:
    r"""Return a console of rich that shows foreign text as it is: no markup, no control character.

    Parameters
    ----------
    **settings
        As for `rich.console.Console`.

    Examples
    --------
    >>> console(width=40).print("[red]a\x1b[2J")
    [red]a\x1b[2J
    """
    from rich.console import Console, ConsoleOptions
    from rich.segment import Segment

    class SafeConsole(Console):
        """All that is printed passes through `render`, in pieces of one style."""

        def render(
            self, renderable: Any, options: ConsoleOptions | None = None
        ) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                if segment.control or segment.text.isprintable():
                    yield segment
                else:
                    yield Segment(printable(segment.text), segment.style)

    return SafeConsole(markup=False, emoji=False, highlight=False, **settings)


def as_text(renderable: Any, width: int = 100) -> str:
    r"""Return what rich would print, as plain text.

    Examples
    --------
    >>> as_text("[b]x[/b]")
    '[b]x[/b]\n'
    """
    text = StringIO()
    plain = console(file=text, width=width, no_color=True, force_terminal=False)
    plain.print(renderable)
    return text.getvalue()


def public_url(base_url: str) -> str:
    """Return an address without user, password and the values of its query.

    Examples
    --------
    >>> public_url("https://me:secret@example.org/v1?key=abc")
    'https://example.org/v1?key=...'
    >>> public_url("postgresql://me:sec/ret@host/shop"), public_url("sqlite:///a@b.db")
    ('postgresql://host/shop', 'sqlite:///a@b.db')
    """
    if base_url.startswith("file:"):
        return base_url
    scheme, mark, rest = base_url.partition("://")
    if mark and scheme not in ("http", "https"):
        return f"{scheme}://{_public_place(rest)}"
    try:
        parts = urlsplit(base_url)
    except ValueError:
        return "(an address that cannot be read)"
    index = parts.netloc.rpartition("@")[2]
    query = "&".join(f"{name}=..." for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    return urlunsplit((parts.scheme, index, parts.path, query, ""))


def _public_place(rest: str) -> str:
    """Return what follows ``://``; a user comes before the last @, whatever the password holds."""
    place = rest if rest.startswith("/") else rest.rpartition("@")[2]
    path, mark, options = place.partition("?")
    return (
        path
        + mark
        + "&".join(f"{part.partition('=')[0]}=..." for part in options.split("&") if part)
    )


def public_arguments(arguments: Sequence[str]) -> list[str]:
    """Return a command line whose addresses hold no secret.

    Examples
    --------
    >>> public_arguments(["--base-url=http://me:secret@host/v1", "-n", "5"])
    ['--base-url=http://host/v1', '-n', '5']
    """
    url = r"[a-zA-Z][\w+.-]*://\S+"
    return [re.sub(url, lambda found: public_url(found[0]), one) for one in arguments]


def redact(text: str, secrets: Iterable[str]) -> str:
    """Return text without the secrets.

    Examples
    --------
    >>> redact("wrong key sk-12345678", ["sk-12345678"])
    'wrong key [key]'
    """
    for secret in secrets:
        text = text.replace(secret, "[key]")
    return text


FORMULA = r"^ *[=+\-@\t\r]"
SIGNED_NUMBER = r"^ *[+\-][\d.,' \u00a0%]*([eE][+\-]?\d+)?$"
"""Cells that a spreadsheet would run, except those that are a number with a sign."""


def spreadsheet_runs(cell: object) -> bool:
    """Whether a spreadsheet would take a cell for a formula.

    Examples
    --------
    >>> [spreadsheet_runs(cell) for cell in ("=1+1", "-2+3", "- none", "-1.234,5", "plain", -5)]
    [True, True, True, False, False, False]
    """
    is_formula = isinstance(cell, str) and re.match(FORMULA, cell) is not None
    return is_formula and re.match(SIGNED_NUMBER, str(cell)) is None


def spreadsheet_safe(cell: str) -> str:
    """Return a cell that a spreadsheet shows and does not run: with an apostrophe before it.

    Examples
    --------
    >>> spreadsheet_safe("=cmd|' /C calc'!A0"), spreadsheet_safe("-3.5")
    ("'=cmd|' /C calc'!A0", '-3.5')
    """
    return f"'{cell}" if spreadsheet_runs(cell) else cell


def _visible(character: str) -> str:
    if character.isprintable() and character not in "\u2028\u2029":
        return character
    if unicodedata.category(character)[0] != "C" and character not in "\u2028\u2029":
        return character
    return character.encode("unicode_escape").decode("ascii")
