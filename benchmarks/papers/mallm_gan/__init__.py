"""MALLM-GAN."""

from benchmarks.papers.entry import Entry, Paper

PAPER = Paper(
    "mallm_gan",
    "MALLM-GAN",
    "arXiv:2406.10521",
    "`DIR` holds the files of the recipes `adult`, `asia`, `insurance` and `sick`; the splits of a "
    "public re-run go below `mallm_gan/splits`. The private tables (ATACH2, ERICH) cannot be "
    "had: sick and breast_cancer stand for them.",
    (
        Entry(
            "Tables 2 and 7: given splits",
            "benchmarks.mallm_gan.utility",
            "--data DIR --part splits",
            None,
            "No model; one split a size.",
        ),
        Entry(
            "The same on draws of ours, Figures 2 and 6",
            "benchmarks.mallm_gan.utility",
            "--data DIR --part draws --draws 20",
            None,
            "100 rows; with copies, membership, and distances to training and unseen rows. With "
            "`--peers FOLDER --methods CTGAN,TVAE` the peers.",
        ),
        Entry(
            "The same on wide tables",
            "benchmarks.mallm_gan.utility",
            "--data DIR --part wide --sizes 25,50,100,200 --draws 5",
            None,
            "Sick and breast_cancer in place of the private tables.",
        ),
        Entry(
            "Table 3: backbones",
            "benchmarks.mallm_gan.simulation",
            "--data DIR --part backbones",
            None,
            "Dials of a simulated model in place of eight models.",
        ),
        Entry(
            "Table 4: ablation",
            "benchmarks.mallm_gan.ablation",
            "--data DIR",
            None,
            "Graph and search without a model.",
        ),
        Entry(
            "Table 8 (appendix E): discriminators",
            "benchmarks.mallm_gan.ablation",
            "--data DIR --part discriminators --tables adult --sizes 100,200,400,800",
            None,
            "Without a model.",
        ),
        Entry(
            "Parts of the method, and the loop beside as many calls of plain sampling",
            "benchmarks.mallm_gan.simulation",
            "--data DIR --part parts",
            None,
            "A simulated model that heeds all, half, and nothing of the graph.",
        ),
        Entry(
            "Serialisations",
            "benchmarks.mallm_gan.simulation",
            "--data DIR --part forms",
            None,
            "JSON and CSV, a simulated model.",
        ),
        Entry(
            "What a structure search takes",
            "benchmarks.mallm_gan.search_time",
            "",
            None,
            "Not in the paper.",
        ),
        Entry(
            "What discriminators see",
            "benchmarks.mallm_gan.blindness",
            "--data DIR",
            None,
            "Not in the paper.",
        ),
        Entry(
            "Which of two processes is preferred",
            "benchmarks.mallm_gan.preference",
            "--data DIR",
            None,
            "Not in the paper.",
        ),
        Entry(
            "Whether better graphs are taken, and what the search changes",
            "benchmarks.mallm_gan.acceptance",
            "--data DIR",
            None,
            "Not in the paper; with `--part search` what the search ends with.",
        ),
        Entry(
            "Figures 3 and 4: Asia's graph",
            "benchmarks.mallm_gan.graphs",
            "--data DIR",
            None,
            "Hamming and edit distance, 20 draws; a model that proposes edges: "
            "`benchmarks.mallm_gan.real_model --job edges`.",
        ),
        Entry(
            "Table 5: instructions by step",
            "benchmarks.mallm_gan.real_model",
            "MODEL --base-url URL --data DIR --out FILE",
            None,
            "A small real model; the text of each step is in the lines that it writes.",
        ),
        Entry(
            "Figure 5: subgroups on request",
            "benchmarks.mallm_gan.subgroup",
            "--data DIR --picture FILE.svg",
            None,
            "Adult; counted, and beside oversampling and filtering.",
        ),
        Entry(
            "Tables 9 and 10, Figure 7: shots",
            "benchmarks.mallm_gan.simulation",
            "--data DIR --part shots",
            None,
            "A simulated model.",
        ),
        Entry(
            "Table 11: cost",
            "benchmarks.mallm_gan.simulation",
            "--data DIR --part cost",
            None,
            "Calls and tokens of a simulated model, minutes at the speed of a small real one.",
        ),
    ),
)
