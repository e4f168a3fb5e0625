"""A list in the shape of Project VIC JSON 2.0, `#Media` (see `formats.vics`); uncertified.

A Media a line, so that the file can be read as it grows. MD5 and SHA1 have fields of their
own; SHA-256, PDQ, digests of addresses, and what there is more than one of go to
AlternativeHashes, as do opaque signals other than PhotoDNA. Labels go to Tags: one string with
semicolons, or an array where a label holds one. Records without an MD5 are not written, since
MD5 is mandatory; a category that is no number cannot be held and becomes null.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from typing import Any, TextIO

from brightline.lists.exporting.groups import Group
from brightline.lists.exporting.losses import Exported, Loss
from brightline.lists.formats.faults import FaultyRecordError
from brightline.lists.formats.values import (
    MAX_PARTS,
    MAX_TEXT,
    PHOTODNA,
    PHOTODNA_BYTES,
    utc_time,
)
from brightline.lists.formats.vics import HASH_NAMES, LABEL_SEPARATOR, OPAQUE_NAME
from brightline.lists.provenance import Provenance
from brightline.types import SignalType

CONTEXT = "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/CUSTOM/$metadata#Media"
_NAMES = {
    SignalType.MD5: "MD5",
    SignalType.SHA1: "SHA1",
    SignalType.SHA256: "SHA256",
    SignalType.PDQ: "PDQ",
    SignalType.URL: "URL-SHA256",
}
_INT64 = 1 << 63
_INT32 = 1 << 31


def write_vics(out: TextIO, groups: Iterable[Group]) -> Exported:
    """Write all records that have an MD5."""
    done = Exported()
    out.write(f'{{"@odata.context": {json.dumps(CONTEXT)}, "value": [')
    separator = "\n"
    for group in groups:
        done.entries += len(group.entries)
        media = _media(group, done)
        if media is not None:
            out.write(separator + json.dumps(media, ensure_ascii=False))
            separator = ",\n"
            done.written += len(group.entries)
    out.write("\n]}\n")
    done.lost = +done.lost
    return done


def _media(group: Group, done: Exported) -> dict[str, Any] | None:
    hashes = [(entry.signal, entry.value.hex()) for entry in group.entries]
    full = len(hashes) + len(group.opaque) > MAX_PARTS
    if full or SignalType.MD5 not in dict(hashes):
        done.lost[Loss.PARTS if full else Loss.NO_MD5] += 1
        done.lost[Loss.OPAQUE] += len(group.opaque)
        return None
    media: dict[str, Any] = {}
    _describe(media, group, done)
    alternative: list[tuple[str, str]] = []
    for signal, text in hashes:
        name = _NAMES[signal]
        if signal in (SignalType.MD5, SignalType.SHA1) and name not in media:
            media[name] = text.upper()
        else:
            alternative.append((name, text if signal is SignalType.PDQ else text.upper()))
    for kind, value in group.opaque:
        name, found = _opaque(kind, value)
        if not name:
            done.lost[Loss.OPAQUE] += 1
        elif name == "PhotoDNA" and name not in media:
            media[name] = found
        else:
            alternative.append((name, found))
    if alternative:
        media["AlternativeHashes"] = [
            {"MD5": media["MD5"], "HashName": name, "HashValue": text} for name, text in alternative
        ]
    return media


def _describe(media: dict[str, Any], group: Group, done: Exported) -> None:
    """Id, category, date, submitter and tags."""
    first = group.entries[0]
    origin = group.provenance
    if _is_number(origin.source_id, _INT64):
        media["MediaID"] = int(origin.source_id)
    media["Category"] = int(first.category) if _is_number(first.category, _INT32) else None
    done.lost[Loss.CATEGORIES] += bool(first.category) and media["Category"] is None
    if origin.changed and _is_time(origin.changed):
        media["DateUpdated"] = origin.changed
    if origin.submitter and _is_text(origin.submitter):
        media["PrecategorizationSource"] = origin.submitter
    done.lost[Loss.PROVENANCE] += origin != Provenance(
        media.get("PrecategorizationSource", ""),
        str(media.get("MediaID", "")),
        media.get("DateUpdated", ""),
    )
    labels = list(dict.fromkeys(label for entry in group.entries for label in entry.labels))
    done.lost[Loss.UNEVEN] += any(
        entry.category != first.category or set(entry.labels) != set(labels)
        for entry in group.entries
    )
    held = [label for label in labels if label and len(label) <= MAX_TEXT][:MAX_PARTS]
    lost = set(labels).difference(held)
    done.lost[Loss.TEXTS] += sum(not lost.isdisjoint(entry.labels) for entry in group.entries)
    text = LABEL_SEPARATOR.join(held)
    plain = all(_is_text(label) and LABEL_SEPARATOR not in label for label in held)
    if held:
        media["Tags"] = text if plain and len(text) <= MAX_TEXT else held


def _opaque(kind: str, value: bytes) -> tuple[str, str]:
    """HashName and HashValue; empty where the format cannot hold them."""
    if kind == PHOTODNA:
        fits = len(value) == PHOTODNA_BYTES
        return ("PhotoDNA", b64encode(value).decode("ascii")) if fits else ("", "")
    if not OPAQUE_NAME.fullmatch(kind) or kind in HASH_NAMES:
        return "", ""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return "", ""
    return (kind, text) if _is_text(text) else ("", "")


def _is_number(text: str, limit: int) -> bool:
    """Whether a whole number under the limit, spelt in the one usual way."""
    short = text.isascii() and text.isdigit() and len(text) < 20
    return short and int(text) < limit and str(int(text)) == text


def _is_text(text: str) -> bool:
    """Whether it is read back as it is."""
    return bool(text) and text == text.strip() and len(text) <= MAX_TEXT and "\0" not in text


def _is_time(text: str) -> bool:
    try:
        return utc_time(text) == text
    except FaultyRecordError:
        return False
