"""How dates are written: the formats that are recognised in text."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import polars as pl

__all__ = [
    "DATES",
    "DIGIT_DATE",
    "MOMENTS",
    "DateFormat",
    "find_date_format",
    "is_digit_date",
    "parse_dates",
    "parse_moment",
]

DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y"),
    *("%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%Y-%d-%m"),
)
DIGIT_DATE = "%Y%m%d"
_CLOCKS = (
    "%H:%M:%S",
    "%H:%M",
    *("%H:%M:%S%.3f", "%H:%M:%S%.6f", "%H:%M:%S%.9f", "%H:%M:%S%.f"),
    "%I:%M:%S %p",
    "%I:%M %p",
)
MOMENTS = tuple(
    f"{date}{joint}{clock}{zone}"
    for date in DATES[:6]
    for joint in (" ", "T")
    for clock in _CLOCKS
    for zone in ("", "%:z", "Z", " UTC")
)
_LOOKS_LIKE_DATE = (
    r"^\s*(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}"
    r"|\d{1,2}[- ][A-Za-z]{3,9}[- ]\d{4}|[A-Za-z]{3,9} \d{1,2},? \d{4})"
)


@dataclass(frozen=True)
class DateFormat:
    """A format that reads every value, and whether another one would too.

    Attributes
    ----------
    text : str
        As strptime has it.
    is_moment : bool
        Whether it holds a time of day.
    rival : str or None
        A format that reads every value as well, with days and months exchanged.
    """

    text: str
    is_moment: bool
    rival: str | None = None


def find_date_format(values: pl.Series) -> DateFormat | None:
    """Find the format that all values are written in.

    Parameters
    ----------
    values : Series of String
        Without missing values.

    Returns
    -------
    DateFormat or None
        None where no listed format reads every value and writes it back unchanged.

    Examples
    --------
    >>> find_date_format(pl.Series(["31/12/2020", "01/02/2021"])).text
    '%d/%m/%Y'
    """
    if not len(values) or not values.str.contains(_LOOKS_LIKE_DATE).all():
        return None
    first = values.slice(0, 50)
    fits = [f for f in (*DATES, *MOMENTS) if _reads(first, f) and _reads(values, f)]
    if not fits:
        return None
    meant = parse_dates(values, fits[0])
    rivals = (f for f in fits[1:] if not parse_dates(values, f).equals(meant))
    return DateFormat(fits[0], fits[0] in MOMENTS, next(rivals, None))


def is_digit_date(values: pl.Series) -> bool:
    """Tell whether whole numbers, all of them, are dates such as 20240320.

    Examples
    --------
    >>> is_digit_date(pl.Series([20240320, 20231231])), is_digit_date(pl.Series([20241301]))
    (True, False)
    """
    texts = values.cast(pl.String).str.strip_suffix(".0")
    if not len(texts) or not texts.str.contains(r"^(19|20)\d{6}$").all():
        return False
    return not parse_dates(texts, DIGIT_DATE).null_count()


def _reads(values: pl.Series, fmt: str) -> bool:
    parsed = parse_dates(values, fmt)
    # polars types a minimum as any value; of years it is a number
    if parsed.null_count() or parsed.dt.year().min() < 1000:  # type: ignore[operator]
        return False
    if "%:z" in fmt:
        return True
    return bool((_bare(parsed.dt.strftime(fmt), fmt) == _bare(values, fmt)).all())


def _bare(texts: pl.Series, fmt: str) -> pl.Series:
    """Drop padding zeros, so that ``1/2/2020`` equals ``01/02/2020``."""
    texts = texts.str.replace_all(r"\b0+(\d)", "$1").str.to_lowercase()
    if not fmt.endswith("%.f"):
        return texts
    return texts.str.replace(r"(\.\d*?)0+$", "$1").str.strip_suffix(".")


def parse_dates(values: pl.Series, fmt: str) -> pl.Series:
    """Read text as Date or Datetime; null where it does not fit."""
    if "%H" not in fmt and "%I" not in fmt:
        return values.str.strptime(pl.Date, fmt, strict=False)
    if "%:z" in fmt:
        return values.str.strptime(pl.Datetime("us", "UTC"), fmt, strict=False)
    return values.str.strptime(pl.Datetime("us"), fmt, strict=False)


def parse_moment(text: str, fmt: str | None = None) -> dt.datetime:
    """Read one moment as Python has it: in ISO 8601, or as strptime reads a format.

    Raises
    ------
    ValueError
        If it is not written so.
    """
    if fmt is None:
        return dt.datetime.fromisoformat(text)
    return dt.datetime.strptime(text, fmt)
