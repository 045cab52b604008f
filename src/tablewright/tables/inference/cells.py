"""Text cells as the numbers, dates and truth values that they spell, and back again.

Files of text (CSV) and columns of text in frames go through here, so that what a cell means
is decided in one place: codes with leading zeros stay text, no digit is cut off, and what is
written looks as what was read.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import polars as pl

from tablewright.errors import SchemaError
from tablewright.tables.inference.sentinels import MISSING_TEXTS, VAGUE_TEXTS

__all__ = [
    "find_comma",
    "number_style",
    "numbers_to_text",
    "parse_booleans",
    "parse_numbers",
    "spells_booleans",
    "spells_code",
    "spells_number",
    "without_comma",
    "without_missing",
]

_INTEGER = r"^\s*[+-]?\d{1,18}\s*$"
_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?\s*$|^\s*[+-]?(?i:inf|infinity)\s*$"
_CODE = r"^\s*[+-]?0\d|^\s*\d{19,}\s*$"
_TRUTHS = {"true": True, "false": False}


def without_missing(
    texts: pl.Series, also: Collection[object] = (), vague: bool = False
) -> pl.Series:
    """Put null where a text says that the value is missing.

    Parameters
    ----------
    texts : Series of String
    also : collection, default=()
        Further texts that say so.
    vague : bool, default=False
        Whether "unknown" and its like say so, too: among numbers and dates they do.
    """
    said = set(MISSING_TEXTS | VAGUE_TEXTS if vague else MISSING_TEXTS)
    said |= {str(text).lower() for text in also if isinstance(text, str)}
    folded = texts.str.strip_chars().str.to_lowercase()
    return texts.set(folded.is_in(sorted(said)).fill_null(False), None)


def spells_number(texts: pl.Series) -> pl.Series:
    """Tell for each text whether it is a number."""
    return texts.str.contains(_NUMBER)


def spells_code(texts: pl.Series) -> pl.Series:
    """Tell for each text whether it is digits that a number would not keep: ``007``."""
    return texts.str.contains(_CODE) & ~texts.str.contains(r"^\s*[+-]?0+\.?0*\s*$|\.")


def spells_booleans(texts: pl.Series) -> bool:
    """Tell whether all texts are ``true`` or ``false``, written in one way."""
    spelled = set(texts.unique().to_list())
    return len(spelled) == 2 and {text.lower() for text in spelled} == set(_TRUTHS)


def parse_numbers(texts: pl.Series, name: str) -> pl.Series:
    """Read text as Int64 where every value is a whole number, else as Float64.

    Raises
    ------
    SchemaError
        If a text is no number; names the column and the row.
    """
    bad = ~spells_number(texts).fill_null(True)
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise SchemaError(
            f"column {name!r}, row {row}: {texts[row]!r} is not a number; correct the cell, or "
            f"say in the schema 'sentinels: [{texts[row]}]' or 'kind: categorical'"
        )
    bare = texts.str.strip_chars().str.strip_prefix("+")
    if texts.str.contains(_INTEGER).all():
        return bare.cast(pl.Int64)
    return bare.cast(pl.Float64)


def find_comma(texts: pl.Series) -> str:
    """Find what commas in numbers mean.

    Returns
    -------
    str
        ``","`` for a decimal comma (``3,14``), ``"_"`` for groups of thousands
        (``1,234,567.8``), and nothing where the texts are no numbers with commas.

    Examples
    --------
    >>> find_comma(pl.Series(["3,14", "2"])), find_comma(pl.Series(["1,234.5", "12"]))
    (',', '_')
    """
    bare = texts.str.strip_chars()
    if not bare.str.contains(",", literal=True).any():
        return ""
    if bare.str.contains(r"^[+-]?\d{1,3}(,\d{3})*(\.\d+)?$").all():
        return "_"
    return "," if bare.str.contains(r"^[+-]?\d+(,\d+)?$").all() else ""


def without_comma(texts: pl.Series, style: str | None) -> pl.Series:
    """Write numbers with a point and no groups, where a style says that there are commas."""
    if style and style[0] in ",_":
        return texts.str.replace_all(",", "." if style[0] == "," else "", literal=True)
    return texts


def parse_booleans(texts: pl.Series) -> pl.Series:
    """Read ``true`` and ``false`` in any case; null for anything else."""
    return texts.str.to_lowercase().replace_strict(_TRUTHS, default=None, return_dtype=pl.Boolean)


def number_style(texts: pl.Series) -> str | None:
    """Find how numbers are written.

    Returns
    -------
    str or None
        ``"%.2f"`` where all have as many digits after the point, ``"%g"`` where whole numbers
        have none, None for the shortest text that reads as the same number.

    Examples
    --------
    >>> number_style(pl.Series(["1.50", "2.25"])), number_style(pl.Series(["1.5", "2"]))
    ('%.2f', '%g')
    """
    if texts.str.contains("[eE]").any():
        return None
    digits = texts.str.strip_chars().str.extract(r"\.(\d*)$").str.len_chars()
    if digits.null_count() == len(texts):
        return None
    if digits.null_count():
        return "%g"
    return f"%.{digits[0]}f" if digits.n_unique() == 1 and digits[0] else None


def numbers_to_text(numbers: pl.Series, style: str | None) -> pl.Series:
    """Write numbers in a style that `number_style` and `find_comma` found.

    Examples
    --------
    >>> numbers_to_text(pl.Series([1234.5]), "_%.2f")[0], numbers_to_text(pl.Series([0.5]), ",")[0]
    ('1,234.50', '0,5')
    """
    if style and style[0] in ",_":
        plain = numbers_to_text(numbers, style[1:] or None)
        if style[0] == ",":
            return plain.str.replace(".", ",", literal=True)
        sign, whole, rest = (
            plain.str.extract(r"^(-?)(\d+)(\..*)?$", group).fill_null("") for group in (1, 2, 3)
        )
        grouped = [f"{int(digits):,}" if digits else None for digits in whole]
        return sign + pl.Series(numbers.name, grouped, dtype=pl.String) + rest
    if style is None or numbers.dtype == pl.String:
        return numbers.cast(pl.String)
    if style == "%g":
        return numbers.cast(pl.Float64).cast(pl.String).str.strip_suffix(".0")
    floats = numbers.cast(pl.Float64).fill_null(np.nan).to_numpy()
    written = pl.Series(numbers.name, [style % value for value in floats], dtype=pl.String)
    return written.set(numbers.is_null(), None)
