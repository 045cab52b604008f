"""MALLM-GAN."""

from benchmarks.papers.entry import Entry, Paper

PAPER = Paper(
    "mallm_gan",
    "MALLM-GAN",
    "arXiv:2406.10521",
    "`DIR` holds the files of the recipes `adult`, `asia` and `insurance`; the splits of a "
    "public re-run go below `mallm_gan/splits`. The private tables (ATACH2, ERICH) cannot be "
    "had.",
    (
        Entry(
            "Tables 2 and 7: given splits",
            "benchmarks.mallm_gan.utility",
            "--data DIR --part splits",
            None,
            "No model by default; one split a size.",
        ),
        Entry(
            "The same on draws of ours",
            "benchmarks.mallm_gan.utility",
            "--data DIR --part draws --draws 20",
            None,
            "100 rows; with copies and membership.",
        ),
        Entry(
            "Table 4: ablation",
            "benchmarks.mallm_gan.ablation",
            "--data DIR",
            None,
            "Graph and search without a model.",
        ),
        Entry(
            "Discriminators",
            "benchmarks.mallm_gan.blindness",
            "--data DIR",
            None,
            "What each of them sees; in the paper a sentence.",
        ),
        Entry(
            "Asia's graph",
            "benchmarks.mallm_gan.graphs",
            "--data DIR",
            None,
            "Hamming distance; the paper shows graphs.",
        ),
        Entry(
            "Tables 3, 9 to 11, Figure 7",
            "",
            differs="Models, shots and seconds of a model: they need one.",
        ),
    ),
)
