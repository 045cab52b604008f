"""Figures 5 and 14: one prompt, EPIC and teaming by a language model, class by class."""

from __future__ import annotations

from benchmarks.papers.t2.engine import Spec, main
from benchmarks.systems.cases import imbalanced, incomplete

SPEC = Spec(
    "figure5",
    "Team-then-Trim, Figures 5 and 14: AUC by language model",
    "The simulated diabetes table, ten real rows in 7:2:1 (Figure 5) and in 8:2:0 (Figure 14). The "
    "paper compares Llama 3.3, GPT-5.1 and Grok 4.1; its figures have no numbers. One run a model.",
    lambda asked: {"imbalance": [imbalanced(10)], "incompleteness": [incomplete(10)]},
    ("AUC LR", "AUC MR", "AUC HR"),
    arms=("D_ori", "teaming", "T2", "CLLM", "EPIC", "T2, system"),
)

if __name__ == "__main__":
    main(SPEC)
