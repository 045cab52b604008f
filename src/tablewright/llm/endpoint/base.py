"""What a language model is to this library: anything that turns a prompt into a reply."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, Self, runtime_checkable

from tablewright.errors import ModelError

Step = Literal["schema", "json", "text"]
"""How strictly the server is asked to hold the reply to a form, strongest first."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation.

    Attributes
    ----------
    role : {"system", "user", "assistant"}
        Who speaks.
    content : str
        What is said.
    """

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Prompt:
    """One request to a model.

    Parameters
    ----------
    messages : tuple of Message
        The conversation so far.
    seed : int, default=0
        Two prompts that differ in the seed alone are two requests, never one cached reply.
    temperature, top_p : float or None, default=None
        Sampling parameters; None leaves the provider's own.
    max_tokens : int or None, default=None
        Longest reply, in tokens.
    schema : mapping or None, default=None
        JSON Schema of the reply, for servers that can hold a model to one.
    step : {"schema", "json", "text"}, default="schema"
        How strictly `schema` is asked for.
    completion : str, default=""
        The same request as one text to go on with; an endpoint that completes plain text is
        sent it in place of the messages.
    stop : str, default=""
        Text that ends such a completion.
    grammar : str, default=""
        Grammar of such a completion (llama.cpp's GBNF); servers that know none leave it.
    stage, role : str, default=""
        What the call is for, in the ledger and in the usage by role.
    top_logprobs : int, default=0
        How many of the likeliest tokens each position of the reply is to name with their
        log-probabilities; 0 asks for none.
    attempt : int, default=0
        Which time the same request is made, after replies that could not be used.
    accept : callable or None, default=None
        Says in a few words why a text cannot be used, or None where it can.
    expected : str, default=""
        A reply of the usual form and length; estimates count it and dry runs return it.
    sent : mapping, default={}
        Number of the user's cells in the messages, by column.

    Examples
    --------
    >>> prompt = Prompt.ask("Name a colour.", system="Be brief.", seed=7)
    >>> [message.role for message in prompt.messages], prompt.seed
    (['system', 'user'], 7)
    """

    messages: tuple[Message, ...]
    seed: int = 0
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    schema: Mapping[str, Any] | None = field(default=None, hash=False)
    step: Step = "schema"
    completion: str = ""
    stop: str = ""
    grammar: str = ""
    stage: str = ""
    role: str = ""
    top_logprobs: int = 0
    attempt: int = 0
    accept: Callable[[str], str | None] | None = field(default=None, compare=False, repr=False)
    expected: str = field(default="", compare=False, repr=False)
    sent: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def ask(cls, text: str, system: str = "", **fields: Any) -> Self:
        """Make a prompt of one question, with the other fields by name."""
        head = (Message("system", system),) if system else ()
        return cls(messages=(*head, Message("user", text)), **fields)

    @property
    def text(self) -> str:
        """All messages, joined by blank lines."""
        return "\n\n".join(message.content for message in self.messages)

    def but(self, **fields: Any) -> Self:
        """Return a copy with some fields changed."""
        return replace(self, **fields)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or several calls.

    Attributes
    ----------
    prompt_tokens, completion_tokens : int
        Tokens read and written.
    counted : bool
        True where the endpoint counted them; False where they are estimated.
    cached_tokens : int
        Prompt tokens that the endpoint had read before, where it says so.
    worst_case : bool
        Whether they are the most that calls without an answer may have used.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    counted: bool = True
    cached_tokens: int = 0
    worst_case: bool = False

    @property
    def total(self) -> int:
        """Tokens read and written together."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.counted and other.counted,
            self.cached_tokens + other.cached_tokens,
            self.worst_case or other.worst_case,
        )


@dataclass(frozen=True, slots=True)
class Charge:
    """What one request took in all its attempts, those without a usable reply too.

    Attributes
    ----------
    calls : int
        Attempts that reached the endpoint.
    usage : Usage
        Their tokens.
    cost : float or None
        US dollars; None where no price is known.
    """

    calls: int = 0
    usage: Usage = Usage()
    cost: float | None = 0.0

    def __add__(self, other: Charge) -> Charge:
        known = self.cost is not None and other.cost is not None
        cost = (self.cost or 0.0) + (other.cost or 0.0) if known else None
        return Charge(self.calls + other.calls, self.usage + other.usage, cost)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Attributes
    ----------
    text : str
        Written by a stranger: never evaluated, formatted as a template or shown unescaped.
    finish : {"stop", "length", "cut", "refusal"}
        Why the text ends: the model stopped, `max_tokens` was reached, the endpoint fell silent
        or the connection broke in mid-reply, or the model refused.
    model : str
        What the endpoint calls the model that answered.
    usage : Usage
        Tokens.
    cost : float or None
        US dollars; 0 for a reply that was paid for before, None where no price is known.
    latency : float
        Seconds from the request to the reply.
    cached : bool
        Whether the reply comes from the ledger.
    logprobs : tuple of mapping
        For each token of the reply the likeliest tokens with their log-probabilities; empty
        where they were not asked for, or the endpoint has none.
    first_token : float
        Seconds from the request to the first piece of the reply; 0 where it came in one piece.
    charge : Charge or None
        What all attempts at the request took; None where the reply's own usage is all.
    """

    text: str
    finish: Literal["stop", "length", "cut", "refusal"] = "stop"
    model: str = ""
    usage: Usage = Usage()
    cost: float | None = 0.0
    latency: float = 0.0
    cached: bool = False
    logprobs: tuple[Mapping[str, float], ...] = ()
    first_token: float = 0.0
    charge: Charge | None = None


@runtime_checkable
class LLM(Protocol):
    """A language model, as systems see it.

    Anything with this one method will do. What `connect` returns also takes many prompts
    at once (`complete_all`).
    """

    def complete(self, prompt: Prompt) -> Reply:
        """Answer one prompt.

        Raises
        ------
        ModelError
            If no reply can be had.
        """


@runtime_checkable
class AsyncLLM(Protocol):
    """The same inside an event loop: endpoints, and every layer around them."""

    async def acomplete(self, prompt: Prompt) -> Reply:
        """Answer one prompt."""


def complete_all(llm: LLM, prompts: Sequence[Prompt]) -> list[Any]:
    """Answer many prompts, in their order, at once where `llm` can.

    Returns
    -------
    list of Reply or ModelError
        One for each prompt. After an error that any other call would meet too, the rest
        holds the same error.

    Examples
    --------
    >>> from tablewright.llm.endpoint.scripted import Scripted
    >>> [reply.text for reply in complete_all(Scripted(["a", "b"]), [Prompt.ask("?")] * 2)]
    ['a', 'b']
    """
    many = getattr(llm, "complete_all", None)
    return list(many(prompts)) if many else _one_by_one(llm, prompts)


def _one_by_one(llm: LLM, prompts: Sequence[Prompt]) -> list[Any]:
    results: list[Any] = []
    for prompt in prompts:
        try:
            results.append(llm.complete(prompt))
        except ModelError as error:
            results.append(error)
            if error.fatal:
                return results + [error] * (len(prompts) - len(results))
    return results
