"""Every error that tablewright raises on purpose.

Each is one sentence that names the place and the remedy, and each is also the
built-in kind of error that a caller would expect::

    TablewrightError
    ├── InputError (ValueError)            a file, a frame or an option is not usable
    │   ├── ArgumentError (TypeError)      a call names an argument that does not exist
    │   ├── SchemaError                    a schema or metadata file does not fit the table
    │   ├── ExpressionError                text is not an expression we allow; shows the place
    │   ├── ConditionError                 no row can meet what was asked; names the part
    │   └── RuleError                      a rules file or a rule does not hold together
    ├── MissingExtraError (ImportError)    an optional package is not installed
    ├── EngineError                    workers of --engine were lost, or no cluster answers
    ├── CheckFailedError                   a check that the user asked for failed
    ├── ModelError                         a language model or its endpoint failed
    │   ├── BudgetError                    a cap was reached; what was paid for is kept
    │   ├── InterruptedRunError            Ctrl-C; what was answered until then is kept
    │   ├── RateLimitError                 the endpoint asks to be called less often
    │   ├── ContextLengthError             the prompt is longer than the model can read
    │   ├── SlowReplyError                 no usable reply within the time limits; ask for less
    │   ├── ReplyFormatError               the server rejects the form that was asked for
    │   └── InvalidReplyError              the reply is empty, a refusal, or not usable
    └── ReplayError                        a replayed run asked for a reply that was not recorded
"""

from __future__ import annotations

import re
from importlib.metadata import requires
from typing import Any


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


class ArgumentError(InputError, TypeError):
    """A call names an argument that does not exist, or has one in the place of another."""


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
    """A rules file, or one rule in it, does not hold together.

    Parameters
    ----------
    message : str
    rule : str, default=""
        Name of the rule that some rows could not be brought to keep.
    """

    def __init__(self, message: str, rule: str = "") -> None:
        super().__init__(message)
        self.rule = rule


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
        packages = " ".join(f"'{package}'" for package in _packages_of(extra))
        install = f": pip install {packages}" if packages else ""
        super().__init__(f"{feature} needs the extra [{extra}]{install}")


def _packages_of(extra: str) -> list[str]:
    """Return what an extra brings, by name: that can be installed wherever we came from."""
    found = []
    for requirement in requires("tablewright") or ():
        package, _, marker = requirement.partition(";")
        if re.search(rf"extra == ['\"]{re.escape(extra)}['\"]", marker):
            found.append(package.strip())
    return found


class EngineError(TablewrightError):
    """Workers were lost again and again, or no cluster answers; parts that are done stand."""


class MissingPackageError(TablewrightError, ImportError):
    """A package of others that a method stands for is not installed.

    Parameters
    ----------
    feature : str
        What was asked for, as the subject of a sentence.
    package : str
    """

    def __init__(self, feature: str, package: str) -> None:
        super().__init__(
            f"{feature} needs the package {package}, which is no part of this one: "
            f"pip install {package}"
        )


class CheckFailedError(TablewrightError):
    """A check that the user asked for (`--fail-on`) failed."""

    exit_code = 1


class ModelError(TablewrightError):
    """A language model or its endpoint failed.

    Parameters
    ----------
    message : str
        One sentence: what happened and the remedy.
    retryable : bool or None, default=None
        Whether the same call may succeed later; None takes what the class says.
    retry_after : float or None, default=None
        Seconds that the endpoint asked to wait.

    Attributes
    ----------
    fatal : bool
        Whether every other call to the endpoint would fail in the same way.
    billed : bool
        Whether the call may have been paid for although no reply came.
    ask_smaller : bool
        Whether a request for less may succeed: fewer rows, fewer examples, shorter texts.
    charge : Charge or None
        What the attempts at the request took; None where none reached the endpoint.
    """

    fatal: bool = False
    billed: bool = False
    ask_smaller: bool = False
    charge: Any = None

    def __init__(
        self, message: str, *, retryable: bool | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        if retryable is not None:
            self.retryable = retryable


class BudgetError(ModelError):
    """A cap in money, tokens, calls or minutes was reached."""

    exit_code = 3
    fatal = True


class InterruptedRunError(ModelError):
    """Ctrl-C ended a run; what was answered until then is kept."""

    exit_code = 130
    fatal = True

    def __init__(self, message: str = "") -> None:
        super().__init__(message or "interrupted; what was answered is kept: go on with the "
                         "same --run")  # fmt: skip


class RateLimitError(ModelError):
    """The endpoint asks to be called less often."""

    retryable = True


class ContextLengthError(ModelError):
    """The prompt is longer than the model can read."""

    ask_smaller = True


class SlowReplyError(ModelError):
    """No usable reply came within the time limits; a request for less may get one."""

    retryable = True
    billed = True
    ask_smaller = True


class ReplyFormatError(ModelError):
    """The server rejects the form of reply that was asked for."""


class InvalidReplyError(ModelError):
    """A reply is empty, a refusal, or not what was asked for."""

    retryable = True


class ReplayError(TablewrightError):
    """A replayed run asked for a reply that was not recorded."""
