"""DATE."""

from benchmarks.papers.entry import Entry, Paper

PAPER = Paper(
    "date",
    "DATE: Exploring the Heterogeneity of Tabular Data",
    "arXiv:2512.21915; code windblow32/DATE",
    "`DIR` holds the files of the recipe `date-tables` below `date`, and the authors' recorded "
    "rows.",
    (
        Entry(
            "Partitions: parts, tokens, seconds, error",
            "benchmarks.date.partitions",
            "--data DIR/date",
            None,
            "Parts keep a bound by rows that did not search; recorded parts beside ours.",
        ),
        Entry(
            "Parts of shuffled labels",
            "benchmarks.date.shuffled",
            "--runs FILE",
            1100,
            "Not in the paper: how often the rule search describes a part where none is.",
        ),
        Entry(
            "Selectors on recorded pools",
            "benchmarks.date.selectors",
            "--data DIR/date --runs FILE --pool cllm",
            None,
            "Rows recorded by the authors in place of a model; a forest and a tree.",
        ),
        Entry(
            "Error of every method, Wilcoxon and ranks, error by round",
            "benchmarks.date.pools",
            "--data DIR/date",
            None,
            "Rows recorded by the authors; one tree for all rows beside their tree a part.",
        ),
        Entry(
            "Groups and their gains",
            "benchmarks.date.recorded_groups",
            "--data DIR/date --seeds 4",
            180,
            "Groups that DATE accepted on bank-marketing, on rows that it did not see.",
        ),
        Entry(
            "Ablations: feedback, new rules, sharing, rho, rounds",
            "benchmarks.date.ablation",
            "--data DIR --runs FILE",
            None,
            "A stand-in (a simulation) and a model of 1.5B in place of GPT; two other tables.",
        ),
        Entry(
            "Greedy choice fails",
            "benchmarks.date.cases",
            "",
            None,
            "Constructed cases for the paper's proof; not in its tables.",
        ),
        Entry(
            "Parts with rules of their own",
            "benchmarks.date.heterogeneity",
            "--runs FILE --seeds 2",
            590,
            "Planted; local bodies, and a stand-in (a simulation).",
        ),
        Entry(
            "Seconds of the rule search",
            "benchmarks.date.speed",
            "--data DIR/date",
            None,
            "Against the pseudocode as published, on this machine.",
        ),
        Entry(
            "Preference tuning",
            "",
            differs="Needs a GPU and a model; `docs/examples/dpo.py` is the way, and no figure of "
            "ours exists.",
        ),
    ),
)
