"""How identifiers are built: a small part of the language of regular expressions.

A pattern is text such as ``C-[0-9]{5}`` or ``US-[0-9]{3}|DE-[0-9]{4}``: letters that stand for
themselves, classes of letters in brackets, ``{n}`` for n times, ``+`` after ``[0-9]`` for a
number of any length, and ``|`` between forms.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.errors import SchemaError

DIGITS = string.digits
_CLASSES = {
    "[0-9]": DIGITS,
    "[a-z]": string.ascii_lowercase,
    "[A-Z]": string.ascii_uppercase,
    "[0-9a-f]": "0123456789abcdef",
    "[0-9A-F]": "0123456789ABCDEF",
    "[a-z0-9]": DIGITS + string.ascii_lowercase,
    "[A-Z0-9]": DIGITS + string.ascii_uppercase,
    "[A-Za-z]": string.ascii_letters,
    "[A-Za-z0-9]": DIGITS + string.ascii_letters,
}
_TOKEN = re.compile(r"(\[(?:\\.|[^\]\\])+\]|\\.|[^\\\[\](){}*+?.^$|])(\{\d{1,3}\}|\+)?", re.DOTALL)
_UUID = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
MAX_PREFIXES = 10


@dataclass(frozen=True)
class Form:
    """Texts of one length, or of one length but for a number in them.

    Attributes
    ----------
    positions : tuple of str
        For each position the letters that may stand there.
    number : int or None
        Place at which a number of any length stands.
    """

    positions: tuple[str, ...]
    number: int | None = None

    def free(self) -> list[int]:
        """Return the positions at which texts of the form differ."""
        choices = enumerate(self.positions)
        return [at for at, letters in choices if len(letters) > 1 or at == self.number]


def parse_pattern(text: str) -> list[Form]:
    """Read a pattern.

    Raises
    ------
    SchemaError
        If it uses more of regular expressions than is known here; names the position.

    Examples
    --------
    >>> parse_pattern("A[0-9]{2}")
    [Form(positions=('A', '0123456789', '0123456789'), number=None)]
    """
    forms, position = [], 0
    while True:
        form, position = _parse_form(text, position)
        forms.append(form)
        if position == len(text):
            return forms
        position += 1


def _parse_form(text: str, position: int) -> tuple[Form, int]:
    """Read one form; give it with the position of the bar or the end behind it."""
    indices: list[str] = []
    number = None
    while position < len(text) and text[position] != "|":
        result = _TOKEN.match(text, position)
        if result is None or (result[2] == "+" and (number is not None or result[1] != "[0-9]")):
            raise SchemaError(
                f"pattern {text!r}: {text[position:]!r} is not understood; a pattern has letters, "
                "classes such as [0-9] or [A-Z], {n} after them, [0-9]+ once, and | between forms"
            )
        if result[2] == "+":
            number = len(indices)
        indices += [_alphabet(result[1], text)] * _times(result[2])
        position = result.end()
    return Form(tuple(indices), number), position


def _times(text: str | None) -> int:
    return int(text[1:-1]) if text and text != "+" else 1


def _alphabet(token: str, whole: str) -> str:
    if token in _CLASSES:
        return _CLASSES[token]
    if token == r"\d":
        return DIGITS
    if not token.startswith("["):
        return token[-1]
    if token.startswith("[^"):
        raise SchemaError(f"pattern {whole!r}: {token} is not understood; list the letters meant")
    spread: list[str] = []
    for letter in re.findall(r"\\.|[^\\]-[^\\]|[^\\]", token[1:-1], re.DOTALL):
        if len(letter) == 3:
            spread += map(chr, range(ord(letter[0]), ord(letter[2]) + 1))
        else:
            spread.append(letter[-1])
    return "".join(sorted(set(spread)))


def write_pattern(forms: list[Form]) -> str:
    """Write forms as a pattern.

    Examples
    --------
    >>> write_pattern(parse_pattern("C-[0-9][0-9]|[0-9]+"))
    'C-[0-9]{2}|[0-9]+'
    """
    return "|".join(_write_form(form) for form in forms)


def _write_form(form: Form) -> str:
    marked = [(letters, at == form.number) for at, letters in enumerate(form.positions)]
    parts = []
    for (letters, is_number), same in groupby(marked):
        times = len(list(same))
        token = _write_position(letters)
        many = times > 1 and len(letters) > 1
        parts.append(f"{token}+" if is_number else f"{token}{{{times}}}" if many else token * times)
    return "".join(parts)


def _write_position(position: str) -> str:
    if len(position) == 1:
        return re.escape(position) if not position.isalnum() and position != "-" else position
    for token, letters in _CLASSES.items():
        if letters == position:
            return token
    return "[" + "".join(c if c.isalnum() else f"\\{c}" for c in position) + "]"


def find_pattern(values: pl.Series) -> str | None:
    """Find how unique texts are built.

    Parameters
    ----------
    values : Series of String
        Without missing values.

    Returns
    -------
    str or None
        None where they are no codes: a text without a digit, blanks, too many forms.

    Examples
    --------
    >>> find_pattern(pl.Series(["C-001", "C-017", "C-142"]))
    'C-[0-9]{3}'
    """
    if values.str.contains(_UUID).all():
        return _uuid_pattern(values)
    worded = values.str.contains(r"\s").any() and values.str.contains(r"\p{L}").any()
    if worded or not values.str.contains("[0-9]").all():
        return None
    prefixes = values.str.extract(r"^(\D*)", 1)
    counts = prefixes.value_counts()
    # polars types a minimum as any value; of counts it is a number
    if len(counts) <= MAX_PREFIXES and (len(counts) == 1 or counts["count"].min() >= 2):  # type: ignore[operator]
        groups = [values.filter(prefixes == prefix) for prefix in sorted(counts.to_series(0))]
    else:
        groups = [values]
    forms = [_find_form(group.to_list()) for group in groups]
    return None if None in forms else write_pattern([form for form in forms if form])


def _uuid_pattern(values: pl.Series) -> str:
    digit = "[0-9A-F]" if values.str.contains("[A-F]").any() else "[0-9a-f]"
    versions = values.str.slice(14, 1).unique()
    version = versions[0] if len(versions) == 1 else digit
    variant = "[89AB]" if digit == "[0-9A-F]" else "[89ab]"
    return f"{digit}{{8}}-{digit}{{4}}-{version}{digit}{{3}}-{variant}{digit}{{3}}-{digit}{{12}}"


def _find_form(values: list[str]) -> Form | None:
    lengths = {len(value) for value in values}
    if len(lengths) == 1:
        result = Form(tuple(_find_place(set(letters)) for letters in zip(*values, strict=True)))
        merged = _merge_digits(result)
        numbers = read_numbers(merged, pl.Series(values))
        return result if numbers is None or not find_counting(numbers)[1] else merged
    parts = [re.fullmatch("([^0-9]*)([0-9]+)([^0-9]*)", value) for value in values]
    if None in parts or len({(part[1], part[3]) for part in parts if part}) > 1:
        return None
    assert parts[0] is not None
    before, after = parts[0][1], parts[0][3]
    return Form((*before, DIGITS, *after), len(before))


def _merge_digits(form: Form) -> Form:
    """Free the digits that stand beside free ones: ``00[0-9]`` counts on to 010."""
    indices: list[str] = []
    for is_digit, run in groupby(form.positions, lambda position: set(position) <= set(DIGITS)):
        same = list(run)
        free = is_digit and any(len(position) > 1 for position in same)
        indices += [DIGITS] * len(same) if free else same
    return Form(tuple(indices))


def _find_place(letters: set[str]) -> str:
    if len(letters) == 1:
        return letters.pop()
    fits = (known for known in _CLASSES.values() if letters <= set(known))
    return next(fits, "".join(sorted(letters)))


def read_numbers(form: Form, texts: pl.Series) -> NDArray[np.int64] | None:
    """Read the only number in texts of a form; None where there is more than a number."""
    free = form.free()
    if not free or {form.positions[at] for at in free} != {DIGITS} or len(free) > 18:
        return None
    first, last = free[0], free[-1]
    if free != list(range(first, last + 1)):
        return None
    tail = len(form.positions) - last - 1
    cut = texts.str.slice(first, texts.str.len_chars() - first - tail)
    parsed = cut.cast(pl.Int64, strict=False)
    return None if parsed.null_count() else parsed.to_numpy()


def find_counting(numbers: NDArray[np.int64]) -> tuple[int, int]:
    """Give where counting goes on and its step; step 0 where the numbers are scattered.

    Examples
    --------
    >>> find_counting(np.array([10, 20, 30])), find_counting(np.array([1, 50, 733]))
    ((40, 10), (734, 0))
    """
    ordered = np.unique(numbers)
    step = int(np.gcd.reduce(np.diff(ordered))) if len(ordered) > 1 else 1
    dense = 2 * len(ordered) >= (int(ordered[-1]) - int(ordered[0])) // step
    return int(ordered[-1]) + step, step if dense else 0
