"""``generate --method cllm|epic|...``: with a model behind HTTP on this machine, and without."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from tablewright.registry import names
from tablewright.testing import Faults, Served, StandIn, Transport, serve
from tests.cli.running import Outcome, Runner, put, visits
from tests.systems.htdbu.news import news


@pytest.fixture
def endpoint() -> Iterator[Served]:
    known = pl.concat([visits(), visits(800, seed=1)])
    with serve(StandIn(known, target="ill")) as served:
        yield served


def call(run: Runner, folder: Path, endpoint: Served | None, *more: object) -> Outcome:
    options: list[object] = ["--target", "ill", "-n", 30, "--seed", 1, "--out", folder / "out.csv"]
    if endpoint is not None:
        options += ["--model", "stand-in", "--base-url", endpoint.url, "--run", folder / "run"]
    return run("generate", put(folder), "--method", "cllm", *options, *more)


def test_rows_of_a_model_are_written_with_what_they_took(
    run: Runner, endpoint: Served, tmp_path: Path
) -> None:
    done = call(run, tmp_path, endpoint)
    assert done.code == 0, done.err
    rows = pl.read_csv(tmp_path / "out.csv")
    assert rows.columns == visits().columns
    assert rows.height == 30
    assert "30 rows kept of" in done.err
    assert "writer/rows" in done.err
    assert "tokens" in done.err
    manifest = json.loads((tmp_path / "out.csv.manifest.json").read_text())
    reported = manifest["origin"]["options"]
    assert reported["models"] == {"": "stand-in"}
    assert reported["tokens"] > 0
    assert reported["cells sent"]["pulse"] > 0

    first, calls = rows, len(endpoint.requests)
    again = call(run, tmp_path, endpoint, "--replay")
    assert again.code == 0, again.err
    assert pl.read_csv(tmp_path / "out.csv").equals(first)
    assert len(endpoint.requests) == calls


def test_summary_manifest_ledger_and_the_servers_own_count_agree(
    run: Runner, tmp_path: Path
) -> None:
    """A third of the replies is unusable, some are cut off, some answers are 429 or 500."""
    known = pl.concat([visits(), visits(800, seed=1)])
    model = StandIn(known, target="ill", faults=Faults(invalid=0.35, truncated=0.2))
    with serve(model, Transport(busy=0.1, broken=0.1, retry_after=0.01)) as endpoint:
        done = call(run, tmp_path, endpoint, "-n", 60)
        shown = run("runs", "show", tmp_path / "run").out
        read, written = endpoint.usage.prompt_tokens, endpoint.usage.completion_tokens
        answers = endpoint.answers
    assert done.code == 0, done.err
    reported = json.loads((tmp_path / "out.csv.manifest.json").read_text())["origin"]["options"]
    assert reported["tokens"] == read + written
    assert reported["calls"] == sum(answers.values()) > answers[200]
    assert reported["tokens counted"]
    summary = re.search(r"writer/rows: (\d+) calls, (\d+) answered, ([\d,]+) \+ ([\d,]+)", done.err)
    assert summary is not None
    n_calls, n_answered, *tokens = (int(text.replace(",", "")) for text in summary.groups())
    assert n_calls == sum(answers.values())
    assert n_answered < answers[200]
    assert tokens == [read, written]
    assert f"in all: {n_calls} calls, {read + written:,} tokens (counted by the endpoint" in shown


def test_a_dry_run_makes_no_call_and_writes_nothing(
    run: Runner, endpoint: Served, tmp_path: Path
) -> None:
    done = call(run, tmp_path, endpoint, "--dry-run")
    assert done.code == 0, done.err
    assert "estimate:" in done.out
    assert not endpoint.requests
    assert not (tmp_path / "out.csv").exists()


def test_a_dry_run_counts_the_whole_search_of_mallm_gan(
    run: Runner, endpoint: Served, tmp_path: Path
) -> None:
    done = call(run, tmp_path, endpoint, "--method", "mallm-gan", "--dry-run")
    assert done.code == 0, done.err
    n_calls = int(re.findall(r"([\d,]+) calls", done.out)[0].replace(",", ""))
    assert n_calls == 1 + 8 + 8, "edges, eight proposals, thirty rows by four"
    assert not endpoint.requests


def test_the_fit_of_a_report_is_in_the_estimate_and_the_bill(
    run: Runner, endpoint: Served, tmp_path: Path
) -> None:
    report = ("--report", tmp_path / "report.json")
    calls = []
    for more in ((), report):
        done = call(run, tmp_path, endpoint, "--dry-run", *more)
        assert done.code == 0, done.err
        calls.append(int(re.findall(r"([\d,]+) calls", done.out)[0].replace(",", "")))
    assert calls[0] + 2 <= calls[1] <= 2 * calls[0]  # the report's rows come from four fifths
    assert not endpoint.requests

    done = call(run, tmp_path, endpoint, *report)
    assert done.code == 0, done.err
    assert "the report's own rows took" in done.err
    reported = json.loads((tmp_path / "out.csv.manifest.json").read_text())["origin"]["options"]
    assert 0 < reported["tokens of the report"] < reported["tokens"]
    assert calls[0] < len(endpoint.requests) <= 1.5 * calls[1]


def test_at_a_cap_the_rows_so_far_are_written_and_the_exit_code_says_so(
    run: Runner, endpoint: Served, tmp_path: Path
) -> None:
    done = call(run, tmp_path, endpoint, "-n", 500, "--max-calls", 3)
    assert done.code == 3
    assert 0 < pl.read_csv(tmp_path / "out.csv").height < 500
    assert len(endpoint.requests) == 3


@pytest.mark.parametrize("method", names("systems"))
def test_every_system_runs_without_a_model(run: Runner, tmp_path: Path, method: str) -> None:
    done = call(run, tmp_path, None, "--method", method, "--rejected", tmp_path / "rejected.csv")
    assert done.code == 0, done.err
    n_rows = pl.read_csv(tmp_path / "out.csv").height
    assert f"{n_rows} rows in" in done.err
    assert n_rows <= 30 if method == "date" else n_rows == 30  # DATE may choose fewer, or none
    assert "_reason" in pl.read_csv(tmp_path / "rejected.csv").columns


def test_a_wrong_role_or_method_is_told_before_any_call(
    run: Runner, endpoint: Served, tmp_path: Path
) -> None:
    done = call(run, tmp_path, endpoint, "--model", "writr=other")
    assert done.code == 2
    assert "there is no such role; did you mean 'writer'?" in done.err
    done = call(run, tmp_path, endpoint, "--method", "trees")
    assert "none of these uses a language model" in done.err
    done = call(run, tmp_path, None, "--method", "trees", "--rejected", tmp_path / "r.csv")
    assert "--rejected goes with a system" in done.err
    assert not endpoint.requests


@pytest.mark.filterwarnings("ignore:rule 'r1' is an intervention")
def test_rules_are_swapped_on_a_stored_model_without_a_fit(run: Runner, tmp_path: Path) -> None:
    model, out = tmp_path / "model.tw", tmp_path / "out.csv"
    fitted = run("fit", put(tmp_path), "--target", "ill", "--method", "htdbu", "--out", model)
    assert fitted.code == 0, fitted.err
    for minimum in (30, 60):
        rule = {"kind": "check", "expression": f"age >= {minimum}", "intervention": True}
        (tmp_path / "rules.yaml").write_text(json.dumps({"rules": [rule]}))
        done = run("sample", model, "-n", 50, "--rules", tmp_path / "rules.yaml", "--out", out)
        assert done.code == 0, done.err
        assert int(pl.read_csv(out)["age"].min()) >= minimum  # type: ignore[arg-type]  # a number


def test_a_stored_system_writes_rows(run: Runner, tmp_path: Path) -> None:
    model, out = tmp_path / "m.tw", tmp_path / "out.csv"
    done = run("fit", put(tmp_path), "--target", "ill", "--method", "cllm", "--out", model)
    assert done.code == 0, done.err
    assert "it holds real rows" in done.err
    done = run("sample", model, "-n", 20, "--out", out)
    assert done.code == 0, done.err
    assert pl.read_csv(out).height == 20


def test_a_report_of_mallm_gan_draws_the_process(run: Runner, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    done = run(
        "generate", put(tmp_path), "--target", "ill", "--method", "mallm-gan",
        "--set", "rounds=0", "-n", "40", "--out", tmp_path / "rows.csv", "--report", report,
    )  # fmt: skip
    assert done.code == 0, done.err
    page = report.read_text()
    assert "Process that the rows come of" in page
    assert "<title>Causal graph: " in page
    assert "Write accurate, convincing rows." in page


def test_a_report_of_date_draws_the_parts_with_their_rules(run: Runner, tmp_path: Path) -> None:
    report, parts = tmp_path / "report.html", tmp_path / "parts.yaml"
    parts.write_text("parts: [{name: the young, rules: ['age < 50'], rows: 7}, {name: rest}]")
    done = run(
        "generate", put(tmp_path), "--target", "ill", "--method", "date", "--set", "rounds=0",
        "--set", "strategy=none", "--set", f"parts={parts}", "-n", "40",
        "--out", tmp_path / "rows.csv", "--report", report,
    )  # fmt: skip
    assert done.code == 0, done.err
    page = report.read_text()
    assert "Parts that rows are written for" in page
    assert 'data-tip="the young: age &lt; 50"' in page
    assert ">the young</text>" in page
    assert ">7 rows</text>" in page
    assert 'data-tip="rest: all other rows"' in page


@pytest.mark.parametrize("method", ["cllm", "epic", "team-then-trim", "htdbu"])
def test_the_doubt_about_few_real_rows_is_on_the_console_and_in_the_manifest(
    run: Runner, tmp_path: Path, method: str
) -> None:
    visits().sample(10, seed=1).write_csv(tmp_path / "ten.csv")
    done = run(
        "generate", tmp_path / "ten.csv", "--out", tmp_path / "rows.csv", "-n", 6,
        "--target", "ill", "--method", method, "--seed", 1,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert pl.read_csv(tmp_path / "rows.csv").height == 6
    manifest = json.loads((tmp_path / "rows.csv.manifest.json").read_text())
    doubt = "with 10 real rows a wrong pool cannot be told from a sound one"
    assert doubt in done.err
    assert doubt in str(manifest["origin"]["options"]["notes"])


@pytest.mark.filterwarnings("default:.*rows asked for were kept")
@pytest.mark.parametrize("quiet", [False, True])
def test_missing_rows_are_told_once_on_the_console_and_in_the_manifest(
    run: Runner, tmp_path: Path, quiet: bool
) -> None:
    """Twenty rows, each alone in its cell: the texture can give nothing but copies."""
    real = pl.DataFrame({"x": range(20), "y": [f"c{k}" for k in range(20)]})
    (tmp_path / "schema.yaml").write_text("columns: {x: categorical, y: categorical}\n")
    model, out = tmp_path / "m.tw", tmp_path / "rows.csv"
    table = (put(tmp_path, real), "--target", "y", "--schema", tmp_path / "schema.yaml")
    how = ("--method", "htdbu", "--set", "skeleton=[x, y]", "--set", "rules=[]", "--seed", 1)
    more = ("--quiet",) if quiet else ()
    missing = "0 of the 10 rows asked for were kept: 10 were rejected by copies, such as: equals a"
    done = run("generate", *table, *how, "-n", 10, "--out", out, *more)
    assert done.code == 0, done.err
    assert done.err.count(missing) == 1
    manifest = json.loads((tmp_path / "rows.csv.manifest.json").read_text())
    assert missing in str(manifest["origin"]["options"]["notes"])

    assert run("fit", *table, *how, "--out", model).code == 0
    done = run("sample", model, "-n", 10, "--out", out, *more)
    assert (done.code, done.err.count(missing)) == (0, 1)


@pytest.mark.parametrize("seed", [(), ("--seed", "7")])
def test_a_run_notes_the_seed_that_it_drew_so_that_resuming_asks_the_same(
    run: Runner, endpoint: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    seed: tuple[str, ...],
) -> None:  # fmt: skip
    arguments = [
        "generate", str(put(tmp_path)), "--target", "ill", "-n", "30", "--method", "cllm", *seed,
        "--out", str(tmp_path / "out.csv"), "--model", "stand-in", "--base-url", endpoint.url,
        "--run", str(tmp_path / "run"),
    ]  # fmt: skip
    monkeypatch.setattr("sys.argv", ["tablewright", *arguments])
    assert run(*arguments).code == 0
    first, calls = pl.read_csv(tmp_path / "out.csv"), len(endpoint.requests)
    manifest = json.loads((tmp_path / "out.csv.manifest.json").read_text())
    shown = run("runs", "show", tmp_path / "run").out
    assert shown.count("--seed") == 1
    assert f"--seed {manifest['origin']['seed']}" in shown
    monkeypatch.setattr("sys.argv", ["tablewright", "runs", "resume", str(tmp_path / "run")])
    assert run("runs", "resume", tmp_path / "run", "--yes").code == 0
    assert len(endpoint.requests) == calls, "what was answered is not paid for twice"
    assert pl.read_csv(tmp_path / "out.csv").equals(first)


def test_texts_are_named_on_the_command_line_and_said_to_be_real(
    run: Runner, tmp_path: Path
) -> None:
    real, out, model = news(), tmp_path / "rows.csv", tmp_path / "m.tw"
    train = put(tmp_path, real)
    how = ("--target", "wins", "--method", "htdbu", "--set", "rules=[]", "--seed", 1)
    done = run("generate", train, *how, "--text", "text:mood", "-n", 30, "--out", out)
    assert done.code == 0, done.err
    rows, known = pl.read_csv(out), dict(real.select("text", "mood").iter_rows())
    assert [known[text] for text in rows["text"]] == rows["mood"].to_list()
    said = "the texts of 'text' are real ones of the table"
    assert done.err.count(said) == 1
    options = json.loads((tmp_path / "rows.csv.manifest.json").read_text())["origin"]["options"]
    assert said in str(options["notes"])
    assert options["settings"]["texts"] == ["text:mood"]

    assert run("fit", train, *how, "--set", "texts=text:mood", "--out", model).code == 0
    again = run("sample", model, "-n", 30, "--out", out)
    assert again.err.count(said) == 1, again.err

    for method, text, message in (
        ("trees", "text:mood", "--text goes with --method htdbu"),
        ("htdbu", "text:mod", "the table has no column 'mod'; did you mean 'mood'?"),
        ("htdbu", "text:mood:model", "texts of 'text' need a language model"),
    ):
        bad = run("generate", train, "--target", "wins", "--method", method, "--text", text,
                  "-n", 5, "--out", out)  # fmt: skip
        assert (bad.code, message in bad.err) == (2, True), bad.err
