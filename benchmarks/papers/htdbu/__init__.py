"""H-TDBU: hierarchical synthetic tabular data generation."""

from benchmarks.papers.entry import Entry, Paper

_M = "benchmarks.papers.htdbu"
PAPER = Paper(
    "htdbu",
    "H-TDBU: A Hybrid Top-Down and Bottom-Up Framework",
    "arXiv:2605.28198, ICML 2026; no code was published",
    "Rules on top, a generator below. `DIR` holds the files of the recipes `bank` and "
    "`phrasebank`. `--peers FOLDER` adds CTGAN and "
    "TVAE, which learn in the environment that `make peers` sets up there (about 500 CPU seconds "
    "for each rule and seed).",
    (
        Entry(
            "Main table",
            f"{_M}.table1",
            "--data DIR",
            306,
            "Split, pairing of target 0 and code are ours; rules by a person, not by Gemini "
            "3.1 Pro (the strict set is what the text says of its rules).",
        ),
        Entry(
            "Main table, mood by the texture",
            f"{_M}.mood",
            "--data DIR --rules manual",
            148,
            "Our reading of how XModal came about: no skeleton, no rule.",
        ),
        Entry(
            "Ablation of XGBoost",
            f"{_M}.ablation",
            "--data DIR",
            290,
            "All of 4 and 12 columns "
            "with 2,000 and 8,000 rows; the paper states the best ones alone.",
        ),
        Entry(
            "Limits of the textures",
            f"{_M}.limits",
            "--data DIR --rules manual --seeds 42",
            90,
            "One seed. Not in the paper, which gives its limits without a reason.",
        ),
        Entry(
            "The loop",
            "benchmarks.htdbu.loop",
            "",
            None,
            "A simulation of who is to blame; the paper has no figures for its loop.",
        ),
    ),
)
