"""Spans of time as text: ``10:30``, ``27:00:01.5``, ``2 days 03:00:00``."""

from __future__ import annotations

import polars as pl

__all__ = ["find_span_format", "parse_spans", "spans_to_text"]

_SECOND = 1_000_000
_CLOCK = r"^(-?)(\d{1,6}):([0-5]\d)$"
_LONG = r"^(-?)(\d{1,6}):([0-5]\d):([0-5]\d(?:\.\d{1,9})?)$"
_DAYS = r"^(\d+) days? (\d{2}):([0-5]\d):([0-5]\d(?:\.\d{1,9})?)$"
_FORMS = {"HH:MM": _CLOCK, "HH:MM:SS": _LONG, "D days HH:MM:SS": _DAYS}


def find_span_format(texts: pl.Series) -> str | None:
    """Find how spans of time are written.

    Returns
    -------
    str or None
        ``"HH:MM"``, ``"HH:MM:SS"`` (``H`` for ``HH`` where hours are not padded) or
        ``"D days HH:MM:SS"``; None where a text is none of them.

    Examples
    --------
    >>> find_span_format(pl.Series(["09:30", "17:00"])), find_span_format(pl.Series(["9:30:00"]))
    ('HH:MM', 'H:MM:SS')
    """
    form = next((f for f, look in _FORMS.items() if texts.str.contains(look).all()), None)
    if form and form[0] == "H" and texts.str.contains(r"^-?\d:").any():
        return form[1:]
    return form


def parse_spans(texts: pl.Series, form: str) -> pl.Series:
    """Read text as Duration; null where it is not of the form."""
    look = _FORMS.get(form) or _FORMS["H" + form]
    first, second, third = (texts.str.extract(look, group) for group in (1, 2, 3))
    seconds = second.cast(pl.Float64) * 3600 + third.cast(pl.Float64) * 60
    if form.endswith("SS"):
        seconds += texts.str.extract(look, 4).cast(pl.Float64)
    if form[0] == "D":
        seconds += first.cast(pl.Float64) * 86400
    else:
        seconds *= (first == "-").cast(pl.Float64) * -2 + 1
    return (seconds * _SECOND).round(0).cast(pl.Int64).cast(pl.Duration("us"))


def spans_to_text(spans: pl.Series, form: str = "HH:MM:SS") -> pl.Series:
    """Write spans of time.

    Examples
    --------
    >>> from datetime import timedelta
    >>> spans_to_text(pl.Series([timedelta(hours=27, seconds=1.5)]))[0]
    '27:00:01.5'
    """
    counts = spans.dt.total_microseconds()
    texts = [None if count is None else _spell(count, form) for count in counts]
    return pl.Series(spans.name, texts, dtype=pl.String)


def _spell(count: int, form: str) -> str:
    sign, count = "-" if count < 0 else "", abs(count)
    minutes, rest = divmod(count, 60 * _SECOND)
    hours, minutes = divmod(minutes, 60)
    seconds = f":{rest / _SECOND:09.6f}".rstrip("0").rstrip(".") if rest % _SECOND else ""
    seconds = seconds or f":{rest // _SECOND:02d}"
    if form[0] == "D":
        return f"{sign}{hours // 24} days {hours % 24:02d}:{minutes:02d}{seconds}"
    width = 2 if form.startswith("HH") else 1
    return f"{sign}{hours:0{width}d}:{minutes:02d}{seconds if form.endswith('SS') else ''}"
