"""The data-generating process is acyclic, can be edited, saved and drawn."""

from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.errors import InputError
from tablewright.systems.mallm_gan.process import CausalGraph, Edit, Process

NAMES = list("abcdef")


@st.composite
def graphs(draw: st.DrawFn) -> CausalGraph:
    order = draw(st.permutations(NAMES))
    pairs = [(a, b) for j, b in enumerate(order) for a in order[:j]]
    return CausalGraph.from_edges(NAMES, draw(st.lists(st.sampled_from(pairs), unique=True)))


@given(graphs())
def test_order_puts_every_cause_before_its_effect(graph: CausalGraph) -> None:
    index = {name: k for k, name in enumerate(graph.order)}
    assert sorted(graph.order) == NAMES
    assert all(index[cause] < index[effect] for cause, effect in graph.edges)


@given(graphs(), graphs())
def test_difference_leads_from_one_graph_to_the_other(
    before: CausalGraph, after: CausalGraph
) -> None:
    edits = after.difference(before)
    drops = [edit for edit in edits if edit.action != "add"]
    # Turning an edge may close a circle for a moment that a later drop opens: compare edges alone.
    edges = set(before.edges)
    for edit in [*drops, *(edit for edit in edits if edit.action == "add")]:
        pair = (edit.cause, edit.effect)
        if edit.action == "add":
            edges.add(pair)
        else:
            edges.remove(pair)
            edges |= {pair[::-1]} if edit.action == "reverse" else set()
    assert edges == set(after.edges)


def test_graph_with_a_circle_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"in a circle: (a -> b -> a|b -> a -> b)"):
        CausalGraph({"a": ["b"], "b": ["a"]})


def test_edit_that_closes_a_circle_is_refused() -> None:
    graph = CausalGraph({"a": [], "b": ["a"], "c": ["b"]})
    with pytest.raises(InputError, match="circle"):
        graph.edit([Edit("add", "c", "a")])


def test_edit_of_an_edge_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="cannot drop a -> b: there is no such edge"):
        CausalGraph({"a": [], "b": []}).edit([Edit("drop", "a", "b")])


def test_unknown_parent_is_refused_with_a_suggestion() -> None:
    with pytest.raises(InputError, match=r"'agee', a cause of 'ill', is no column.*'age'"):
        CausalGraph({"age": [], "ill": ["agee"]})


@given(graphs(), st.text(max_size=40), st.text(max_size=40))
def test_saved_process_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, graph: CausalGraph, context: str, task: str
) -> None:
    path = tmp_path_factory.mktemp("process") / "process.yaml"
    process = Process(graph, context, task)
    process.save(path)
    assert Process.load(path, NAMES) == process


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("graph: [", "not YAML"),
        ("graph: {}\ncode: 1", "no others"),
        ("graph: {a: {parents: b}}", "parents of 'a' are a list"),
        ("graph: {z: {parents: []}}", "'z' is no column"),
        ("context: 1", "context and task of a process are texts"),
    ],
)
def test_wrong_process_file_is_one_sentence(tmp_path: Path, text: str, match: str) -> None:
    path = tmp_path / "process.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=match):
        Process.load(path, NAMES)


def test_comparison_names_edges_and_task() -> None:
    before = Process(CausalGraph({"a": [], "b": ["a"], "c": []}))
    after = before.revised([Edit("reverse", "a", "b"), Edit("add", "b", "c")], task="Be careful.")
    assert after.compare(before) == ["reverse a -> b", "add b -> c", "task: Be careful."]


@given(graphs())
def test_picture_is_xml_with_every_column_and_edge(graph: CausalGraph) -> None:
    root = ElementTree.fromstring(graph.to_svg())
    space = "{http://www.w3.org/2000/svg}"
    texts = [text.text for text in root.iter(f"{space}text")]
    arrows = [path for path in root.iter(f"{space}path") if path.get("marker-end")]
    assert sorted(map(str, texts)) == NAMES
    assert len(arrows) == len(graph.edges)


def test_picture_escapes_hostile_names_and_keeps_boxes_apart() -> None:
    graph = CausalGraph({"<b>&": [], '"x"': ["<b>&"], "c": []})
    root = ElementTree.fromstring(graph.to_svg())
    boxes = [(float(r.attrib["y"]), float(r.attrib["x"])) for r in root.iter("{*}rect")]
    assert all(one[0] != two[0] or two[1] - one[1] >= 120 for one, two in pairwise(sorted(boxes)))
