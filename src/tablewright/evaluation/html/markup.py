"""Markup that cannot carry data as code: every text and attribute is escaped once, here."""

from __future__ import annotations

from html import escape

_VOID = frozenset({"meta", "br", "line", "rect", "circle", "path", "polyline"})


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
    """Escape, and drop control characters that no markup may hold."""
    return escape("".join(c for c in text if c >= " " or c in "\n\t"), quote=True)
