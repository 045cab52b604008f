"""Random seeds: what scikit-learn takes as random_state, and every named stream under one seed."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np

from tablewright.errors import InputError


class Stream(IntEnum):
    """Every named random stream: what is drawn as ``default_rng([seed, stream, ...])``.

    A name begins with its scope: streams of one scope, and those of ``SYSTEM`` with those of
    each system, share a seed and have numbers of their own. A number that was ever used is not
    given to another stream, so that the same seed keeps giving the same rows.
    """

    SYNTHESIZER_FIT = 0
    SYNTHESIZER_CHOOSE = 1
    SYNTHESIZER_SAMPLE = 2
    SYNTHESIZER_CLASSES = 3
    SYNTHESIZER_IDENTIFIERS = 4
    SYNTHESIZER_IMPUTE = 5
    SYNTHESIZER_REFERENCE = 6
    SYNTHESIZER_RULES = 7
    SYNTHESIZER_CALL = 8

    SYSTEM_IDENTIFIERS = 1
    SYSTEM_NEAR_DUPLICATES = 2
    SYSTEM_DRAWN_LABELS = 3
    SYSTEM_RELATIONS = 4

    CLLM_EXAMPLES = 10
    CLLM_EXPECTED = 11
    CLLM_CURATION = 12

    EPIC_EXAMPLES = 20
    EPIC_TOKENS = 21
    EPIC_EXPECTED = 22

    TEAM_LOCAL = 20
    TEAM_EXAMPLES = 21
    TEAM_TRIM = 22
    TEAM_LABELS = 23
    TEAM_BATCHES = 24

    HTDBU_ROWS = 10
    HTDBU_PILOT = 11
    HTDBU_CELLS = 12
    HTDBU_ROW_RULES = 13
    HTDBU_IDENTIFIERS = 14
    HTDBU_FIT = 20
    HTDBU_CHOOSE = 21
    HTDBU_RULES = 22
    HTDBU_REFERENCE = 23
    HTDBU_TEXTS = 24
    HTDBU_VALIDATION = 30
    HTDBU_VALIDATION_REFERENCE = 31

    DATE_EXAMPLES = 20
    DATE_EXPECTED = 21
    DATE_SELECT = 22
    RDDG_RELATIONS = 25
    RDDG_EXAMPLES = 26
    RDDG_ACCEPTANCE = 27
    MALLM_GRAPH = 10
    MALLM_DISCRIMINATOR = 11
    MALLM_SHOTS = 12

    TRIM_JUDGE = 71


def seed_of(random_state: Any) -> int:
    """Make one whole number of what scikit-learn takes as random_state.

    Raises
    ------
    InputError
        If it is none of the kinds allowed.

    Examples
    --------
    >>> seed_of(7)
    7
    """
    if random_state is None:
        return int(np.random.default_rng().integers(2**31))
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool):
        if random_state < 0:
            raise InputError(f"random_state is at least 0, not {random_state}")
        return int(random_state)
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    raise InputError(f"random_state is a whole number, a RandomState or None, not {random_state!r}")
