"""What the replies of one piece of work took, by role and stage, whatever model gave them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tablewright.errors import ModelError
from tablewright.llm.endpoint.base import LLM, Prompt, Reply, complete_all
from tablewright.llm.prompts.sharing import Sharing

__all__ = ["Bill", "BillLine", "Metered"]


@dataclass
class BillLine:
    """What the calls of one role in one stage took.

    Attributes
    ----------
    role, stage : str
    calls : int
        Prompts that were answered.
    failed : int
        Prompts that were not.
    prompt_tokens, completion_tokens : int
        Tokens read and written; those of replies found in a ledger count too.
    cost : float or None
        US dollars; 0 for replies that were paid for before, None where a price is not known.
    """

    role: str
    stage: str
    calls: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = 0.0

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.prompt_tokens + self.completion_tokens


@dataclass
class Bill:
    """The lines of a piece of work, in the order in which they began.

    Attempts that a client made again, after a reply it could not use, stand in the run's
    ledger (`Client.spending`), not here.

    Examples
    --------
    >>> from tablewright.llm.endpoint.scripted import Scripted
    >>> bill = Bill()
    >>> model = Metered(Scripted(["blue"]), bill)
    >>> model.complete(Prompt.ask("Name a colour.", role="painter")).text
    'blue'
    >>> bill.calls, bill.lines[0].role
    (1, 'painter')
    """

    lines: list[BillLine] = field(default_factory=list)

    def line(self, role: str, stage: str) -> BillLine:
        """Return the line of a role in a stage; a new one where there is none."""
        for line in self.lines:
            if (line.role, line.stage) == (role, stage):
                return line
        self.lines.append(BillLine(role, stage))
        return self.lines[-1]

    def enter(self, prompt: Prompt, result: Reply | ModelError) -> None:
        """Put what came of a prompt on the bill."""
        line = self.line(prompt.role, prompt.stage)
        if not isinstance(result, Reply):
            line.failed += 1
            return
        line.calls += 1
        line.prompt_tokens += result.usage.prompt_tokens
        line.completion_tokens += result.usage.completion_tokens
        known = line.cost is not None and result.cost is not None
        line.cost = (line.cost or 0.0) + (result.cost or 0.0) if known else None

    @property
    def calls(self) -> int:
        """Prompts that were answered."""
        return sum(line.calls for line in self.lines)

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return sum(line.tokens for line in self.lines)

    @property
    def cost(self) -> float | None:
        """US dollars; None where a price is not known."""
        costs = [line.cost for line in self.lines]
        return None if None in costs else sum(cost or 0.0 for cost in costs)


class Metered:
    """A model whose replies are put on a bill.

    Parameters
    ----------
    llm : LLM
    bill : Bill

    Attributes
    ----------
    sharing : Sharing
        What may leave the machine: the model's own choice; everything where it has none, since
        it is then an object in this process.
    """

    def __init__(self, llm: LLM, bill: Bill) -> None:
        self.llm, self.bill = llm, bill
        own = getattr(llm, "sharing", None)
        self.sharing = own if isinstance(own, Sharing) else Sharing("rows")

    @property
    def dry_run(self) -> bool:
        """Whether no call is made, and replies are only what a usual one would look like."""
        return bool(getattr(getattr(self.llm, "settings", None), "dry_run", False))

    def complete(self, prompt: Prompt) -> Reply:
        """Answer one prompt.

        Raises
        ------
        ModelError
            If no reply can be had.
        """
        try:
            reply = self.llm.complete(prompt)
        except ModelError as error:
            self.bill.enter(prompt, error)
            raise
        self.bill.enter(prompt, reply)
        return reply

    def complete_all(self, prompts: Sequence[Prompt]) -> list[Any]:
        """Answer many prompts, in their order; see `tablewright.llm.complete_all`."""
        results = complete_all(self.llm, prompts)
        for prompt, result in zip(prompts, results, strict=True):
            self.bill.enter(prompt, result)
        return results
