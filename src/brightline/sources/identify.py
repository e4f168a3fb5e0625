"""Which kind of shard a file makes, by its content."""

from __future__ import annotations

from dataclasses import dataclass

from brightline.sources import delimited
from brightline.sources.compression import decompressed
from brightline.sources.nested import holds_tar, inner_name
from brightline.sources.paths import extension
from brightline.sources.sniff import COMPRESSED, Form, sniff
from brightline.sources.streams import HEAD, MIB, BrokenStreamError, Budget, Window, WindowStream
from brightline.sources.tarheader import BLOCK, ZERO_BLOCK, parse
from brightline.types import Limits

_TEXT_TABLES = frozenset(("csv", "tsv", "tab", "psv", "txt"))
_KINDS = {Form.TAR: "tar", Form.ZIP: "zip", Form.PARQUET: "parquet"}


@dataclass(frozen=True, slots=True)
class Found:
    """A kind of shard (tar, zip, parquet, csv), and the compression around it."""

    kind: str
    codec: Form | None = None


def identify(window: Window, name: str) -> Found | None:
    """The kind of an archive or a table; None for a plain file, or one that cannot be read.

    One compressed file that holds neither a tar nor a table is a plain file: it is opened where
    it is read.
    """
    try:
        head = window.pread(0, HEAD)
        form = sniff(head)
        if form in _KINDS:
            return Found(_KINDS[form])
        if form is not None and form in COMPRESSED:
            return _inside(window, form, name)
        if extension(name) == "tar" and _begins_damaged(window, head):
            return Found("tar")
        if b"\0" not in head or head[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return _text(window.pread(0, delimited.SNIFFED), name)
    except BrokenStreamError:
        return None
    return None


def _inside(window: Window, form: Form, name: str) -> Found | None:
    budget = Budget(Limits(expansion_base=MIB, expansion_factor=0), 0, _ignore)
    stream = decompressed(WindowStream(window, piece=delimited.SNIFFED), form, budget)
    try:
        head = stream.peek(delimited.SNIFFED)
    except BrokenStreamError:
        # nothing comes out at all: only the name is left to go by
        return Found("tar", form) if extension(inner_name(name)) == "tar" else None
    if holds_tar(head[:HEAD], name):
        return Found("tar", form)
    found = _text(head, inner_name(name))
    return None if found is None else Found(found.kind, form)


def _ignore(_: int) -> None:
    """No progress is shown while files are told apart."""


def _text(head: bytes, name: str) -> Found | None:
    alone = extension(name) in _TEXT_TABLES
    return None if delimited.detect(head, alone=alone) is None else Found("csv")


def _begins_damaged(window: Window, head: bytes) -> bool:
    """Whether a file called .tar is one: empty, or with a header behind a damaged start."""
    if head[:BLOCK] == ZERO_BLOCK:
        return True
    start = window.pread(0, MIB)
    return any(
        parse(start[at : at + BLOCK]) is not None for at in range(0, len(start) - BLOCK + 1, BLOCK)
    )
