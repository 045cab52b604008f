"""Every error that tablewright raises on purpose.

Each is one sentence that names the place and the remedy, and each is also the
built-in kind of error that a caller would expect::

    TablewrightError
    ├── InputError (ValueError)            a file, a frame or an option is not usable
    │   ├── SchemaError                    a schema or metadata file does not fit the table
    │   ├── ExpressionError                text is not an expression we allow; shows the place
    │   ├── ConditionError                 no row can meet what was asked; names the part
    │   └── RuleError                      a rules file or a rule does not hold together
    ├── MissingExtraError (ImportError)    an optional package is not installed
    ├── CheckFailedError                   a check that the user asked for failed
    ├── ModelError                         a language model or its endpoint failed
    │   └── BudgetError                    a cap was reached; what was paid for is kept
    └── ReplayError                        a replayed run asked for a reply that was not recorded
"""

from __future__ import annotations

__all__ = [
    "BudgetError",
    "CheckFailedError",
    "ConditionError",
    "ExpressionError",
    "InputError",
    "MissingExtraError",
    "ModelError",
    "ReplayError",
    "RuleError",
    "SchemaError",
    "TablewrightError",
]


class TablewrightError(Exception):
    """Base of all errors that are raised on purpose.

    Attributes
    ----------
    exit_code : int
        What the command line returns for it: 1 a failed check, 2 bad input, 3 a cap reached.
    retryable : bool
        Whether the same call may succeed when it is made again.
    """

    exit_code: int = 2
    retryable: bool = False


class InputError(TablewrightError, ValueError):
    """A file, a frame or an option is not usable."""


class SchemaError(InputError):
    """A schema does not fit the table, or cannot be read."""


class ExpressionError(InputError):
    """Text is not an expression of the condition language.

    Parameters
    ----------
    message : str
        One sentence: what is wrong and what is allowed instead.
    text : str, default=""
        The whole expression.
    position : int or None, default=None
        Offset of the offending place in `text`, in characters from 0.
    """

    def __init__(self, message: str, text: str = "", position: int | None = None) -> None:
        self.message, self.text, self.position = message, text, position
        super().__init__(message)

    def __str__(self) -> str:
        if self.position is None or not self.text:
            return self.message
        start = max(0, self.position - 40)
        excerpt = self.text[start : self.position + 40]
        shown = "".join(c if c.isprintable() else " " for c in excerpt)
        return f"{self.message}\n  {shown}\n  {' ' * (self.position - start)}^"


class ConditionError(InputError):
    """No row can meet what was asked."""


class RuleError(InputError):
    """A rules file, or one rule in it, does not hold together."""


class MissingExtraError(TablewrightError, ImportError):
    """An optional package is not installed.

    Parameters
    ----------
    feature : str
        What was asked for, as the subject of a sentence.
    extra : str
        Name of the extra that brings it.
    """

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs the extra [{extra}]: pip install 'tablewright[{extra}]'")


class CheckFailedError(TablewrightError):
    """A check that the user asked for (`--fail-on`) failed."""

    exit_code = 1


class ModelError(TablewrightError):
    """A language model or its endpoint failed."""


class BudgetError(ModelError):
    """A cap in money, tokens, calls or minutes was reached."""

    exit_code = 3


class ReplayError(TablewrightError):
    """A replayed run asked for a reply that was not recorded."""
