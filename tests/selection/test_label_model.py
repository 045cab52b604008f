"""What a model knows is a prior: real rows sharpen it, and overrule it where it is wrong."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from tablewright.errors import BudgetError, InputError, ModelError
from tablewright.llm import Prompt, Reply
from tablewright.llm.endpoint.scripted import Scripted
from tablewright.llm.prompts.sharing import Sharing
from tablewright.schema import Schema
from tablewright.selection.label_model import LabelModel, Labels
from tablewright.selection.model_prior import Evidence, class_posterior, likeness

SCHEMA = Schema.build({"age": "integer", "city": "categorical", "ill": "categorical"}, target="ill")


def people(n_rows: int, seed: int = 0, target: str = "ill") -> pl.DataFrame:
    """Old people are ill more often; in Ulm more than in Bonn. A model can know the first only."""
    rng = np.random.default_rng(seed)
    age, ulm = rng.integers(20, 80, n_rows), rng.random(n_rows) < 0.5
    latent = (age - 50) / 10 + np.where(ulm, 1.0, -1.0)
    ill = rng.random(n_rows) < 1 / (1 + np.exp(-latent))
    frame = pl.DataFrame({"age": age, "city": np.where(ulm, "Ulm", "Bonn"), "ill": ill})
    return frame.with_columns(
        pl.when("ill").then(pl.lit("yes")).otherwise(pl.lit("no")).alias(target)
    )


class Doctor:
    """Answers by the age in the prompt, rightly or the other way round."""

    def __init__(self, slope: float = 1.0, sharing: Sharing | None = None) -> None:
        self.slope, self.sharing = slope, sharing or Sharing("rows")
        self.prompts: list[Prompt] = []

    def complete(self, prompt: Prompt) -> Reply:
        self.prompts.append(prompt)
        age = float(prompt.text.split("age: ")[1].split()[0])
        p = 1 / (1 + math.exp(-self.slope * (age - 50) / 10))
        return Reply("-", logprobs=({"Yes": math.log(p), "No": math.log(1 - p)},))


def auroc(labels: Labels, rows: pl.DataFrame) -> float:
    return float(roc_auc_score((rows["ill"] == "yes").to_numpy(), labels.probabilities[:, 1]))


def fitted(n_real: int, slope: float | None, seed: int = 1) -> Labels:
    llm = None if slope is None else Doctor(slope)
    train = people(200, seed).head(n_real)
    schema = SCHEMA if n_real else _with_classes()
    return LabelModel(schema, "ill", llm).fit(train).predict(people(300, 99))


def _with_classes() -> Schema:
    ill = {"kind": "categorical", "categories": ["no", "yes"]}
    return Schema.build({"age": "integer", "city": "categorical", "ill": ill}, target="ill")


def test_without_real_rows_the_model_decides_alone() -> None:
    labels = fitted(0, 1.0)
    assert labels.weight == pytest.approx(1.0)
    assert auroc(labels, people(300, 99)) > 0.75


def test_the_model_helps_most_where_rows_are_fewest_and_does_no_harm_later() -> None:
    truth = people(300, 99)
    gains = [
        np.mean([auroc(fitted(n, 1.0, s), truth) - auroc(fitted(n, None, s), truth)
                 for s in range(1, 5)])
        for n in (10, 80)
    ]  # fmt: skip
    assert gains[0] > 0.02
    assert gains[1] > -0.01
    assert gains[0] > gains[1]


def test_the_weight_of_a_model_that_contradicts_the_rows_goes_to_none() -> None:
    weights = [fitted(n, -1.0).weight for n in (0, 20, 150)]
    assert weights[0] == pytest.approx(1.0)
    assert weights[0] > weights[1] > weights[2]
    assert weights[2] < 0.02
    alone, misled = (auroc(fitted(150, slope), people(300, 99)) for slope in (None, -1.0))
    assert misled > alone - 0.01


def test_without_a_model_its_weight_is_none() -> None:
    assert fitted(30, None).weight == 0.0


def test_drawn_labels_have_the_shares_of_their_probabilities() -> None:
    labels = fitted(60, 1.0)
    drawn = np.array([labels.draw(np.random.default_rng(seed)) == "yes" for seed in range(400)])
    error = 4 * np.sqrt(0.25 / 400)
    assert np.abs(drawn.mean(axis=0) - labels.probabilities[:, 1]).max() < error


def test_several_classes_are_told_apart() -> None:
    schema = Schema.build({"age": "integer", "group": "categorical"}, target="group")
    ages = np.arange(20, 80)
    names = np.array(["young", "middle", "old"])[np.digitize(ages, [40, 60])]
    train = pl.DataFrame({"age": ages, "group": names})
    labels = LabelModel(schema, "group").fit(train).predict(pl.DataFrame({"age": [25, 50, 75]}))
    assert labels.classes == ["middle", "old", "young"]
    assert [labels.classes[j] for j in labels.probabilities.argmax(axis=1)] == [
        "young", "middle", "old",
    ]  # fmt: skip
    assert labels.probabilities.sum(axis=1) == pytest.approx(1.0)


class Judge:
    """Knows that numbers rise with age."""

    def complete(self, prompt: Prompt) -> Reply:
        level = (float(prompt.text.split("age: ")[1].split()[0]) - 20) / 60 * 4
        weights = np.exp(-((np.arange(5) - level) ** 2))
        shares = weights / weights.sum()
        return Reply("-", logprobs=(dict(zip("ABCDE", np.log(shares).tolist(), strict=True)),))


def test_numbers_are_believed_by_levels_and_stay_in_the_range_of_the_real_ones() -> None:
    schema = Schema.build({"age": "integer", "cost": "continuous"}, target="cost")
    rng = np.random.default_rng(3)
    age = rng.integers(20, 80, 120)
    rows = pl.DataFrame({"age": age, "cost": np.exp(age / 20) + rng.normal(0, 2, 120)})
    asked, truth = rows[60:].select("age"), rows["cost"][60:].to_numpy()
    for n_real in (0, 8, 60):
        labels = LabelModel(schema, "cost", Judge()).fit(rows.head(n_real)).predict(asked)
        assert spearmanr(labels.expected(), truth).statistic > 0.9
    assert labels.draw(rng).min() >= rows["cost"][:60].min()
    assert labels.draw(rng).max() <= rows["cost"][:60].max()
    assert np.abs(labels.expected() - truth).mean() < 0.3 * truth.std()


def test_the_fixed_part_of_the_prompts_stands_first_and_cells_are_counted() -> None:
    doctor = Doctor()
    LabelModel(_with_classes(), "ill", doctor, "Patients.").fit().predict(people(5))
    systems = {prompt.messages[0].content for prompt in doctor.prompts}
    assert len(systems) == 1
    assert "Patients." in systems.pop()
    assert doctor.prompts[0].sent == {"age": 1, "city": 1, "ill": 2}
    assert "ill: " not in doctor.prompts[0].messages[1].content


def test_classes_of_a_redacted_target_leave_with_no_prompt() -> None:
    doctor = Doctor(sharing=Sharing("rows", redact=("ill",)))
    with pytest.raises(InputError, match="words of your own that name none"):
        LabelModel(_with_classes(), "ill", doctor).fit(people(5))
    assert doctor.prompts == []
    LabelModel(_with_classes(), "ill", doctor, question="Is this person sick?").fit(people(5))
    assert not any("rather than" in prompt.text for prompt in doctor.prompts)


def test_rows_that_may_not_leave_are_not_asked_about() -> None:
    doctor = Doctor(sharing=Sharing("summary"))
    with pytest.raises(InputError, match="say --share rows"):
        LabelModel(SCHEMA, "ill", doctor).fit(people(5))
    assert doctor.prompts == []


def test_a_redacted_column_is_not_shown() -> None:
    doctor = Doctor(sharing=Sharing("rows", redact=("city",)))
    LabelModel(_with_classes(), "ill", doctor).fit().predict(people(3))
    assert not any("Ulm" in p.text or "Bonn" in p.text for p in doctor.prompts)


def test_a_row_without_an_answer_is_judged_by_the_real_rows() -> None:
    class Moody(Doctor):
        def complete(self, prompt: Prompt) -> Reply:
            if len(self.prompts) % 3 == 2:
                self.prompts.append(prompt)
                raise ModelError("busy")
            return super().complete(prompt)

    labels = LabelModel(SCHEMA, "ill", Moody()).fit(people(60, 1)).predict(people(30, 99))
    assert labels.unanswered == 10
    assert not np.isnan(labels.probabilities).any()


def test_a_cap_among_the_real_rows_leaves_what_was_answered() -> None:
    """Eight answers of twelve were paid for: the rows that follow are not asked about."""
    reply = Reply("-", logprobs=({"Yes": math.log(0.3), "No": math.log(0.7)},))
    cap = BudgetError("the cap of 8 calls is reached")
    llm = Scripted([reply] * 8 + [cap] * 9)
    model = LabelModel(SCHEMA, "ill", llm).fit(people(12))
    assert model.stopped_ is cap
    labels = model.predict(people(5, 1).drop("ill"))
    assert labels.unanswered == 5
    assert labels.probabilities.sum(axis=1) == pytest.approx(1.0)
    assert len(llm.prompts) == 9  # no question after the cap

    llm = Scripted([reply] * 12 + [cap])
    model = LabelModel(SCHEMA, "ill", llm).fit(people(12))
    assert model.stopped_ is None
    assert model.predict(people(5, 1).drop("ill")).unanswered == 5
    assert model.stopped_ is cap


def test_a_cap_before_the_first_answer_is_an_error() -> None:
    with pytest.raises(BudgetError, match="too low"):
        LabelModel(SCHEMA, "ill", Scripted([BudgetError("the cap is too low")])).fit(people(12))


def test_a_model_without_any_answer_is_an_error() -> None:
    with pytest.raises(ModelError, match="busy"):
        LabelModel(SCHEMA, "ill", Scripted([ModelError("busy")] * 5)).fit(people(5))


def test_classes_that_nobody_named_are_asked_for() -> None:
    with pytest.raises(InputError, match="name them as categories"):
        LabelModel(SCHEMA, "ill", Doctor()).fit()


def test_equal_beliefs_leave_the_real_rows_alone_to_decide() -> None:
    rows = people(80, 1)
    numbers = rows.select("age").to_numpy().astype(float)
    scaled = (numbers - numbers.mean()) / numbers.std()
    kernel, variance = likeness((scaled[:40], scaled[:40]), (scaled[40:], scaled[40:]))
    evidence = Evidence(np.zeros(80), kernel, variance)
    posterior = class_posterior(evidence, (rows["ill"] == "yes").to_numpy()[:40])
    assert posterior.weight == 0.0
    assert roc_auc_score((rows["ill"] == "yes").to_numpy()[40:], posterior.mean) > 0.7
