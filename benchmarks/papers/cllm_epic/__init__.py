"""Curated LLM and EPIC."""

from benchmarks.papers.entry import Entry, Paper

PAPER = Paper(
    "cllm_epic",
    "Curated LLM, and EPIC",
    "Seedat, Huynh, van Breugel, van der Schaar, ICML 2024; Kim, Choi and others, NeurIPS 2024",
    "Their own tables need GPT-3.5 and GPT-4. What the Team-then-Trim and RDDG papers state of "
    "them stands beside ours in `../t2` and `../rddg`. Here is what can be measured without a "
    "model.",
    (
        Entry(
            "With and without a model",
            "benchmarks.papers.cllm_epic.local",
            "--data DIR --seeds 3",
            155,
            "EPIC, CLLM and Team-then-Trim by their local bodies and with a stand-in, on the "
            "same tables; a stand-in knows 1,000 rows of the population, so what it adds is "
            "a bound.",
        ),
        Entry(
            "Sick, four learners",
            "benchmarks.sick",
            "--data DIR",
            None,
            "Rows of ours and those that EPIC's authors recorded.",
        ),
        Entry(
            "COMPAS without names of columns",
            "",
            differs="The ablation is `CLLM` with `context = False`; it says something with a real "
            "model alone.",
        ),
    ),
)
