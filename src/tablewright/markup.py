"""Markup that cannot carry data as code: every text and attribute is escaped once, here.

Pages are made of `element`; what objects show of themselves in a notebook of `panel` and `listing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import islice

from tablewright.display import printable

MINUS = "\N{MINUS SIGN}"

Cell = str | float | None

_VOID = frozenset({"meta", "br", "line", "rect", "circle", "path", "polyline", "wbr"})


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def element(name: str, *children: object, **attributes: object) -> Markup:
    """Return one element of HTML or SVG.

    Parameters
    ----------
    name : str
        Name of the element.
    *children : Markup or object
        Markup stands as it is; anything else is text and is escaped. None is left out.
    **attributes : object
        Escaped; ``_`` in a name stands for ``-``, a trailing one is dropped; None and False are
        left out, True gives the bare name.

    Examples
    --------
    >>> str(element("p", "<b>", class_="a", data_tip='"'))
    '<p class="a" data-tip="&quot;">&lt;b&gt;</p>'
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID and not children:
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{join(children)}</{name}>")


def join(children: object) -> Markup:
    """Join markup and text, escaping the text."""
    parts = children if isinstance(children, (list, tuple)) else (children,)
    return Markup("".join(_child(part) for part in parts))


def _child(part: object) -> str:
    if part is None:
        return ""
    if isinstance(part, (list, tuple)):
        return join(part)
    return part if isinstance(part, Markup) else _clean(str(part))


def _attribute(key: str, value: object) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{_clean(str(value))}"'


def _clean(text: str) -> str:
    """Escape, and make visible the control characters that no markup may hold."""
    return escape(printable(text), quote=True)


def number(value: float | None, digits: int = 3) -> str:
    """Write a number for people: a dash where there is none.

    Examples
    --------
    >>> number(0.12345), number(None), number(12345678.0)
    ('0.123', '–', '12,345,678')
    """
    if value is None:
        return "–"
    if isinstance(value, int) or abs(value) >= 10_000:
        return f"{value:,.0f}".replace("-", MINUS)
    return f"{value:.{digits}f}".replace("-", MINUS)


# notebooks ------------------------------------------------------------------------------

# no colour of its own but a mark for warnings: a notebook may be light or dark
_STYLE = """
.tablewright { font: 13px/1.5 system-ui, sans-serif; max-width: 64rem; }
.tablewright p { margin: 0 0 .4em; }
.tablewright .title { font-size: 15px; font-weight: 600; }
.tablewright ul { margin: .4em 0; padding-left: 1.2em; }
.tablewright li.warning::marker { content: "\\26A0\\00A0"; color: #c77700; }
.tablewright .listing { overflow-x: auto; margin: .4em 0 .8em; }
.tablewright table { font-size: 13px; border-collapse: collapse; margin: 0; }
.tablewright th, .tablewright td { padding: 2px 14px 2px 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid rgba(128, 128, 128, .3); overflow-wrap: anywhere; }
.tablewright svg { max-width: 100%; height: auto; }
.tablewright th { font-weight: 600; }
.tablewright tbody th { font-weight: 500; }
.tablewright .number { text-align: right; font-variant-numeric: tabular-nums; }
"""


def panel(title: str, *children: object) -> str:
    """Return what an object shows in a notebook: a title, and markup or lines of text below it.

    Examples
    --------
    >>> "<p>&lt;b&gt;</p>" in panel("Two rows", "<b>")
    True
    """
    lines = [child if isinstance(child, Markup) else element("p", child) for child in children]
    style = Markup(f"<style>{_STYLE}</style>")
    return str(
        element("div", style, element("p", title, class_="title"), lines, class_="tablewright")
    )


def framed(page: str, title: str) -> str:
    """Return a whole page in a frame, apart from the style of the notebook around it."""
    style = "width:100%;height:640px;border:1px solid rgba(128,128,128,.4)"
    return str(element("iframe", srcdoc=page, style=style, title=title))


MAX_ROWS = 200
"""Rows that a notebook is shown of a table."""


def listing(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Markup:
    """Return a table; the first cell of a row names it, numbers stand to the right.

    Examples
    --------
    >>> '<td class="number">0.500</td>' in listing(["column", "mean"], [["age", 0.5]])
    True
    """
    heads = element("tr", [element("th", name, scope="col") for name in head])
    body = [
        element("tr", [_listed(i, cell) for i, cell in enumerate(row)])
        for row in islice(rows, MAX_ROWS)
    ]
    table = element("table", element("thead", heads), element("tbody", body))
    return element("div", table, class_="listing")


def _listed(index: int, cell: Cell) -> Markup:
    if isinstance(cell, int | float):
        return element("td", number(cell), class_="number")
    text = "" if cell is None else cell
    return element("td", text) if index else element("th", text, scope="row")


def points(sentences: Iterable[object], class_: str | None = None) -> Markup | None:
    """Return a list of sentences, or None of none."""
    items = [element("li", sentence, class_=class_) for sentence in sentences]
    return element("ul", items) if items else None
