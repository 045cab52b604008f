"""Warnings that point at the line of the user's code they are about."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

_OURS = str(Path(__file__).parent / "_").removesuffix("_")


def warn(text: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that called us, however deep the call is when it warns.

    Rows are drawn while polars, say, collects them: what counts is our outermost frame, and not the
    nearest foreign one, as it does for ``skip_file_prefixes`` of Python 3.12.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn("the table is small")
    >>> caught[0].filename.startswith("<doctest")
    True
    """
    warnings.warn(text, category, stacklevel=_level())


def _level() -> int:
    """Return how many frames above `warn` the first of our frames was called."""
    frame, level, outermost = sys._getframe(1).f_back, 2, 1
    while frame is not None:
        if frame.f_code.co_filename.startswith(_OURS):
            outermost = level
        frame, level = frame.f_back, level + 1
    return outermost + 1
