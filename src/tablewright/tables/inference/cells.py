"""Text cells as the numbers and truth values that they spell, and back again.

Codes with leading zeros stay text, no digit is cut off, and what is written looks as what was
read: a number format is text such as ``#,##0.00``, with the marks of the file itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl

from tablewright.errors import SchemaError
from tablewright.schema import Column

MISSING_TEXTS = frozenset({"", "?", "na", "n/a", "#n/a", "<na>", "nan", "null", "\\n"})
"""Texts (folded to lower case) that stand for a missing value among numbers and dates."""

VAGUE_TEXTS = frozenset({"unknown", "none", "missing", "-", "--", ".", "not available", "refused"})
"""Texts that are missing among numbers or dates, and a value of their own among words."""

_MARKERS = sorted(
    MISSING_TEXTS | {"NA", "N/A", "#N/A", "<NA>", "NaN", "NAN", "NULL", "\\N"}
)  # among words "Null" and "Nan" are names
_INTEGER = r"^\s*[+-]?[0-9]{1,19}\s*$"  # of which some are beyond 64 bits
_NUMBER = (
    r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?\s*$|^\s*[+-]?(?i:inf|infinity)\s*$"
)
_POINTS_BETWEEN_THOUSANDS = r"^\s*[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+\s*$"
_CODE = r"^\s*[+-]?0[0-9]|^\s*[0-9]{19,}\s*$"
_TRUTHS = {"true": True, "false": False}


def without_missing(
    texts: pl.Series,
    also: Collection[object] = (),
    vague: bool = False,
    missing: str = "usual",
    kept: Collection[object] = (),
) -> pl.Series:
    """Put null where a text stands for a missing value.

    Parameters
    ----------
    texts : Series of String
    also : collection, default=()
        Further texts that do.
    vague : bool, default=False
        Whether "unknown" and its like do, too: among numbers and dates they do.
    missing : str, default="usual"
        ``"empty"`` where no text does but the empty one (see `Column`), ``"listed"`` where
        besides it only those in `also` do.
    kept : collection, default=()
        Texts that are values, whatever they look like.
    """
    bare = texts.str.strip_chars()
    if missing == "empty":
        return texts.set((bare == "").fill_null(False), None)
    folded = bare.str.to_lowercase()
    usual = sorted(MISSING_TEXTS | VAGUE_TEXTS) if vague else _MARKERS
    absent = (folded if vague else bare).is_in(usual if missing != "listed" else [""])
    if listed := {text.strip().lower() for text in also if isinstance(text, str)}:
        absent |= folded.is_in(sorted(listed))
    if values := {text.strip() for text in kept if isinstance(text, str)}:
        absent &= ~bare.is_in(sorted(values))
    return texts.set(absent.fill_null(False), None)


def present_in(texts: pl.Series, column: Column, vague: bool = False) -> pl.Series:
    """Put null where a text of this column stands for a missing value."""
    also = column.sentinels if vague or column.missing == "declared" else ()
    kept = () if vague else column.categories or ()
    return without_missing(texts, also, vague, column.missing, kept)


def spells_number(texts: pl.Series) -> pl.Series:
    """Return for each text whether it is a number as Python writes them."""
    return texts.str.contains(_NUMBER)


def spells_code(texts: pl.Series) -> pl.Series:
    """Return for each text whether it is digits that a number would not keep: ``007``."""
    return texts.str.contains(_CODE) & ~texts.str.contains(r"^\s*[+-]?0+\.?0*\s*$|\.")


def spells_booleans(texts: pl.Series) -> bool:
    """Return whether all texts are ``true`` or ``false``, written in one way."""
    spelled = set(texts.unique().to_list())
    return len(spelled) == 2 and {text.lower() for text in spelled} == set(_TRUTHS)


def parse_booleans(texts: pl.Series) -> pl.Series:
    """Read ``true`` and ``false`` in any case; null for anything else."""
    return texts.str.to_lowercase().replace_strict(_TRUTHS, default=None, return_dtype=pl.Boolean)


def parse_numbers(texts: pl.Series, name: str, form: str | None = None) -> pl.Series:
    """Read text as Int64 where every value is a whole number, else as Float64.

    Raises
    ------
    SchemaError
        If a text is no number; names the column and the row.
    """
    plain = texts if form is None else NumberFormat.parse(form).to_plain(texts)
    bad = ~spells_number(plain).fill_null(True)
    if bad.any():
        row = int(bad.arg_max() or 0)
        written = "" if form is None else f" written as {form!r}"
        raise SchemaError(
            f"column {name!r}, row {row}: {texts[row]!r} is not a number{written}; correct the "
            f"cell, or say in the schema 'sentinels: [{texts[row]}]' or 'kind: categorical'"
        )
    bare = plain.str.strip_chars().str.strip_prefix("+")
    if plain.str.contains(_INTEGER).all():
        whole = bare.cast(pl.Int64, strict=False)
        if whole.null_count() == bare.null_count():
            return whole
    return bare.cast(pl.Float64)


# how numbers are written ----------------------------------------------------------------------

_CODES = (
    "EUR|USD|GBP|CHF|JPY|CNY|INR|BRL|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|TRY|"
    "RUB|UAH|ZAR|MXN|ARS|CLP|COP|PEN|SGD|HKD|TWD|KRW|THB|IDR|MYR|PHP|VND|ILS|AED|SAR|"
    "EGP|NGN|KES|PKR|BDT|LKR"
)
_UNIT = rf"(?:[A-Z]{{0,3}}\p{{Sc}}|{_CODES}|Fr\.|Rs\.?|kr\.?|zł|Kč|Ft|lei|RM|Rp\.?|%|‰)"
_BLANKS = " \u00a0\u202f\u2009"
_MINUS = "\\-\u2212"
_DRESSED = (
    rf"^\s*(?P<open>\()?(?P<front>[{_MINUS}+])?(?P<before>{_UNIT}?[{_BLANKS}]?)"
    rf"(?P<inner>[{_MINUS}+])?(?P<digits>[0-9](?:[0-9.,'’{_BLANKS}]*[0-9])?|[.,][0-9]+)"
    rf"(?P<power>[eE][+-]?[0-9]{{1,3}})?(?P<back>[{_MINUS}])?"
    rf"(?P<after>[{_BLANKS}]?{_UNIT})?(?P<end>[{_MINUS}])?(?P<close>\))?\s*$"
)
_NEGATIVE = {"open": "(#)", "inner": "$-#", "back": "#-", "end": "#-", "front": "\u2212#"}
_GROUPS = (*".,'’", *_BLANKS)
_FORMAT = re.compile(
    r"(?P<before>[^#0;]*)(?:#(?P<group>[^#0])(?P<indian>##(?P=group))?##0|0)"
    r"(?:(?P<decimal>[^#0E])(?=[0#])(?P<fixed>0*)(?P<free>#*))?(?P<power>[eE][+-]0+)?"
    r"(?P<after>[^#0;]*)(?:;(?P<negative>.*))?",
    re.DOTALL,
)


@dataclass(frozen=True)
class NumberFormat:
    """How the numbers of a column are written, as spreadsheets have it.

    Examples
    --------
    >>> form = NumberFormat.parse("#.##0,00 EUR")
    >>> form.to_plain(pl.Series(["29.253,38 EUR"]))[0], form.to_text(-1234.5)
    ('29253.38', '-1.234,50 EUR')
    """

    before: str = ""
    after: str = ""
    group: str = ""
    indian: bool = False
    decimal: str = "."
    min_digits: int = 0
    max_digits: int = 0
    power: str = ""
    negative: str = "-#"
    """``-#``, ``(#)``, ``#-``, ``$-#`` with the sign behind what stands before, or a true minus."""

    @classmethod
    def parse(cls, text: str) -> NumberFormat:
        """Read a format.

        Raises
        ------
        SchemaError
            If it is none.
        """
        match = _FORMAT.fullmatch(text)
        if match is None or match["group"] == match["decimal"] is not None:
            raise SchemaError(
                f"{text!r} is no format of numbers; write for instance '#,##0.00', '#.##0,00 EUR' "
                "or '0.0#', with the marks that the file has"
            )
        fixed, free = len(match["fixed"] or ""), len(match["free"] or "")
        before, after, below = match["before"], match["after"], match["negative"] or ""
        negative = "(#)" if below[:1] == "(" else "#-" if below[-1:] == "-" else "-#"
        negative = "\u2212#" if below[:1] == "\u2212" else negative
        if below and negative == "-#" and before.strip() and below.startswith(before):
            negative = "$-#"
        group, decimal = match["group"] or "", match["decimal"] or "."
        indian, power = bool(match["indian"]), match["power"] or ""
        return cls(before, after, group, indian, decimal, fixed, fixed + free, power, negative)

    def __str__(self) -> str:
        g = self.group
        whole = f"#{g}##{g}##0" if self.indian else f"#{g}##0" if g else "0"
        digits = "0" * self.min_digits + "#" * (self.max_digits - self.min_digits)
        number = f"{whole}{self.decimal if digits else ''}{digits}{self.power}"
        plain = f"{self.before}{number}{self.after}"
        return plain if self.negative == "-#" else f"{plain};{self._sign(number)}"

    def _sign(self, number: str) -> str:
        if self.negative == "$-#":
            return f"{self.before}-{number}{self.after}"
        return self.negative.replace("#", f"{self.before}{number}{self.after}")

    @property
    def decimal_mark(self) -> Literal[".", ","] | None:
        """What the format says of the decimal mark; None where it shows neither mark."""
        points = self.decimal == "." if self.max_digits else self.group == ","
        commas = self.decimal == "," if self.max_digits else self.group == "."
        return "." if points else "," if commas else None

    @cached_property
    def _whole(self) -> str:
        """Regular expression of the digits before the decimal mark."""
        if not self.group:
            return r"\d+"
        g = re.escape(self.group)
        if self.indian:
            return rf"0|[1-9]\d{{0,2}}|[1-9]\d?(?:{g}\d{{2}})*{g}\d{{3}}"
        return rf"0|[1-9]\d{{0,2}}(?:{g}\d{{3}})*"

    def fits(self, digits: pl.Series) -> bool:
        """Return whether digits with their marks, all of them, are written so."""
        d = re.escape(self.decimal)
        return bool(digits.str.contains(rf"^(?:(?:{self._whole})(?:{d}\d*)?|{d}\d+)$").all())

    def to_plain(self, texts: pl.Series) -> pl.Series:
        """Write texts as Python writes numbers; what is not written so stays as it is."""
        if self.power and not (self.before or self.after):
            return texts.str.replace(self.decimal, ".", literal=True)
        parts = texts.str.extract_groups(_DRESSED).struct
        digits = parts.field("digits").str.strip_chars()
        d, loose = re.escape(self.decimal), rf"{self._whole}|\d+"
        good = digits.str.contains(rf"^(?:(?:{loose})(?:{d}\d*)?|{d}\d+)$")
        for name, meant in (("before", self.before), ("after", self.after)):
            seen = parts.field(name).fill_null("").str.strip_chars()
            good &= (seen == "") | (seen == meant.strip())
        digits = digits.str.replace_all(self.group, "", literal=True) if self.group else digits
        digits = digits.str.replace(self.decimal, ".", literal=True)
        below = parts.field("open").is_not_null()
        for name in ("front", "inner", "back", "end"):
            below |= parts.field(name).str.contains(f"[{_MINUS}]").fill_null(False)
        sign = pl.Series(["", "-"]).gather(below.fill_null(False).cast(pl.UInt32))
        digits += parts.field("power").fill_null("")
        return (sign + digits).alias(texts.name).zip_with(good.fill_null(False), texts)

    def to_text(self, number: float) -> str:
        """Write a number."""
        if self.power:
            return self._to_power(number)
        text = _shortest(abs(number), self.max_digits)
        whole, _, rest = text.partition(".")
        rest = rest.ljust(self.min_digits, "0")
        if self.group:
            whole = _grouped(whole, self.group, self.indian)
        plain = whole + (self.decimal + rest if rest else "")
        below = number < 0 and any(digit in "123456789" for digit in text)
        return self._sign(plain) if below else f"{self.before}{plain}{self.after}"

    def _to_power(self, number: float) -> str:
        text = f"{number:.{self.max_digits}e}"
        if float(text) != number == float(repr(number)) and self.max_digits >= 15:
            # Sixteen digits, rounded half to even, may be those of a neighbouring number.
            text = np.format_float_scientific(number, trim="k", min_digits=self.max_digits)
        mantissa, _, power = text.partition("e")
        sign = "-" if int(power) < 0 else self.power[1].strip("-")
        width = len(self.power) - 2
        dressed = mantissa.replace(".", self.decimal)
        return f"{self.before}{dressed}{self.power[0]}{sign}{abs(int(power)):0{width}d}{self.after}"


def _shortest(number: float, max_digits: int) -> str:
    text = (
        np.format_float_positional(number, trim="-") if isinstance(number, float) else str(number)
    )
    rest = text.partition(".")[2]
    if len(rest) > max_digits and max_digits <= 10:
        text = f"{number:.{max_digits}f}"
    return text


def _grouped(whole: str, mark: str, indian: bool) -> str:
    if not indian:
        return f"{int(whole):,}".replace(",", mark)
    head, tail = whole[:-3], whole[-3:]
    pairs = re.sub(r"(?<=\d)(?=(?:\d\d)+$)", mark, head)
    return f"{pairs}{mark}{tail}" if head else tail


@dataclass(frozen=True)
class Reading:
    """A number format that reads every text, and the other one that does as well."""

    form: NumberFormat
    rival: NumberFormat | None = None


def read_number_format(texts: pl.Series, decimal: str | None = None) -> Reading | None:
    """Find the format that all texts are written in, other than plain numbers.

    Parameters
    ----------
    texts : Series of String
        Without missing values.
    decimal : str or None, default=None
        Decimal mark of the file; decides where ``1,234`` may be one or more than thousand.

    Examples
    --------
    >>> str(read_number_format(pl.Series(["$1,234.50", "$12.00"])).form)
    '$#,##0.00'
    """
    texts = texts.unique(maintain_order=True)
    if spells_number(texts).all() and not texts.str.contains(_POINTS_BETWEEN_THOUSANDS).all():
        return None
    if not len(texts) or not texts.head(50).str.contains(_DRESSED).all():
        return None
    parts = pl.DataFrame(texts.str.extract_groups(_DRESSED).struct.unnest())
    if parts["digits"].null_count():
        return None
    before, after = (parts[name].fill_null("").unique() for name in ("before", "after"))
    if len(before) > 1 or len(after) > 1 or (before[0].strip() and after[0].strip()):
        return None
    digits = parts["digits"].str.strip_chars()
    forms = list(_fitting(digits, decimal))
    blank = any(form.group in _BLANKS for form in forms if form.group)
    has_power = parts["power"].is_not_null().any()
    if not forms or (blank and (has_power or parts["front"].eq("+").any())):  # a telephone number
        return None
    signs = [name for name in ("open", "inner", "back", "end") if parts[name].is_not_null().any()]
    signs += ["front"] if parts["front"].eq("\u2212").any() else []
    negative = _NEGATIVE[signs[0]] if signs else "-#"
    full = [replace(f, before=before[0], after=after[0], negative=negative) for f in forms]
    full = [_with_power(form, texts) for form in full] if has_power else full
    if not any((before[0], after[0], full[0].group, full[0].decimal != ".", signs)):
        return None
    return Reading(full[0], full[1] if len(full) > 1 else None)


def _with_power(form: NumberFormat, texts: pl.Series) -> NumberFormat:
    """Keep an exponent that all numbers have alike; else have room for all digits without."""
    plain = form.to_plain(texts).str.strip_chars()
    alike = plain_format(plain)
    if alike and not (form.before or form.after or form.group or form.negative != "-#"):
        return replace(form, power=NumberFormat.parse(alike).power)
    parts = plain.str.extract_groups(r"^[^.eE]*\.?(\d*)(?:[eE](.+))?$").struct
    shifts = parts.field("2").str.strip_prefix("+").cast(pl.Int64).fill_null(0)
    n_digits = (parts.field("1").str.len_chars().cast(pl.Int64) - shifts).max()
    n_digits = max(form.max_digits, int(n_digits))  # type: ignore[arg-type]  # of integers
    point = form.decimal if form.max_digits else "," if form.group == "." else "."
    return replace(form, decimal=point, min_digits=0, max_digits=n_digits)


def _fitting(digits: pl.Series, decimal: str | None) -> Iterator[NumberFormat]:
    """Give the formats that read all digits, the likeliest first."""
    marks = [mark for mark in _GROUPS if digits.str.contains(mark, literal=True).any()]
    order = (",", ".") if decimal == "," else (".", ",")
    forms: list[NumberFormat] = []
    for point in order:
        for group in (*(m for m in marks if m != point), ""):
            for indian in (False, True) if group == "," else (False,):
                rest = [mark for mark in marks if mark not in (point, group)]
                form = NumberFormat(group=group, indian=indian, decimal=point)
                if not rest and form.fits(digits):
                    forms.append(_with_digits(form, digits))
    distinct: list[NumberFormat] = []
    for form in forms:
        if not any(_same_numbers(form, other) for other in distinct):
            distinct.append(form)
    yield from distinct


def _same_numbers(one: NumberFormat, other: NumberFormat) -> bool:
    """Return whether two formats that read all digits read the same numbers."""
    if one.group == other.group:
        return not (one.max_digits or other.max_digits) or one.decimal == other.decimal
    return False


def _with_digits(form: NumberFormat, digits: pl.Series) -> NumberFormat:
    rest = digits.str.extract(rf"{re.escape(form.decimal)}(\d*)$").str.len_chars().fill_null(0)
    # polars types a minimum as any value; of lengths it is a number
    low, high = int(rest.min()), int(rest.max())  # type: ignore[arg-type]  # there are some
    point = form.decimal if high else "."
    return replace(form, decimal=point, min_digits=low, max_digits=high)


def plain_format(texts: pl.Series) -> str | None:
    """Find how plain numbers are written; None for the shortest text that reads as the same.

    Examples
    --------
    >>> plain_format(pl.Series(["1.50", "2.25"])), plain_format(pl.Series(["1.5", "2"]))
    ('0.00', '0.#')
    """
    powers = texts.str.extract_groups(r"^\s*-?\d\.?(\d*)([eE])([+-]?)(\d+)\s*$").struct
    if texts.str.contains("[eE]").any():
        mark, width, digits = (powers.field(at) for at in ("2", "4", "1"))
        shapes = pl.DataFrame([mark, width.str.len_chars(), digits.str.len_chars()]).unique()
        if shapes.height > 1 or mark.null_count():
            return None
        plus = "+" if powers.field("3").eq("+").any() else "-"
        mantissa = f"0.{'0' * shapes[0, 2]}".rstrip(".")
        return f"{mantissa}{shapes[0, 0]}{plus}{'0' * shapes[0, 1]}"
    digits = texts.str.strip_chars().str.extract(r"\.(\d*)$").str.len_chars()
    if digits.null_count() == len(texts):
        return None
    if digits.null_count():
        return f"0.{'#' * max(1, int(digits.max()))}"  # type: ignore[arg-type]  # there are some
    return f"0.{'0' * digits[0]}" if digits.n_unique() == 1 and digits[0] else None


def numbers_to_text(numbers: pl.Series, form: str | None) -> pl.Series:
    """Write numbers in a format.

    Examples
    --------
    >>> numbers_to_text(pl.Series([1234.5, None]), "#,##0.00").to_list()
    ['1,234.50', None]
    """
    if form is None or numbers.dtype == pl.String:
        return numbers.cast(pl.String)
    written = NumberFormat.parse(form)
    plain = numbers if numbers.dtype.is_integer() else numbers.cast(pl.Float64)
    texts = [None if number is None else written.to_text(number) for number in plain]
    return pl.Series(numbers.name, texts, dtype=pl.String)
