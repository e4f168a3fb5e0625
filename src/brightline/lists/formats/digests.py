"""Digest text: what md5sum, sha1sum, sha256sum and BSD's md5 and sha256 print.

GNU coreutils manual, "md5sum invocation": `hex  name`, `hex *name`, a leading backslash where
the name is escaped, and with --tag `MD5 (name) = hex`. Bare digests too. The type follows from
the length: 32, 40 or 64 digits are MD5, SHA-1 or SHA-256, so PDQ hashes need the CSV format.
File names are not kept: they are not needed, and they may describe what nobody should read.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from itertools import chain

from brightline.lists.collected import CODE, Collected
from brightline.lists.formats.faults import Fault, Faults, Unit
from brightline.lists.formats.interface import Source
from brightline.lists.formats.lines import first_line, line_blocks
from brightline.lists.formats.values import without_prefix
from brightline.types import Role, SignalType

_TAGGED = re.compile(rb"(MD5|SHA1|SHA256) ?\(.*\) ?= ?(\S+)", re.DOTALL)
_LIKELY = re.compile(rb"\\?(?:0[xX])?[0-9A-Fa-f]{16}|\\?(MD5|SHA1|SHA256) ?\(")
_TAGS = {b"MD5": SignalType.MD5, b"SHA1": SignalType.SHA1, b"SHA256": SignalType.SHA256}
_BY_LENGTH = {2 * signal.width: CODE[signal] for signal in _TAGS.values()}


class Digests:
    """Digest text, one digest a line; blank lines and `#` comments are passed over."""

    name = "digests"
    unit: Unit = "line"
    role: Role | None = None

    def recognises(self, head: bytes) -> bool:
        """Whether it starts as a digest or a tagged one does, or says nothing at all."""
        line = first_line(head)
        return line is None or _LIKELY.match(line) is not None

    def read(self, source: Source, entries: Collected, faults: Faults) -> None:
        """Read the whole stream."""
        lines = chain.from_iterable(line_blocks(source.stream, faults))
        for number, line in enumerate(lines, 1):
            text = line.strip()
            if not text or text.startswith(b"#"):
                continue
            fault = _take(text, entries)
            if fault is not None:
                faults.add(number, fault)


def _take(text: bytes, entries: Collected) -> Fault | None:
    body = text[1:] if text.startswith(b"\\") else text
    if body.startswith((b"MD5", b"SHA")) and (tagged := _TAGGED.fullmatch(body)):
        digits = tagged[2]
        code = _BY_LENGTH.get(len(digits))
        if code != CODE[_TAGS[tagged[1]]]:
            return Fault.WRONG_LENGTH
    else:
        digits = without_prefix(body.split(None, 1)[0]) if body else body
        code = _BY_LENGTH.get(len(digits))
    if code is None:
        return Fault.WRONG_LENGTH
    try:
        entries.add(code, unhexlify(digits))
    except ValueError:
        return Fault.NOT_HEX
    return None
