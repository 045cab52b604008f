"""RDDG."""

from benchmarks.papers.entry import Entry, Paper

PAPER = Paper(
    "rddg",
    "RDDG: Self-Reinforcing Controllable Synthesis of Rare Relational Data",
    "arXiv:2604.16817, ACL 2026 Findings; code cszhangLMU/RDDG",
    "`DIR` holds the files of the recipes `sick`, `travel`, `adult` and `date-tables`.",
    (
        Entry(
            "Main table",
            "benchmarks.rddg.utility",
            "--data DIR --table sick",
            None,
            "No model; our simulators for the four synthetic tables, which are not public; "
            "Thyroid is left out.",
        ),
        Entry(
            "Relations",
            "benchmarks.rddg.relations",
            "--data DIR",
            None,
            "Planted ones, and FTI on Sick.",
        ),
        Entry(
            "Calibration",
            "benchmarks.rddg.calibration",
            "",
            None,
            "Coverage of the posterior; the paper proves and does not measure.",
        ),
        Entry("Feedback", "benchmarks.rddg.feedback", "", None, "A simulated writer."),
    ),
)
