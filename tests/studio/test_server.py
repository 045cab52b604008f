"""What the page answers, and to whom."""

from __future__ import annotations

import time
from pathlib import Path

import httpx2
import polars as pl
import pytest

from tablewright.studio.workspace import Workspace
from tests.studio.conftest import TOKEN, Page


def finished(page: Page) -> str:
    """Wait for the runs to end, and return what the page says of them."""
    for _ in range(600):
        if all(run.state != "running" for run in page.workspace.runs()):
            return page.client.get("/runs").text
        time.sleep(0.1)
    raise AssertionError("a run does not end")


@pytest.mark.parametrize("path", ["/", "/runs", "/static/htmx.min.js", "/runs/run-001/rows.csv"])
@pytest.mark.parametrize("cookie", [None, "another", ""])
def test_page_is_closed_to_whoever_lacks_the_token(
    page: Page, path: str, cookie: str | None
) -> None:
    cookies = {} if cookie is None else {"tablewright": cookie}
    answer = httpx2.get(page.address + path, cookies=cookies)
    assert answer.status_code == 403
    assert "people" not in answer.text


def test_page_is_closed_to_other_host_names(page: Page) -> None:
    # a name of somebody else that leads to this machine
    answer = page.client.get("/", headers={"Host": "evil.example"})
    assert answer.status_code == 403


def test_token_leaves_the_address_and_the_cookie_is_for_this_site_alone(page: Page) -> None:
    answer = httpx2.get(page.address, params={"token": TOKEN}, follow_redirects=False)
    assert answer.headers["location"] == "/"
    assert {"HttpOnly", "SameSite=strict"} <= set(answer.headers["set-cookie"].split("; "))


def test_only_scripts_of_the_page_run(page: Page) -> None:
    answer = page.client.get("/")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "<b>" not in answer.text  # the name of a column
    assert "&lt;b&gt;" in answer.text


def test_first_page_shows_the_columns_and_what_they_are_taken_for(page: Page) -> None:
    text = page.client.get("/").text
    assert "60 rows" in text
    assert '<option value="" selected>integer</option>' in text
    assert "Rome (" in text


@pytest.mark.parametrize("where", ["age > 50", "age > 50 AND city = 'Rome'"])
def test_condition_is_counted_on_the_rows(page: Page, table: Path, where: str) -> None:
    frame = pl.read_csv(table)
    expected = len(pl.SQLContext(t=frame).execute(f"SELECT * FROM t WHERE {where}").collect())
    assert f"{expected} of 60 rows meet it" in page.post("/count", where=where)


def test_empty_condition_and_rules_say_nothing(page: Page) -> None:
    assert page.post("/count", where=" ").strip() == ""
    assert page.post("/rules", rules=" ").strip() == ""


@pytest.mark.parametrize(
    ("path", "field", "value", "sentence"),
    [
        ("/count", "where", "agee > 1", "did you mean &#39;age&#39;?"),
        ("/rules", "rules", "- agee > 1", "did you mean &#39;age&#39;?"),
        ("/command", "n_rows", "many", "n_rows: Input should be a valid integer"),
        ("/command", "n_rows", "0", "n_rows: Input should be greater than or equal to 1"),
        ("/command", "kind:age", "colour", "kinds: Input should be &#39;continuous&#39;"),
        ("/runs", "method", "magic", "no method is called &#39;magic&#39;"),
        ("/runs", "where", "agee > 1", "did you mean &#39;age&#39;?"),
        ("/profile", "target", "agee", "agee"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_starts_nothing(
    page: Page, path: str, field: str, value: str, sentence: str
) -> None:
    text = page.post(path, **{field: value})
    assert 'role="alert"' in text
    assert sentence in text
    assert page.workspace.runs() == []


def test_rules_are_counted_on_the_rows(page: Page, table: Path) -> None:
    broken = int((pl.read_csv(table)["age"] <= 30).sum())
    text = page.post("/rules", rules="- age > 30\n- age > 10")
    assert f"<td>60 rows</td><td>{broken}</td>" in text
    assert "<td>60 rows</td><td>0</td>" in text


def test_settled_kind_is_shown_and_can_be_taken_back(page: Page) -> None:
    text = page.post("/profile", **{"kind:age": "categorical"})
    assert '<option value="categorical" selected>' in text
    assert '<option value="">as inferred</option>' in text
    assert "as inferred" not in page.post("/profile", **{"kind:age": ""})


def test_run_writes_the_rows_that_were_asked_for(page: Page) -> None:
    page.post(
        "/runs",
        target="<b>",
        method="trees",
        n_rows=30,
        where="age > 40",
        rules="- age < 75",
        seed=3,
    )
    text = finished(page)
    rows = pl.read_csv(page.workspace.runs()[0].rows_file)
    assert rows.height == 30
    assert rows["age"].is_between(40, 75, closed="none").all()
    assert "30 rows" in text
    saved = page.client.get("/runs/run-001/rows.csv")
    assert saved.text == page.workspace.runs()[0].rows_file.read_text()
    # the command that is shown does the same without the page
    assert "'--where=age > 40'" in page.workspace.runs()[0].command


def test_report_is_kept_apart_from_the_page(page: Page) -> None:
    page.post("/runs", target="<b>", method="independent", n_rows=30, report="true")
    assert "report.html" in finished(page)
    answer = page.client.get("/runs/run-001/report.html")
    assert answer.headers["content-security-policy"].startswith("sandbox allow-scripts;")
    assert "<title>Generated rows for people.csv" in answer.text


def test_failed_run_shows_its_log(page: Page) -> None:
    page.post("/runs", where="age > 50 AND age < 30", n_rows=5)
    text = finished(page)
    assert "failed" in text
    assert "age" in page.workspace.runs()[0].log


@pytest.mark.parametrize(
    "path", ["run-001/../../people.csv", "run-001/log.txt", "..%2F/rows.csv", "run-009/rows.csv"]
)
def test_only_rows_and_reports_of_runs_are_served(page: Page, path: str) -> None:
    assert page.client.get(f"/runs/{path}").status_code == 404


def test_runs_are_there_when_the_page_is_opened_again(page: Page, table: Path) -> None:
    page.post("/runs", method="independent", n_rows=5)
    page.post("/runs", method="independent", n_rows=7)
    finished(page)
    again = Workspace(table, table.with_name("runs")).runs()
    assert [(run.name, run.state, run.rows()[1]) for run in again] == [
        ("run-002", "done", 7),
        ("run-001", "done", 5),
    ]
