"""Dates, moments and durations as text: the formats that are recognised, and back again.

A format is text as strptime has it, with four things more: ``%-d`` for days without a zero in
front, ``%^b`` for ``JUL``, ``FORMAT|FORMAT`` for a column that mixes two (written in the first),
and ``FORMAT [Europe/Berlin]`` for the zone whose offsets are written.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y"),
    *("%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%d-%b-%y", "%d %b %y", "%Y-%d-%m"),
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
    for date in (*DATES[:6], "%d-%b-%y", "%d-%b-%Y")
    for joint in (" ", "T")
    for clock in _CLOCKS
    for zone in ("", "Z", " UTC")
)
_LOOKS_LIKE_DATE = (
    r"^\s*([0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}"
    r"|\d{1,2}[- ][A-Za-z]{3,9}[- ]\d{2,4}|[A-Za-z]{3,9} \d{1,2},? \d{4})"
)
_OFFSET = r"(\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)( ?)([+-]\d{2}(?::?\d{2})?)$"
_ZONES = (
    *("Europe/London", "Europe/Berlin", "Europe/Athens", "Europe/Moscow", "America/New_York"),
    *("America/Chicago", "America/Denver", "America/Los_Angeles", "America/Sao_Paulo"),
    *("Asia/Jerusalem", "Australia/Sydney", "Australia/Adelaide", "Pacific/Auckland"),
)
_ENOUGH_MIXED = 0.02  # of the values; fewer in another format are slips and not a second format


@dataclass(frozen=True)
class DateFormat:
    """A format that reads every value, and what a person should know of it.

    Attributes
    ----------
    text : str
        See the head of this module.
    rival : str or None
        A format that reads every value as well, with days and months exchanged.
    note : str
        What will be written otherwise than it was read, in one sentence; empty where nothing.
    """

    text: str
    rival: str | None = None
    note: str = ""

    @property
    def is_moment(self) -> bool:
        """Whether it holds a time of day."""
        return has_clock(self.text)


def has_clock(fmt: str) -> bool:
    """Return whether a format holds a time of day."""
    return bool(re.search(r"%-?[HI]", fmt))


def find_date_format(values: pl.Series) -> DateFormat | None:
    """Find the format that all values are written in.

    Parameters
    ----------
    values : Series of String
        Without missing values.

    Returns
    -------
    DateFormat or None
        None where no listed format, and no pair of them, reads every value.

    Examples
    --------
    >>> find_date_format(pl.Series(["31/12/2020", "01/02/2021"])).text
    '%d/%m/%Y'
    >>> find_date_format(pl.Series(["2023-01-20 16:16:00+02"])).text
    '%Y-%m-%d %H:%M:%S+02'
    """
    values = values.unique(maintain_order=True)
    if not len(values) or not values.str.contains(_LOOKS_LIKE_DATE).all():
        return None
    if values.str.contains(_OFFSET).all():
        return _find_with_offset(values)
    return _find_single(values) or _find_mixed(values)


def _find_single(values: pl.Series) -> DateFormat | None:
    first = values.slice(0, 50)
    fits = [f for f in (*DATES, *MOMENTS) if _reads(first, f) and _reads(values, f)]
    if not fits:
        return None
    meant = parse_dates(values, fits[0])
    rivals = (f for f in fits[1:] if not parse_dates(values, f).equals(meant))
    note = "holds nanoseconds; rows are written in whole microseconds" if "%.9f" in fits[0] else ""
    return DateFormat(_as_spelled(values, fits[0]), next(rivals, None), note)


def _find_mixed(values: pl.Series) -> DateFormat | None:
    """Find two formats of days that share the values, neither of them a slip of the pen."""
    best: list[tuple[int, str]] = []
    rest = values
    for _ in range(2):
        counts = [(len(rest) - parse_dates(rest, f).null_count(), f) for f in DATES]
        n, form = max(counts, key=lambda pair: pair[0])
        fitting = parse_dates(rest, form).is_not_null()
        if n < max(2, _ENOUGH_MIXED * len(values)) or not _reads(rest.filter(fitting), form):
            return None
        best.append((n, _as_spelled(rest.filter(fitting), form)))
        rest = rest.filter(~fitting)
    if len(rest):
        return None
    (_, maximum), (_, other) = sorted(best, key=lambda pair: -pair[0])
    note = f"mixes dates written as {maximum} and as {other}; all rows are written as {maximum}"
    return DateFormat(f"{maximum}|{other}", note=note)


def _find_with_offset(values: pl.Series) -> DateFormat | None:
    """Read an offset that is the same everywhere as text, others by the zone they come from."""
    bare = _find_single(values.str.replace(_OFFSET, "$1"))
    if bare is None or not bare.is_moment:
        return None
    parts = values.str.extract_groups(_OFFSET).struct
    blank, offsets = parts.field("2")[0], parts.field("3").unique().sort()
    if len(offsets) == 1:
        return DateFormat(f"{bare.text}{blank}{offsets[0]}", bare.rival)
    token = "%:z" if offsets.str.contains(":").any() else "%z"
    token = "%:::z" if offsets.str.len_chars().max() == 3 else token
    form = f"{bare.text}{blank}{token}"
    instants = parse_dates(values, form)
    if instants.null_count():
        return None
    for zone in _ZONES:
        if dates_to_text(instants, f"{form} [{zone}]").equals(values):
            return DateFormat(f"{form} [{zone}]", bare.rival)
    note = f"holds {len(offsets)} offsets ({', '.join(offsets[:4])}); all rows are written in UTC"
    return DateFormat(form, bare.rival, note)


def is_digit_date(values: pl.Series) -> bool:
    """Return whether whole numbers, all of them, are dates such as 20240320.

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
    return bool((_bare(parsed.dt.strftime(fmt), fmt) == _bare(values, fmt)).all())


def _bare(texts: pl.Series, fmt: str) -> pl.Series:
    """Drop padding zeros, so that ``1/2/2020`` equals ``01/02/2020``."""
    if "%.9f" in fmt:  # of which microseconds are kept
        texts = texts.str.replace(r"(\.\d{6})\d{3}", "${1}000")
    texts = texts.str.replace_all(r"\b0+(\d)", "$1").str.to_lowercase()
    if not fmt.endswith("%.f"):
        return texts
    return texts.str.replace(r"(\.\d*?)0+$", "$1").str.strip_suffix(".")


def _as_spelled(values: pl.Series, fmt: str) -> str:
    """Give the variant of a format that writes the values as they are: padding, capitals."""
    parsed = parse_dates(values, fmt)
    unpadded = (re.sub(f"%([{letters}])", r"%-\1", fmt) for letters in ("dmI", "dmHI", "HI"))
    variants = (
        form for one in (fmt, *unpadded) for form in (one, re.sub(r"%([bB])", r"%^\1", one))
    )
    return next((f for f in variants if dates_to_text(parsed, f).equals(values)), fmt)


def _formats(fmt: str) -> Iterator[str]:
    """Give each format as polars parses it."""
    yield from fmt.partition(" [")[0].replace("%^", "%").replace("%-", "%").split("|")


def parse_dates(values: pl.Series, fmt: str) -> pl.Series:
    """Read text as Date or Datetime; null where it does not fit."""
    parsed: pl.Series | None = None
    for form in _formats(fmt):
        dtype: pl.Date | pl.Datetime = pl.Datetime("us") if has_clock(fmt) else pl.Date()
        if "z" in form.rpartition("%")[2]:
            dtype = pl.Datetime("us", "UTC")
            values = values.str.replace(r"([+-]\d{2})$", "$1:00")
            form = form.replace("%:::z", "%:z")
        one = values.str.strptime(dtype, form, strict=False)
        parsed = one if parsed is None else parsed.zip_with(parsed.is_not_null(), one)
    assert parsed is not None
    return parsed


def dates_to_text(values: pl.Series, fmt: str) -> pl.Series:
    """Write dates and moments."""
    first, _, zone = fmt.partition("|")[0].partition(" [")
    if zone and getattr(values.dtype, "time_zone", None):
        values = values.dt.convert_time_zone(zone.rstrip("]"))
    if "%^" not in first:
        return values.dt.strftime(first)
    return values.dt.strftime(first.replace("%^", "%")).str.to_uppercase()


def parse_moment(text: str, fmt: str | None = None) -> dt.datetime:
    """Read one moment as Python has it: in ISO 8601, or as strptime reads a format.

    Raises
    ------
    ValueError
        If it is not written so.
    """
    if fmt is None:
        return dt.datetime.fromisoformat(text)
    first = next(_formats(fmt))
    return dt.datetime.strptime(text, re.sub(r"%(:+z|\.\d?f)", _as_python, first))


def _as_python(match: re.Match[str]) -> str:
    return "%z" if match[1].endswith("z") else ".%f"


# durations ------------------------------------------------------------------------------------

_SECOND = 1_000_000
_CLOCK = r"^(-?)([0-9]{1,6}):([0-5][0-9])$"
_LONG = r"^(-?)([0-9]{1,6}):([0-5][0-9]):([0-5][0-9](?:\.[0-9]{1,9})?)$"
_DAYS = r"^([0-9]+) days? ([0-9]{2}):([0-5][0-9]):([0-5][0-9](?:\.[0-9]{1,9})?)$"
_FORMS = {"HH:MM": _CLOCK, "HH:MM:SS": _LONG, "D days HH:MM:SS": _DAYS}


def find_duration_format(texts: pl.Series) -> str | None:
    """Find how durations are written.

    Returns
    -------
    str or None
        ``"HH:MM"``, ``"HH:MM:SS"`` (``H`` for ``HH`` where hours are not padded) or
        ``"D days HH:MM:SS"``; None where a text is none of them.

    Examples
    --------
    >>> find_duration_format(pl.Series(["09:30", "17:00"]))
    'HH:MM'
    """
    form = next((f for f, look in _FORMS.items() if texts.str.contains(look).all()), None)
    if form and form[0] == "H" and texts.str.contains(r"^-?\d:").any():
        return form[1:]
    return form


def parse_durations(texts: pl.Series, form: str) -> pl.Series:
    """Read text as Duration; null where it is not of the form."""
    look = _FORMS.get(form) or _FORMS.get("H" + form, _LONG)
    first, second, third = (texts.str.extract(look, group) for group in (1, 2, 3))
    seconds = second.cast(pl.Float64) * 3600 + third.cast(pl.Float64) * 60
    if form.endswith("SS"):
        seconds += texts.str.extract(look, 4).cast(pl.Float64)
    if form[0] == "D":
        seconds += first.cast(pl.Float64) * 86400
    else:
        seconds *= (first == "-").cast(pl.Float64) * -2 + 1
    return (seconds * _SECOND).round(0).cast(pl.Int64).cast(pl.Duration("us"))


def durations_to_text(durations: pl.Series, form: str = "HH:MM:SS") -> pl.Series:
    """Write durations.

    Examples
    --------
    >>> from datetime import timedelta
    >>> durations_to_text(pl.Series([timedelta(hours=27, seconds=1.5)]))[0]
    '27:00:01.5'
    """
    counts = durations.dt.total_microseconds()
    texts = [None if count is None else _spell(count, form) for count in counts]
    return pl.Series(durations.name, texts, dtype=pl.String)


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


def durations_to_times(durations: pl.Series) -> pl.Series:
    """Return the times of day that lie so long after midnight."""
    day = 86_400_000_000_000
    return (durations.cast(pl.Duration("ns")).cast(pl.Int64) % day).cast(pl.Time)


# times as the values of a discrete column -----------------------------------------------------


def times_to_iso(times: pl.Series) -> pl.Series:
    """Write dates, moments (in UTC where they have a zone), times of day or durations.

    Examples
    --------
    >>> times_to_iso(pl.Series([dt.datetime(2024, 5, 1, 9)])).to_list()
    ['2024-05-01 09:00:00']
    """
    if times.dtype == pl.Date:
        return times.dt.strftime("%F")
    if not isinstance(times.dtype, pl.Datetime):
        return durations_to_text(times.cast(pl.Int64).cast(_unit(times.dtype)))
    zone = times.dtype.time_zone
    return (times.dt.convert_time_zone("UTC") if zone else times).dt.strftime("%F %T%.f")


def _unit(dtype: pl.DataType) -> pl.Duration:
    return dtype if isinstance(dtype, pl.Duration) else pl.Duration("ns")


def times_from_iso(texts: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Read what `times_to_iso` wrote."""
    if dtype == pl.Date:
        return texts.str.to_date("%F")
    if not isinstance(dtype, pl.Datetime):
        durations = parse_durations(texts, "HH:MM:SS")
        return durations_to_times(durations) if dtype == pl.Time else durations.cast(dtype)
    moments = texts.str.to_datetime("%F %T%.f", time_unit=dtype.time_unit)
    zone = dtype.time_zone
    return moments.dt.replace_time_zone("UTC").dt.convert_time_zone(zone) if zone else moments
