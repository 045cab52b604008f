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
    "rows, as published; `calls` has some cases with equal calls. TVAE and "
    "CTGAN need `--peers FOLDER`, in which `make peers` set up `ctgan` (or a Python that has "
    "it). Runs go to `build/papers/t2.jsonl` and are gone on with; tables share them. `DIR` "
    "holds the files of the recipes `compas` and `drug`.",
    (
        Entry(
            "Table 1",
            f"{_M}.table1",
            "--peers FOLDER",
            284,
            f"{_STAND_IN} TVAE and CTGAN with five seeds. Features are the public simulator's; "
            "its levels are cut by us.",
        ),
        Entry(
            "Table 2",
            f"{_M}.table2",
            "--seeds 5",
            85,
            "TravelBehavior is a table of ours. Scored on clean labels, and on turned ones, "
            "which the published figures fit.",
        ),
        Entry(
            "Table 3",
            f"{_M}.table3",
            "--data DIR --seeds 3 --peers FOLDER",
            646,
            "20 to 200 rows in five steps, three seeds; macro means at a threshold of 0.5.",
        ),
        Entry(
            "Table 4",
            f"{_M}.table4",
            "--data DIR --seeds 3 --peers FOLDER",
            646,
            "The runs of Table 3; Drug where its files are there. Detection by boosted trees, "
            "alpha-precision and beta-recall by our own measures, not SynthCity's.",
        ),
        Entry(
            "Table 5",
            f"{_M}.table5",
            "--seeds 3",
            683,
            "Ten sizes, three seeds; on clean and on turned labels.",
        ),
        Entry(
            "Table 6",
            f"{_M}.table6",
            "",
            26,
            "A stand-in counts characters / 4, and its seconds are not a model's.",
        ),
        Entry(
            "Figure 3",
            f"{_M}.figure3",
            "--seeds 3",
            683,
            "The runs of Table 5; a table in place of a plot; three seeds.",
        ),
        Entry(
            "Figure 4",
            f"{_M}.figure4",
            "--data DIR --seeds 3 --sizes 20 60",
            233,
            "The label is our reading, and sizes end at 60 of 250; without `--sizes` at 100.",
        ),
        Entry(
            "Figures 5, 14",
            f"{_M}.figure5",
            "--model gguf:FILE --batches 1 --groups imbalance --seeds 1",
            None,
            "One run for each model; models other than the paper's: one batch by a model of 1.5B. "
            "A server is asked by `--model NAME --base-url URL`.",
        ),
        Entry("Figure 6", f"{_M}.figure6", "", 59, "Also at 60 real rows; see Table 1."),
        Entry(
            "Figure 7",
            f"{_M}.figure7",
            "",
            39,
            "One table in place of three; weak and strong are stand-ins.",
        ),
        Entry(
            "Figure 12",
            f"{_M}.figure12",
            "",
            29,
            "Plots, and beside them the share of rows that lie among their level.",
        ),
        Entry(
            "Figure 13",
            f"{_M}.figure13",
            "--data DIR --seeds 3 --peers FOLDER",
            646,
            "The runs of Table 3.",
        ),
        Entry("Figure 15", f"{_M}.figure15", "--seeds 5", 82, "AUC alone."),
        Entry(
            "Figure 16",
            f"{_M}.figure16",
            "--data DIR --seeds 5",
            62,
            "Shares in place of two rows each.",
        ),
        Entry(
            "Equal calls",
            f"{_M}.calls",
            "--data DIR --seeds 5",
            209,
            "Not in the paper.",
        ),
        Entry(
            "Readings of the gates",
            f"{_M}.readings",
            "",
            84,
            "Not in the paper, which leaves two of its thresholds open.",
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
