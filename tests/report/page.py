"""Reading a page back as a browser's parser would."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "rect", "line", "polyline"}


@dataclass
class Page(HTMLParser):
    """A parsed page: its start tags with attributes, its text, and what is wrong with it."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if len(dict(attrs)) < len(attrs):
            self.faults.append(f"an attribute twice in {tag}")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.faults.append(f"{tag} closed in itself")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"{tag} closed out of order")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            return
        self.texts.append(data)

    @property
    def text(self) -> str:
        """All text, without the style sheet; elements are told apart by a line."""
        return "\n".join(self.texts)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every such element."""
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """Every element and its attributes' names, without any text or value."""
        return [(tag, tuple(attrs)) for tag, attrs in self.tags]


def parse(html: str) -> Page:
    """The page, with every fault that was found."""
    page = Page()
    page.feed(html)
    page.close()
    if page.open:
        page.faults.append(f"never closed: {page.open}")
    return page


def holds(text: str, figure: str) -> bool:
    """Whether a figure stands in a text as a number of its own."""
    return re.search(rf"(?<![\d\u202f.]){re.escape(figure)}(?!\d|\u202f\d|\.\d)", text) is not None
