"""What the replies of one piece of work took, by role and stage, whatever model gave them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tablewright.errors import ModelError
from tablewright.llm.endpoint.base import LLM, Charge, Prompt, Reply, complete_all
from tablewright.llm.prompts.sharing import Sharing


@dataclass
class RoleUsage:
    """What the calls of one role in one stage took.

    Attributes
    ----------
    role, stage : str
    calls : int
        Prompts that were answered.
    failed : int
        Prompts that were not.
    attempts : int
        Calls that were made for them: unusable, cut and repeated ones too.
    prompt_tokens, completion_tokens : int
        Tokens read and written by all attempts, those of earlier sessions of the run too.
    cached_tokens : int
        Prompt tokens that the endpoint had read before, where it says so.
    counted : bool
        Whether the endpoint counted all tokens; else some are estimated.
    cost : float or None
        US dollars; None where a price is not known.
    """

    role: str
    stage: str
    calls: int = 0
    failed: int = 0
    attempts: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    counted: bool = True
    cost: float | None = 0.0

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.prompt_tokens + self.completion_tokens


@dataclass
class UsageByRole:
    """The lines of a piece of work, in the order in which they began.

    All attempts count, as in the run's ledger (`Client.spending`).

    Examples
    --------
    >>> from tablewright.llm.endpoint.scripted import Scripted
    >>> usage = UsageByRole()
    >>> model = Metered(Scripted(["blue"]), usage)
    >>> model.complete(Prompt.ask("Name a colour.", role="painter")).text
    'blue'
    >>> usage.calls, usage.lines[0].role
    (1, 'painter')
    """

    lines: list[RoleUsage] = field(default_factory=list)

    def line(self, role: str, stage: str) -> RoleUsage:
        """Return the line of a role in a stage; a new one where there is none."""
        for line in self.lines:
            if (line.role, line.stage) == (role, stage):
                return line
        self.lines.append(RoleUsage(role, stage))
        return self.lines[-1]

    def enter(self, prompt: Prompt, result: Reply | ModelError) -> None:
        """Put what came of a prompt into its line."""
        line = self.line(prompt.role, prompt.stage)
        answered = isinstance(result, Reply)
        line.calls += answered
        line.failed += not answered
        charge = _charge_of(result)
        line.attempts += charge.calls
        line.prompt_tokens += charge.usage.prompt_tokens
        line.completion_tokens += charge.usage.completion_tokens
        line.cached_tokens += charge.usage.cached_tokens
        line.counted = line.counted and (charge.usage.counted or not charge.usage.total)
        known = line.cost is not None and charge.cost is not None
        line.cost = (line.cost or 0.0) + (charge.cost or 0.0) if known else None

    @property
    def calls(self) -> int:
        """Prompts that were answered."""
        return sum(line.calls for line in self.lines)

    @property
    def attempts(self) -> int:
        """Calls that were made."""
        return sum(line.attempts for line in self.lines)

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return sum(line.tokens for line in self.lines)

    @property
    def counted(self) -> bool:
        """Whether the endpoints counted all tokens; else some are estimated."""
        return all(line.counted for line in self.lines)

    @property
    def cost(self) -> float | None:
        """US dollars; None where a price is not known."""
        costs = [line.cost for line in self.lines]
        return None if None in costs else sum(cost or 0.0 for cost in costs)


def _charge_of(result: Reply | ModelError) -> Charge:
    if isinstance(result.charge, Charge):
        return result.charge
    return Charge(1, result.usage, result.cost) if isinstance(result, Reply) else Charge()


@dataclass(frozen=True, slots=True)
class Activity:
    """What a client is doing.

    Attributes
    ----------
    in_flight : int
        Calls under way.
    tokens : int
        Tokens written so far, as far as replies are streamed.
    """

    in_flight: int = 0
    tokens: int = 0


@dataclass
class Speed:
    """How fast an endpoint was seen to work on one call, recent replies weighing more.

    Attributes
    ----------
    written, read : float or None
        Tokens a second of a reply, and of a prompt until the first token; None: not seen yet.

    Examples
    --------
    >>> from tablewright.llm.endpoint.base import Usage
    >>> speed = Speed()
    >>> speed.learn(Reply("...", usage=Usage(200, 100), latency=12.0, first_token=2.0))
    >>> speed.written, speed.read, speed.tokens_in(20)
    (10.0, 100.0, 200)
    """

    written: float | None = None
    read: float | None = None

    def learn(self, reply: Reply) -> None:
        """Learn from a reply; one from the ledger tells as much as it did then."""
        writing = reply.latency - reply.first_token
        if reply.usage.completion_tokens > 1 and writing > 0:
            self.written = _blend(self.written, reply.usage.completion_tokens / writing)
        fresh = reply.usage.prompt_tokens - reply.usage.cached_tokens
        if reply.first_token > 0 and fresh > 0:
            self.read = _blend(self.read, fresh / reply.first_token)

    def tokens_in(self, seconds: float) -> int | None:
        """Return how many tokens a reply has after so many seconds of writing; None: not known."""
        return None if self.written is None else max(1, int(self.written * seconds))


def _blend(before: float | None, now: float) -> float:
    return now if before is None else 0.7 * before + 0.3 * now


class Metered:
    """A model whose replies are counted.

    Parameters
    ----------
    llm : LLM
    usage : UsageByRole

    Attributes
    ----------
    sharing : Sharing
        What may leave the machine: the model's own choice; everything where it has none, since
        it is then an object in this process.
    """

    def __init__(self, llm: LLM, usage: UsageByRole) -> None:
        self.llm, self.usage = llm, usage
        own = getattr(llm, "sharing", None)
        self.sharing = own if isinstance(own, Sharing) else Sharing("rows")

    @property
    def dry_run(self) -> bool:
        """Whether no call is made, and replies are only what a usual one would look like."""
        return bool(getattr(getattr(self.llm, "settings", None), "dry_run", False))

    @property
    def has_temperature(self) -> bool:
        """Whether the model was connected with a temperature of its own."""
        settings = getattr(self.llm, "settings", None)
        return getattr(settings, "temperature", None) is not None

    @property
    def speed(self) -> Speed:
        """How fast the model was seen to work; nothing is known of one in this process."""
        own = getattr(self.llm, "speed", None)
        return own if isinstance(own, Speed) else Speed()

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
            self.usage.enter(prompt, error)
            raise
        self.usage.enter(prompt, reply)
        return reply

    def complete_all(self, prompts: Sequence[Prompt]) -> list[Any]:
        """Answer many prompts, in their order; see `tablewright.llm.complete_all`."""
        results = complete_all(self.llm, prompts)
        for prompt, result in zip(prompts, results, strict=True):
            self.usage.enter(prompt, result)
        return results
