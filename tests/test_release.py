"""The release waits for a person, has no secret, and publishes what was checked."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

FILE = Path(__file__).parents[1] / ".github/workflows/release.yml"


@pytest.mark.skipif(not FILE.exists(), reason="the source distribution has no workflows")
def test_release_is_built_checked_and_published_by_a_person() -> None:
    text = FILE.read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    build, publish = jobs["build"], jobs["publish"]
    commands = "\n".join(str(step.get("run", "")) for step in build["steps"])
    for part in (".ci/run", "-m build", "twine check --strict", "tablewright demo"):
        assert part in commands
    assert (publish["needs"], publish["environment"]) == ("build", "release")
    assert publish["permissions"] == {"id-token": "write"}
    assert [step["uses"].partition("@")[0] for step in publish["steps"]] == [
        "actions/download-artifact",
        "pypa/gh-action-pypi-publish",
    ]
    assert not any(word in text for word in ("secrets.", "password", "repository-url", "http"))
