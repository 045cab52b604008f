"""The loop of H-TDBU: diagnose on validation rows, decide what is to blame, try changes.

References
----------
H-TDBU (arXiv:2605.28198) has the two arrows, "retrain" and "adjust"; the algorithm, its
thresholds and the references that tell the two apart are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from tablewright.systems.common.loop import Proposal, Step, Trace, improve
from tablewright.systems.htdbu.candidates import Candidate, Config

ROUNDS = 4
MIN_FALL = 0.005
"""Smallest fall of the loss for which a texture is changed."""

VIOLATED = 0.001
ACCEPTED = 0.7
"""Sound textures keep rules as drawn 0.8 times as often as real rows, or more."""
MISRULED = 0.02
MISRULED_NOISE = 1.5
"""In distances between training and validation rows: three standard errors of shares among the
training rows, which are three times as many and so half as noisy."""

MISALIGNED, MISALIGNED_NOISE = 0.01, 3.0
USELESS, USELESS_ERRORS = 0.02, 2.0
DETECTED = 0.65
"""Of simulated tables sound textures were told apart with AUC 0.51 to 0.57, weak ones from 0.64."""


class Action(StrEnum):
    """What to do next."""

    ADJUST = "adjust"
    RETRAIN = "retrain"
    STOP = "stop"


@dataclass(frozen=True)
class Decision:
    """What to do, and the value that asks for it."""

    action: Action
    because: str


def decide(diagnostics: Diagnostics, excluded: Collection[Action] = ()) -> Decision:
    """Decide what to change.

    Few rows that keep the rules as drawn are the texture's fault where real rows keep them.

    Parameters
    ----------
    diagnostics : Diagnostics
    excluded : collection of Action, default=()
        What was tried to no avail.

    Examples
    --------
    >>> decide(Diagnostics(x_rule=0.3)).because
    'the rules contradict the data: 30.0 % of it would have to change'
    >>> decide(Diagnostics(c=0.9)).action.value, decide(Diagnostics()).action.value
    ('retrain', 'stop')
    """
    for decision in _reasons(diagnostics):
        if decision.action not in excluded:
            return decision
    return Decision(Action.STOP, "no value is beyond its threshold")


def _reasons(r: Diagnostics) -> Iterator[Decision]:
    """Yield what the values beyond their thresholds ask for, the rules' first."""
    if r.problem:
        yield Decision(Action.ADJUST, f"no rows can be written: {r.problem}")
    elif r.v > VIOLATED:
        yield Decision(Action.ADJUST, f"{r.v:.2%} of the rows break a hard rule")
    if r.broken > MISRULED or r.x_rule > max(MISRULED, MISRULED_NOISE * r.x_floor):
        change = f"{100 * r.misruled:.1f} % of it would have to change"
        yield Decision(Action.ADJUST, f"the rules contradict the data: {change}")
    if r.a < ACCEPTED * r.a_real:
        because = (
            f"{r.a:.0%} of the rows drawn keep the rules, where {r.a_real:.0%} of real ones do"
        )
        yield Decision(Action.RETRAIN, because)
    if r.x_syn > max(MISALIGNED, MISALIGNED_NOISE * r.x_floor):
        because = f"the rows are {r.x_syn:.3f} from the shares that the skeleton asks for"
        yield Decision(Action.RETRAIN, because)
    if r.u_real - r.u_syn > max(USELESS, USELESS_ERRORS * r.u_error):
        because = f"a model learns {r.u_syn:.3f} from the rows and {r.u_real:.3f} from real ones"
        yield Decision(Action.RETRAIN, because)
    if r.c > DETECTED:
        yield Decision(Action.RETRAIN, f"the rows are told from real ones with AUC {r.c:.2f}")


@dataclass(frozen=True)
class Diagnostics:
    """Values that tell a fault of the rules from a fault of the texture.

    Attributes
    ----------
    x_floor : float
        Distance (total variation) of the skeleton's joint shares between training and validation
        rows: noise.
    x_rule : float
        Distance of the shares wanted from the real ones, by rules that are no declared
        intervention.
    broken : float
        Share of validation rows that break a hard rule that is no declared intervention.
    x_syn : float
        Distance of the written rows from the shares wanted.
    u_real, u_syn : float
        AUROC (R² of a number) on validation rows of a model that learned real, and written rows.
    u_error : float
        Standard error of their difference.
    v : float
        Share of written rows that break a hard rule; 1 where none could be written.
    c : float
        AUC of telling written from validation rows.
    a : float
        Share of rows that kept the hard rules as they were drawn.
    a_real : float
        Share of validation rows that keep them.
    problem : str
        Why no rows could be written; empty where they could.
    """

    x_floor: float = 0.0
    x_rule: float = 0.0
    broken: float = 0.0
    x_syn: float = 0.0
    u_real: float = 0.5
    u_syn: float = 0.5
    u_error: float = 0.0
    v: float = 0.0
    c: float = 0.5
    a: float = 1.0
    a_real: float = 1.0
    problem: str = ""

    @property
    def score(self) -> float:
        """What written rows lack, 0 being best: use, alignment, rules, likeness."""
        use = max(self.u_real - self.u_syn, 0.0)
        return use + 0.5 * self.x_syn + self.v + 0.2 * max(self.c - 0.5, 0.0)

    @property
    def misruled(self) -> float:
        """What undeclared rules want changed: no table that keeps them is nearer to it."""
        return max(self.x_rule, self.broken)

    @property
    def loss(self) -> float:
        """The score and what undeclared rules get wrong: what the loop makes smaller."""
        return self.score + self.misruled

    def to_dict(self) -> dict[str, float | str]:
        """Return the values with score and loss, as JSON has them."""
        return {**asdict(self), "score": self.score, "loss": self.loss}


@dataclass(frozen=True)
class TuningTrace:
    """What the loop diagnosed, tried and ended with.

    Attributes
    ----------
    start, end : Config
    first, last : Diagnostics
    decisions : list of Decision
        What was decided in each round, the reason to stop among them.
    steps : list of Step
        What was tried, and whether it was kept; otherwise it was undone.
    """

    start: Config
    end: Config
    first: Diagnostics
    last: Diagnostics
    decisions: list[Decision] = field(default_factory=list)
    steps: list[Step[Config, Diagnostics]] = field(default_factory=list)

    @property
    def blamed(self) -> frozenset[str]:
        """What the values blamed: ``"model"``, ``"rules"``, both, or nothing."""
        named = {Action.ADJUST: "rules", Action.RETRAIN: "model"}
        return frozenset(named[d.action] for d in self.decisions if d.action in named)

    def __str__(self) -> str:
        lines = [_sentence(step) for step in self.steps]
        ending = self.decisions[-1] if self.decisions else None
        if ending is not None and ending.action is Action.STOP:
            lines.append(f"stopped: {ending.because}")
        elif ending is not None and self.steps and self.steps[-1].accepted:
            lines.append(f"stopped after {len(self.steps)} steps, although {ending.because}")
        elif ending is not None:
            lines.append(f"stopped: nothing that was tried helped, although {ending.because}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the trace as JSON has it."""
        return {
            "blamed": sorted(self.blamed),
            "first": self.first.to_dict(),
            "last": self.last.to_dict(),
            "decisions": [[d.action.value, d.because] for d in self.decisions],
            "steps": [
                {
                    "action": str(step.proposal.kind),
                    "because": step.proposal.because,
                    "what": step.proposal.what,
                    "before": step.before.to_dict(),
                    "after": step.after.to_dict(),
                    "kept": step.accepted,
                }
                for step in self.steps
            ],
            "text": str(self).splitlines(),
        }


def _sentence(step: Step[Config, Diagnostics]) -> str:
    part = "the rules" if step.proposal.kind == Action.ADJUST else "the model"
    verb = "changed" if step.accepted else "tried to change"
    fall = f"loss {step.before.loss:.4f} -> {step.after.loss:.4f}"
    undone = "" if step.accepted else ", undone"
    return f"{verb} {part} because {step.proposal.because}: {step.proposal.what} ({fall}{undone})"


def tune(
    start: Config,
    measure: Callable[[Config], Diagnostics],
    textures: Callable[[Config], Iterable[Candidate]],
    rules: Callable[[Config], Iterable[Candidate]],
    *,
    rounds: int = ROUNDS,
) -> TuningTrace:
    """Change texture or rules until no value is beyond its threshold or nothing helps.

    Parameters
    ----------
    start : Config
    measure : callable
        From a config to diagnostics on validation rows, with the same random state in every call.
    textures, rules : callable
        From a config to the changes that can be tried, in order.
    rounds : int, default=4
        Changes kept at most.

    Returns
    -------
    TuningTrace
        Its last loss is never above the first.
    """
    decisions: list[Decision] = []

    def propose(trace: Trace[Config, Diagnostics]) -> Iterator[Proposal[Config]]:
        excluded: set[Action] = set()
        while (decision := decide(trace.measurement, excluded)).action is not Action.STOP:
            decisions.append(decision)
            offer = rules if decision.action is Action.ADJUST else textures
            for candidate in offer(trace.state):
                yield Proposal(candidate.what, candidate.config, decision.because, decision.action)
            excluded.add(decision.action)
        if not excluded:
            decisions.append(decision)

    trace = improve(start, propose, measure, _helps, max_changes=rounds)
    if trace.ended == "changes":
        decisions.append(decide(trace.measurement))
    return TuningTrace(start, trace.state, trace.first, trace.measurement, decisions, trace.steps)


def _helps(proposal: Proposal[Config], before: Diagnostics, after: Diagnostics) -> bool:
    """Keep rules that break less at a lower loss, and textures that lower the loss enough."""
    if proposal.kind == Action.ADJUST:
        return after.loss < before.loss and after.v + after.misruled < before.v + before.misruled
    return after.loss <= before.loss - MIN_FALL and after.misruled <= before.misruled
