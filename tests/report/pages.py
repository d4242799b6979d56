"""What tests see of a page: its elements, as a browser reads them, and its text."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

BLOCKS = {"p", "div", "details", "table", "ul", "dl", "pre", "figure"}
VOID = {"meta", "br", "link", "input", "img", "hr"}


@dataclass
class Element:
    """An element with its attributes, its children and its own text between them."""

    tag: str
    attributes: dict = field(default_factory=dict)
    children: list = field(default_factory=list)

    def all(self, tag="", **attributes):
        """Return all elements within of a tag, with the values of attributes (``class_`` is one of its classes)."""
        wanted_class = attributes.pop("class_", None)
        return [
            each
            for each in self._within()
            if (not tag or each.tag == tag)
            and (wanted_class is None or wanted_class in (each.attributes.get("class") or "").split())
            and all(
                each.attributes.get(name.replace("_", "-")) == value for name, value in attributes.items()
            )
        ]

    def _within(self):
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child._within()

    @property
    def text(self):
        """The text that a person reads: neither code nor style."""
        if self.tag in ("script", "style"):
            return ""
        parts = (child if isinstance(child, str) else child.text for child in self.children)
        return " ".join(" ".join(parts).split())


class _Parser(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open = [Element("document")]

    def handle_starttag(self, tag, attrs):
        element = Element(tag, dict(attrs))
        within = {each.tag for each in self.open}
        assert not (tag in BLOCKS and within & {"p", "span"}), f"<{tag}> ends the paragraph that it is in"
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.open[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open[-1].tag == tag, f"<{self.open[-1].tag}> is closed by </{tag}>"
        self.open.pop()

    def handle_data(self, data):
        self.open[-1].children.append(data)


def parsed(html):
    """Return a page as a tree; every element of it must be closed where it was opened."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    assert [element.tag for element in parser.open] == ["document"]
    return parser.open[0]
