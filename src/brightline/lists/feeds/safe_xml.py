"""XML from a server that is not trusted.

Any document type declaration is refused, and with it every entity but the five that XML
itself has: no expansion, no external reference (CWE-776, CWE-611). Nesting is bounded.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

_MAX_DEPTH = 64


class XmlError(ValueError):
    """The document is not well-formed, declares a type, or nests too deeply."""


def parse_xml(document: bytes) -> Element:
    """The root element, tags and attributes as `{namespace}name`. Raises XmlError, without any
    content."""
    builder = TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")
    depth = 0

    def spelled(name: str) -> str:
        return f"{{{name}" if "}" in name else name

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _MAX_DEPTH:
            raise XmlError("elements nest too deeply")
        builder.start(spelled(name), {spelled(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(spelled(name))

    def doctype(*_: object) -> None:
        raise XmlError("it declares a document type")

    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, UnicodeError, LookupError):
        raise XmlError("it is not well-formed XML") from None
    return builder.close()
