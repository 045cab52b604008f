"""What one round tells the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Guidance:
    """Feedback for a writer; what is empty leaves the writer as it is.

    Attributes
    ----------
    text : str
        Sentences for the prompt.
    quotas : mapping
        Rows of each part, by its name, in place of those of the request.
    examples : ndarray of int or None
        Indices of the real rows to show.
    parameters : mapping
        Of the local generator.

    Examples
    --------
    >>> Guidance("Rows are too old.").text, Guidance().examples is None
    ('Rows are too old.', True)
    """

    text: str = ""
    quotas: Mapping[Any, int] = field(default_factory=dict)
    examples: NDArray[np.intp] | None = None
    parameters: Mapping[Any, Any] = field(default_factory=dict)
