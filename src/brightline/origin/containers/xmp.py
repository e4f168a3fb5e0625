"""XMP packets as fields: one for every property with a text, whatever prefix the file uses.

Sources: ISO 16684-1 (XMP part 1), RDF/XML syntax. A property may stand as an element, as an
attribute, as `rdf:resource`, or inside an array or a structure; all come out alike. A packet
that is not well-formed is read once more by a lenient reader, so that a damaged tail or a
prefix without a declaration hides nothing.
"""

from __future__ import annotations

import re
from typing import Final
from xml.parsers import expat
from xml.sax.saxutils import unescape

from brightline.origin.containers.found import FIELDS, Found

_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_PREFIXES: Final = {
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt",
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": "Iptc4xmpCore",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/terms/": "dcterms",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/xap/1.0/mm/": "xmpMM",
    "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#": "stEvt",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://ns.adobe.com/xmp/note/": "xmpNote",
    "http://www.tc260.org.cn/ns/AIGC/1.0/": "TC260",
    _RDF: "rdf",
    "adobe:ns:meta/": "x",
    "http://www.w3.org/XML/1998/namespace": "xml",
}
#: names of properties as the parser gives them → as fields have them; of all files, up to a limit
_KNOWN: Final[dict[str, str]] = {}
_NAMES_KEPT: Final = 2048
_NAME_KEPT: Final = 200
_STRUCTURE: Final = frozenset(("rdf", "x", "xml"))
_DEPTH: Final = 100
_EQUALS: Final = 50_000
_LENIENT: Final = 256 << 10
#: fields after which only those in `_NAMES` are kept: histories must not crowd them out
_OTHERS: Final = FIELDS // 2
#: properties that are worth looking for in a packet with too much markup to be read through
_NAMES: Final = ("DigitalSourceType", "Credit", "AIGC", "UserComment", "CreatorTool", "description")
_SIZE_KEYS: Final = (
    ("exif:PixelXDimension", "exif:PixelYDimension"),
    ("tiff:ImageWidth", "tiff:ImageLength"),
)
_SIDES: Final = frozenset(key for pair in _SIZE_KEYS for key in pair)


class _TooMuchError(Exception):
    """The packet has more markup than any real one, or a document type; it is not read on."""


def read_xmp(raw: bytes, found: Found, path: str) -> None:
    """The fields of one packet."""
    if not found.room():
        return
    raw, wide = _as_utf8(found.take(raw))
    raw = raw.strip(b"\0 \t\r\n")
    if not raw:
        return
    reader = _Reader(found, path)
    try:
        # the parser makes a list of a tag's attributes before it asks anybody
        if raw.count(b"=") > _EQUALS:
            raise _TooMuchError
        reader.parse(raw, wide)
    except _TooMuchError:
        found.note("xmp_limit")
        _around_names(raw.decode("utf-8", "replace"), found, path, reader.seen)
    except expat.ExpatError:
        found.note("xmp_malformed")
        text = raw.decode("utf-8", "replace")
        whole = _lenient(text[:_LENIENT], found, path, reader.seen)
        if not whole or len(text) > _LENIENT:
            found.note("xmp_limit")
            _around_names(text, found, path, reader.seen)
    reader.finish()


_MARKS: Final = (
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_HEAD: Final = 64


def _as_utf8(raw: bytes) -> tuple[bytes, bool]:
    """The packet in UTF-8, and whether it was in a wider form, which the specification allows.

    A byte order mark tells, else the NULs around the first `<` and where that stands.
    """
    if raw[:1] in (b"\xff", b"\xfe", b"\0"):
        for mark, name in _MARKS:
            if raw.startswith(mark):
                return _narrow(raw[len(mark) :], name), True
    at = raw.find(b"<", 0, _HEAD)
    if at < 0 or raw[at + 1 : at + 2] != b"\0":
        return raw, False
    if raw[at + 1 : at + 4] == bytes(3):
        return _narrow(raw, "utf-32-be" if at % 4 == 3 else "utf-32-le"), True
    return _narrow(raw, "utf-16-be" if at % 2 else "utf-16-le"), True


def _narrow(raw: bytes, name: str) -> bytes:
    return raw.decode(name, "replace").encode("utf-8", "replace")


class _Reader:
    """Turns the parser's events into fields."""

    __slots__ = ("found", "path", "seen", "sizes", "stack", "text")

    def __init__(self, found: Found, path: str) -> None:
        self.found, self.path = found, path
        self.stack: list[str] = []
        self.text: list[str] = []
        self.seen: set[tuple[str, str]] = set()
        self.sizes: dict[str, int] = {}

    def parse(self, raw: bytes, narrowed: bool) -> None:
        # a declaration in a packet that was narrowed still names the wider form
        parser = expat.ParserCreate("utf-8" if narrowed else None, "\n")
        parser.buffer_text = True
        parser.ordered_attributes = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self.text.append
        parser.StartDoctypeDeclHandler = self._doctype
        try:
            parser.Parse(raw, True)
        finally:  # the handlers hold this object, and it them
            parser.StartElementHandler = parser.EndElementHandler = None
            parser.CharacterDataHandler = parser.StartDoctypeDeclHandler = None

    def _doctype(self, *_: object) -> None:
        raise _TooMuchError

    def _name(self, name: str) -> str:
        known = _KNOWN.get(name)
        if known is None:
            space, _, local = name.rpartition("\n")
            prefix = _PREFIXES.get(space) or _PREFIXES.get(space.replace("https:", "http:", 1))
            known = f"{prefix or 'other'}:{local}"[:80]
            if len(_KNOWN) < _NAMES_KEPT and len(name) < _NAME_KEPT:  # they come out of files
                _KNOWN[name] = known
        return known

    def _start(self, name: str, attributes: list[str]) -> None:
        self.found.events -= 1 + len(attributes) // 2
        if self.found.events < 0 or len(self.stack) > _DEPTH:
            raise _TooMuchError
        self.text.clear()
        self.stack.append(self._name(name))
        for at in range(0, len(attributes), 2):
            attribute = self._name(attributes[at])
            if attribute == "rdf:resource" or attribute == "rdf:value":
                self._keep(self._property(), attributes[at + 1])
            elif attribute.partition(":")[0] not in _STRUCTURE:
                self._keep(attribute, attributes[at + 1])

    def _end(self, _: str) -> None:
        if self.text:
            text = "".join(self.text).strip()
            self.text.clear()
            if text:
                self._keep(self._property(), text)
        self.stack.pop()

    def _property(self) -> str:
        for key in reversed(self.stack):
            if key.partition(":")[0] not in _STRUCTURE:
                return key
        return "rdf:Description"

    def _keep(self, key: str, text: str) -> None:
        self.seen.add((key.partition(":")[2], text))
        _keep(self.found, key, text, self.path, self.sizes)

    def finish(self) -> None:
        """Keep the sizes of which both sides were found."""
        for across, down in _SIZE_KEYS:
            if across in self.sizes and down in self.sizes:
                size = (f"xmp:{across}", self.sizes[across], self.sizes[down])
                self.found.sizes.append(size)


def _keep(found: Found, key: str, text: str, path: str, sizes: dict[str, int]) -> None:
    if key in _SIDES:
        if text.isascii() and text.isdigit() and len(text) < 8:
            sizes[key] = int(text)
        return
    if key == "dcterms:provenance":
        found.remote = True
    if len(found.fields) > _OTHERS and key.partition(":")[2] not in _NAMES:
        found.note("metadata_limit")
        return
    found.add("xmp", key, text, f"{path} {key}")


_TAG: Final = re.compile(r"<([^<>]*)>([^<]*)")
_NAME: Final = re.compile(r"\s{0,64}([\w.-]{1,60}:[\w.-]{1,80})")
#: a name is tried only where one starts, so that long runs of letters cost their length once
_ATTRIBUTE: Final = re.compile(
    r"(?<![\w.:-])([\w.-]{1,60}:[\w.-]{1,80})\s{0,8}=\s{0,8}(\"[^\"]*\"|'[^']*')"
)
_ENTITIES: Final = {"&quot;": '"', "&apos;": "'"}


def _lenient(text: str, found: Found, path: str, held: set[tuple[str, str]]) -> bool:
    """Fields of markup that is no XML, without those in `held`; prefixes are taken as written.

    False where there was more markup than is read.
    """
    current = "rdf:Description"
    for tag in _TAG.finditer(text):
        found.events -= 1
        if found.events < 0:
            return False
        name = _NAME.match(tag[1])
        if name and name[1].partition(":")[0] not in _STRUCTURE:
            current = name[1]
        pairs = [(a[1], a[2][1:-1]) for a in _ATTRIBUTE.finditer(tag[1], name.end() if name else 0)]
        pairs.append((current, tag[2]))
        for key, value in pairs:
            value = unescape(value, _ENTITIES).strip()
            key = current if key in ("rdf:resource", "rdf:value") else key
            prefix, _, local = key.partition(":")
            if value and prefix not in (*_STRUCTURE, "xmlns") and (local, value) not in held:
                held.add((local, value))
                _keep(found, key, value, path, {})
    return True


_WINDOW: Final = 4096
_PLACES: Final = 4


def _around_names(text: str, found: Found, path: str, seen: set[tuple[str, str]]) -> None:
    """Fields near the names in `_NAMES`: editors leave histories of many thousand entries."""
    for name in _NAMES:
        at = -1
        for _ in range(_PLACES):
            at = text.find(f":{name}", at + 1)
            if at < 0:
                break
            found.events = 200
            start = max(text.rfind("<", max(at - _WINDOW, 0), at), 0)
            _lenient(text[start : at + _WINDOW], found, path, seen)
    found.events = 0
