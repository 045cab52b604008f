"""Team, Then Trim."""

from benchmarks.papers.entry import Entry, Paper

_M = "benchmarks.papers.t2"
_STAND_IN = "A stand-in answers by default; `--model NAME` asks a model."
PAPER = Paper(
    "t2",
    "Team, Then Trim: An Assembly-Line LLM Framework",
    "Zhang, Lin, Bao, Huang; code not public when this was written",
    "`--model stand-in` (default) simulates a model that draws from the population, `--model "
    "none` lets the systems work without one, and any other name with `--base-url` asks that "
    "model, as the paper asked Llama 3.3 70B: only that is a reproduction. Arms write equal "
    "rows, as published; `benchmarks/systems` has the same cases with equal calls. TVAE and "
    "CTGAN need `--peers PYTHON`, an environment with `ctgan`. Runs go to "
    "`build/papers/t2.jsonl` and are gone on with; tables share them. `DIR` holds the files of "
    "the recipes `compas` and `drug`.",
    (
        Entry(
            "Table 1",
            f"{_M}.table1",
            "",
            300,
            f"{_STAND_IN} Features are the public simulator's; its levels are cut by us.",
        ),
        Entry(
            "Table 2",
            f"{_M}.table2",
            "",
            250,
            "TravelBehavior is a table of ours. Scored on clean labels, and on turned ones, "
            "which the published figures fit.",
        ),
        Entry(
            "Table 3",
            f"{_M}.table3",
            "--data DIR",
            2500,
            "Sizes 20 to 200 in five steps; accuracy, F1 and recall at 0.5, macro means.",
        ),
        Entry(
            "Table 4",
            f"{_M}.table4",
            "--data DIR",
            2500,
            "The runs of Table 3; detection by boosted trees, alpha-precision and "
            "beta-recall by our own measures, not SynthCity's.",
        ),
        Entry("Table 5", f"{_M}.table5", "", 3000, "Ten sizes; on clean and on turned labels."),
        Entry(
            "Table 6",
            f"{_M}.table6",
            "",
            90,
            "A stand-in counts characters / 4, and its seconds are not a model's.",
        ),
        Entry(
            "Figure 3",
            f"{_M}.figure3",
            "",
            3000,
            "The runs of Table 5; a table in place of a plot.",
        ),
        Entry(
            "Figure 4",
            f"{_M}.figure4",
            "--data DIR",
            900,
            "The label is our reading; no model by default.",
        ),
        Entry(
            "Figures 5, 14",
            f"{_M}.table1",
            "--model NAME --base-url URL",
            None,
            "One run for each model.",
        ),
        Entry("Figure 6", f"{_M}.figure6", "", 120, "Also at 60 real rows; see Table 1."),
        Entry(
            "Figure 7",
            f"{_M}.figure7",
            "",
            120,
            "One table in place of three; weak and strong are stand-ins.",
        ),
        Entry(
            "Figure 12",
            "",
            differs="t-SNE plots say nothing that can be checked; detection and "
            "beta-recall are in Figure 7.",
        ),
        Entry("Figure 13", f"{_M}.figure13", "--data DIR", 2500, "The runs of Table 3."),
        Entry("Figure 15", f"{_M}.figure15", "", 200, "AUC alone."),
        Entry(
            "Figure 16", f"{_M}.figure16", "--data DIR", 120, "Shares in place of two rows each."
        ),
        Entry(
            "Gates on pools with known faults",
            "benchmarks.trim.corrupted",
            "",
            None,
            "Not in the paper.",
        ),
    ),
)
