"""How far a text is from another one that may have been meant."""

from __future__ import annotations


def edit_distance(one: str, other: str, limit: int) -> int:
    """Return how many letters have to be put in, left out or changed, up to a limit (Levenshtein).

    Texts whose lengths alone differ by more than the limit are not compared, as foreign ones may
    be of any length.

    Examples
    --------
    >>> [edit_distance(text, "QX4", 2) for text in ("QX4", "Q4", "QZ4", "QX44", "ZZ4", "abcdef")]
    [0, 1, 1, 1, 2, 3]
    """
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        above, row = row, [i]
        for j, b in enumerate(other, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b)))
    return min(row[-1], limit + 1)
