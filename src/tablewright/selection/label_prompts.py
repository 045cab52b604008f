"""Closed questions about the label of a row: the fixed part first, the row's own cells last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tablewright.llm.prompts.sharing import Cell

LEVELS = ("very low", "low", "average", "high", "very high")
"""What a number is compared to others of its kind; bins of equal shares of the rows."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MAX_CLASSES = len(_LETTERS)


def choices_for(classes: Sequence[str]) -> tuple[str, ...]:
    """Return the answers that a model may give: Yes or No for two classes, letters for more.

    Examples
    --------
    >>> choices_for(["<=50K", ">50K"]), choices_for(["a", "b", "c"])
    (('No', 'Yes'), ('A', 'B', 'C'))
    """
    return ("No", "Yes") if len(classes) == 2 else tuple(_LETTERS[: len(classes)])


def instructions(target: str, classes: Sequence[str], about: str = "", asked: str = "") -> str:
    """Say what is asked of every row; the same for all of them, so that it is read once.

    Parameters
    ----------
    target : str
        Name of the column.
    classes : sequence of str
        Its values, or `LEVELS` for a number.
    about : str, default=""
        What the table, or its target, is about.
    asked : str, default=""
        The question in the user's own words.

    Examples
    --------
    >>> print(instructions("salary", ["<=50K", ">50K"], "Adults of the census of 1994."))
    Adults of the census of 1994.
    You are an expert who predicts the column salary of a table from its other columns.
    Is salary >50K rather than <=50K? Answer Yes or No, in one word.
    """
    lines = [about] if about else []
    if not asked:
        lines.append(
            f"You are an expert who predicts the column {target} of a table from its other columns."
        )
    if len(classes) == 2:
        plain = f"Is {target} {classes[1]} rather than {classes[0]}?"
        lines.append(f"{asked or plain} Answer Yes or No, in one word.")
    else:
        named = zip(choices_for(classes), classes, strict=True)
        lines += [f"{letter}: {target} is {name}" for letter, name in named]
        lines.append("Answer with one letter.")
    return "\n".join(lines)


def question(row: Mapping[str, Cell], target: str, classes: Sequence[str], asked: str = "") -> str:
    """Show one row and ask; nothing here is the same for two rows but the last line.

    Examples
    --------
    >>> print(question({"age": 41, "height": 1.75}, "salary", ["<=50K", ">50K"]))
    age: 41
    height: 1.75
    <BLANKLINE>
    Is salary >50K?
    """
    cells = [f"{name}: {_shown(value)}" for name, value in row.items() if value is not None]
    plain = f"Is {target} {classes[1]}?" if len(classes) == 2 else f"Which {target}?"
    return "\n".join([*cells, "", asked or plain])


def _shown(value: Cell) -> str:
    """Write numbers with four digits: more cost tokens and tell a model nothing."""
    return f"{value:.4g}" if isinstance(value, float) else " ".join(str(value).split())
