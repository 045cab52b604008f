"""A loop of improvement: start, propose, measure, accept, trace."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

S = TypeVar("S")
M = TypeVar("M")


@dataclass(frozen=True)
class Proposal(Generic[S]):
    """A state to try.

    Attributes
    ----------
    what : str
        The change in words; one that was rejected is not tried again on the same state.
    state
    because : str
        What asked for it.
    kind : str
        Of the change, where `accept` tells several apart.
    """

    what: str
    state: S
    because: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Step(Generic[S, M]):
    """A proposal that was measured, and whether it was accepted."""

    proposal: Proposal[S]
    before: M
    after: M
    accepted: bool


@dataclass
class Trace(Generic[S, M]):
    """What a loop tried, and where it stands.

    Attributes
    ----------
    start, state
        Where it began, and the state that was accepted last.
    first, measurement
        Of these two.
    steps : list of Step
        What was measured, in order.
    ended : {"", "changes", "measurements", "patience", "proposals"}
        What ended it: one of its limits, or that nothing more was proposed.
    """

    start: S
    state: S
    first: M
    measurement: M
    steps: list[Step[S, M]] = field(default_factory=list)
    ended: str = ""

    @property
    def archive(self) -> list[tuple[S, M]]:
        """All states that were measured, with what was measured of them."""
        tried = [(step.proposal.state, step.after) for step in self.steps]
        return [(self.start, self.first), *tried]

    @property
    def n_changes(self) -> int:
        """Proposals that were accepted."""
        return sum(step.accepted for step in self.steps)


def improve(
    start: S,
    propose: Callable[[Trace[S, M]], Iterable[Proposal[S]]],
    measure: Callable[[S], M],
    accept: Callable[[Proposal[S], M, M], bool],
    *,
    max_changes: int | None = None,
    max_measurements: int | None = None,
    patience: int | None = None,
) -> Trace[S, M]:
    """Change a state as long as changes are accepted.

    Parameters
    ----------
    start
        Any state: a setting, a prompt, a selection.
    propose : callable
        From the trace so far to proposals, the first to try first; taken one by one, so that a
        generator does no work that is not needed. It is asked anew after each acceptance.
    measure : callable
        From a state to a measurement, with the same random state in every call.
    accept : callable
        Of a proposal and the measurements before and after, whether it is kept.
    max_changes, max_measurements : int or None, default=None
        Budget: proposals accepted, and proposals measured.
    patience : int or None, default=None
        Rejected proposals in a row after which the loop stops early.

    Returns
    -------
    Trace

    Examples
    --------
    >>> trace = improve(
    ...     5,
    ...     lambda trace: [Proposal(f"to {n}", n) for n in (trace.state + 1, trace.state - 1)],
    ...     lambda n: abs(n - 2),
    ...     lambda proposal, before, after: after < before,
    ... )
    >>> trace.state, [step.proposal.what for step in trace.steps if step.accepted], trace.ended
    (2, ['to 4', 'to 3', 'to 2'], 'proposals')
    """
    measured = measure(start)
    trace = Trace(start, start, measured, measured)

    def spent() -> str:
        """Return the limit that is reached; "" where none is."""
        if max_changes is not None and trace.n_changes >= max_changes:
            return "changes"
        if max_measurements is not None and len(trace.steps) >= max_measurements:
            return "measurements"
        recent = trace.steps[-patience:] if patience else []
        if patience and len(recent) == patience and not any(step.accepted for step in recent):
            return "patience"
        return ""

    while not (ended := spent()):
        rejected: set[str] = set()
        for proposal in propose(trace):
            if proposal.what in rejected:
                continue
            after = measure(proposal.state)
            accepted = accept(proposal, trace.measurement, after)
            trace.steps.append(Step(proposal, trace.measurement, after, accepted))
            if accepted:
                trace.state, trace.measurement = proposal.state, after
                break
            rejected.add(proposal.what)
            if ended := spent():
                break
        else:
            ended = "proposals"
        if ended:
            break
    trace.ended = ended
    return trace
