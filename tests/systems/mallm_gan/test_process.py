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
    boxes = [(float(r.attrib["y"]), float(r.attrib["x"])) for r in root.findall(".//{*}rect")]
    assert len(boxes) == 3
    assert all(one[0] != two[0] or two[1] - one[1] >= 120 for one, two in pairwise(sorted(boxes)))


DIAMOND = CausalGraph({"d": ["b", "c"], "b": ["a"], "c": ["a"], "a": []})


def test_order_and_depth_follow_the_causes() -> None:
    assert DIAMOND.order == ("a", "b", "c", "d"), "as in the table where the graph leaves it open"
    assert DIAMOND.depth() == {"a": 0, "b": 1, "c": 1, "d": 2}
    assert DIAMOND.columns == ("d", "b", "c", "a")
    assert DIAMOND.edges == (("b", "d"), ("c", "d"), ("a", "b"), ("a", "c"))


def test_an_edge_that_is_there_is_added_once_and_a_parent_that_is_named_twice_counts_once() -> None:
    assert DIAMOND.edit([Edit("add", "a", "b")]) == DIAMOND
    assert CausalGraph({"a": [], "b": ["a", "a"]}).edges == (("a", "b"),)


@given(graphs())
def test_depth_is_the_longest_way_from_a_column_without_causes(graph: CausalGraph) -> None:
    depth = graph.depth()
    for name, above in graph.parents.items():
        assert depth[name] == (1 + max(depth[cause] for cause in above) if above else 0)


@given(graphs())
def test_a_graph_is_read_back_from_its_data(graph: CausalGraph) -> None:
    assert CausalGraph.from_data(graph.as_data(), NAMES) == graph
    lists = {name: list(above) for name, above in graph.parents.items() if above}
    assert CausalGraph.from_data(lists, NAMES) == graph, "a list will do, and none for no parents"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], r'give \{"column": \{"parents"'),
        ({"agee": {"parents": []}}, "'agee' is no column.*'age'"),
        ({"age": {"parents": "ill"}}, "the parents of 'age' are a list of columns"),
        ({"age": {"parents": [1]}}, "the parents of 'age' are a list of columns"),
        ({"age": {"parents": ["ill"]}, "ill": ["age"]}, "in a circle"),
    ],
)
def test_data_that_are_no_graph_are_one_sentence(data: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        CausalGraph.from_data(data, ["age", "ill"])


def test_edges_lead_to_columns() -> None:
    with pytest.raises(InputError, match="'z' is no column"):
        CausalGraph.from_edges(["a"], [("a", "z")])


def test_a_process_is_rendered_with_what_there_is_to_say() -> None:
    graph = CausalGraph({"a": [], "b": ["a"]})
    bare = Process(graph, task="Be exact.")
    text = 'Causal graph: {"a": {"parents": []}, "b": {"parents": ["a"]}}\nTask: Be exact.'
    assert bare.render() == text
    full = Process(graph, "Of a clinic.", "Be exact.").supported_but([("a", "b")])
    assert full.render() == (f"Context: Of a clinic.\n{text}\nNot supported by the data: a -> b")
    assert full == Process(graph, "Of a clinic.", "Be exact."), "what is believed is the same"


def test_unsupported_edges_are_kept_in_files_as_long_as_they_are_in_the_graph() -> None:
    process = Process(CausalGraph({"a": [], "b": ["a"]})).supported_but([("a", "b")])
    data = process.as_data()
    assert Process.from_data(data, ["a", "b"]).unsupported == (("a", "b"),)
    edited = {**data, "graph": {}}
    assert Process.from_data(edited, ["a", "b"]).unsupported == ()
    assert "unsupported" not in Process(CausalGraph({"a": []})).as_data()


def test_a_process_is_taken_as_an_object_as_data_and_from_a_file(tmp_path: Path) -> None:
    process = Process(CausalGraph({"a": [], "b": ["a"], "id": ["b"]}), "Context.", "Task.")
    process.save(tmp_path / "p.yaml")
    for form in (process, process.as_data(), tmp_path / "p.yaml", str(tmp_path / "p.yaml")):
        taken = Process.of(form, ["a", "b"], ["id"])
        assert (taken.graph.edges, taken.context, taken.task) == (
            (("a", "b"),),
            "Context.",
            "Task.",
        )
        with pytest.raises(InputError, match="'id'"):
            Process.of(form, ["a", "b"])


def test_a_comparison_names_the_context_and_nothing_where_nothing_changed() -> None:
    before = Process(CausalGraph({"a": []}), "Then.")
    after = Process(CausalGraph({"a": []}), "Now.")
    assert after.compare(before) == ["context: Now."]
    assert after.compare(after) == []
    dropped = Process(CausalGraph({"a": [], "b": []}), task="T").compare(
        Process(CausalGraph({"a": [], "b": ["a"]}), task="T")
    )
    assert dropped == ["drop a -> b"]


def test_a_picture_puts_causes_above_their_effects() -> None:
    root = ElementTree.fromstring(DIAMOND.to_svg())
    height = {}
    for group in root.findall(".//{*}g"):
        (title,), (box,) = group.findall("{*}title"), group.findall("{*}rect")
        height[title.text] = float(box.attrib["y"])
    assert height["a"] < height["b"] == height["c"] < height["d"]
    long = ElementTree.fromstring(CausalGraph({"x" * 30: []}).to_svg())
    assert [text.text for text in long.findall(".//{*}text")] == ["x" * 16 + "…"]


@pytest.mark.parametrize(
    "prior", ["abc", ("a", "b"), ("a", "b", 2), ("a", "b", "much"), ("a", "b", float("nan"))]
)
def test_a_prior_that_is_none_is_one_sentence(prior: object) -> None:
    with pytest.raises(InputError, match="is no cause, effect and share from 0 to 1"):
        Process(CausalGraph({"a": [], "b": []}), priors=(prior,))  # type: ignore[arg-type]  # wrong


def test_priors_name_columns_and_certain_edges_close_no_circle() -> None:
    graph = CausalGraph({"age": [], "ill": []})
    with pytest.raises(InputError, match="'ages'"):
        Process(graph, priors=(("ages", "ill", 0.5),))
    with pytest.raises(InputError, match="in a circle"):
        Process(graph, priors=(("age", "ill", 1), ("ill", "age", 1)))
    assert Process(graph, priors=(("age", "ill", 0.5), ("ill", "age", 0.5))).keeps_priors()


def test_priors_are_told_and_kept_in_files(tmp_path: Path) -> None:
    graph = CausalGraph({"age": [], "ill": ["age"]})
    process = Process(graph, priors=(("age", "ill", 1), ("ill", "age", 0), ("age", "ill", 0.8)))
    assert process.known() == [
        "age -> ill: for certain", "ill -> age: never", "age -> ill: 80% likely"
    ]  # fmt: skip
    assert "Known of edges: age -> ill: for certain" in process.render()
    process.save(tmp_path / "process.yaml")
    assert Process.load(tmp_path / "process.yaml", graph.columns) == process
    assert not process.revised([Edit("drop", "age", "ill")]).keeps_priors()
