"""No text can leave its place in the markup."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from tablewright.display import printable
from tablewright.markup import Markup, element, join


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text())
def test_any_text_stays_text(text: str) -> None:
    reader = Reader()
    reader.feed(element("p", text, data_tip=text))
    reader.close()
    assert reader.tags == ["p"]
    assert [name for name, _ in reader.attributes] == ["data-tip"]
    clean = printable(text)
    assert reader.text == clean
    assert reader.attributes[0][1] == clean


def test_markup_is_not_escaped_twice() -> None:
    inner = element("b", "a & b")
    assert element("p", inner, [inner, "<"]) == ("<p><b>a &amp; b</b><b>a &amp; b</b>&lt;</p>")
    assert isinstance(join([inner, None]), Markup)
