"""What a validation split says of a template and a texture, each apart from the other."""

from __future__ import annotations

from dataclasses import asdict, dataclass

__all__ = ["Readings"]


@dataclass(frozen=True)
class Readings:
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
