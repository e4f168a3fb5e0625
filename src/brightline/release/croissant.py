"""Croissant metadata of a release: fields of Croissant 1.1 and RAI 1.0, in JSON-LD.

What is there already stays; a field of ours from an earlier time is replaced. Croissant has no
field for screening by hash lists, so it is told where its vocabulary comes nearest:

    rai:dataManipulationProtocol   what was screened, with which lists, and what was left out
    rai:dataLimitations            what the statement says of its limits
    prov:wasGeneratedBy            the activity, its end, and its counts
    prov:wasDerivedFrom            the run's manifest, as a name by digest (RFC 6920)
    distribution                   SHA-256 of each file that it lists; all files, if it is new

Specification: mlcommons.org/croissant/1.1 (dataset-level information, resources, provenance) and
mlcommons.org/croissant/RAI/1.0.
"""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from brightline.errors import UsageError, VerificationError
from brightline.release.manifest import Entry, File
from brightline.release.statement import Statement, list_name
from brightline.release.strict import load_json

NAME = "croissant.json"
CROISSANT = "http://mlcommons.org/croissant/1.1"
RAI = "http://mlcommons.org/croissant/RAI/1.0"

_VERSIONS = "http://mlcommons.org/croissant/"
_MOST = 64 << 20
#: files that a new description lists one by one; of more it lists what is not a picture's file
_LISTED = 1000
_MARK = "Screened with Brightline"
_LIMIT = "Screening by hash lists: "

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
#: prefixes that an existing context needs for what is added
_PREFIXES = ("dct", "prov", "rai")

_FORMATS = {
    "tar": "application/x-tar",
    "tgz": "application/gzip",
    "gz": "application/gzip",
    "zip": "application/zip",
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "txt": "text/plain",
    "md": "text/markdown",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
}


def read_document(path: Path) -> dict[str, Any]:
    """An existing description; UsageError if it is not one that can be added to."""
    try:
        document = load_json(path.read_bytes(), str(path), _MOST)
    except VerificationError as error:
        raise UsageError(f"{error}; mend it, or name another file with --croissant") from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    if not isinstance(document, dict) or "@context" not in document:
        raise UsageError(f"{path} is not Croissant metadata: it has no @context")
    return document


def describe(
    document: dict[str, Any] | None, name: str, entries: Sequence[Entry], screening: Statement
) -> bytes:
    """The description with our fields, as the file's bytes.

    `document` is what there was, or None for a new one of this `name`; `entries` are the
    dataset's files without the description itself; `screening` the statement that is to come.
    Raises UsageError if a field that must be added to has a shape that Croissant does not know.
    """
    out = copy.deepcopy(document) if document is not None else _new(name, entries)
    out["@context"] = _context(out["@context"])
    _conform(out)
    _set_digests(out.get("distribution"), entries)
    predicate = screening.predicate
    key = "rai:dataManipulationProtocol"
    out[key] = _joined(out.get(key), _protocol(predicate))
    key = "rai:dataLimitations"
    kept = [text for text in _many(out.get(key)) if not str(text).startswith(_LIMIT)]
    out[key] = [*kept, *(_LIMIT + text for text in predicate["limits"])]
    key = "prov:wasGeneratedBy"
    kept = [
        value
        for value in _many(out.get(key))
        if not (isinstance(value, dict) and str(value.get("prov:label", "")).startswith(_MARK))
    ]
    out[key] = [*kept, _activity(predicate)]
    key = "prov:wasDerivedFrom"
    source = {"@id": _named(predicate["run"]["manifest"])}
    out[key] = [*(value for value in _many(out.get(key)) if value != source), source]
    return json.dumps(out, indent=2, ensure_ascii=False).encode() + b"\n"


def _new(name: str, entries: Sequence[Entry]) -> dict[str, Any]:
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": name,
        "description": f"The files of {name}, as its manifest lists them.",
        "conformsTo": [CROISSANT, RAI],
        "distribution": _distribution(entries),
    }


def _distribution(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    files = [entry for entry in entries if isinstance(entry, File)]
    if len(files) > _LISTED:
        listed = [f for f in files if not _format(f.path).startswith("image/")][:_LISTED]
    else:
        listed = files
    objects: list[dict[str, Any]] = [
        {
            "@type": "cr:FileObject",
            "@id": _address(file.path),
            "name": file.path.decode("utf-8", "backslashreplace"),
            "contentUrl": _address(file.path),
            "contentSize": f"{file.size} B",
            "encodingFormat": _format(file.path),
            "sha256": file.sha256,
        }
        for file in listed
    ]
    rest = set(files).difference(listed)
    sets = sorted({(_suffix(file.path), _format(file.path)) for file in rest})
    return objects + [
        {
            "@type": "cr:FileSet",
            "@id": f"files-{suffix or 'other'}",
            "name": f"files-{suffix or 'other'}",
            "encodingFormat": form,
            "includes": f"**/*.{suffix}" if suffix else "**/*",
        }
        for suffix, form in sets
    ]


def _suffix(path: bytes) -> str:
    stem, dot, suffix = path.rpartition(b"/")[2].rpartition(b".")
    return suffix.decode("utf-8", "replace") if dot and stem else ""


def _format(path: bytes) -> str:
    return _FORMATS.get(_suffix(path).lower(), "application/octet-stream")


def _address(path: bytes) -> str:
    """A relative reference to a file (RFC 3986), which any bytes can be spelled in."""
    return quote(path)


def _context(context: Any) -> Any:
    """The context, with the prefixes that our fields need."""
    added = {prefix: _CONTEXT[prefix] for prefix in _PREFIXES}
    if isinstance(context, dict):
        return {**added, **context}
    return [*_many(context), added]


def _conform(out: dict[str, Any]) -> None:
    key = "dct:conformsTo" if "dct:conformsTo" in out else "conformsTo"
    others = [
        version
        for version in _many(out.get(key))
        if version not in (CROISSANT, RAI)
        and not (
            str(version).startswith(_VERSIONS) and str(version)[len(_VERSIONS) :][:1].isdigit()
        )
    ]
    out[key] = [CROISSANT, RAI, *others]


def _set_digests(distribution: Any, entries: Iterable[Entry]) -> None:
    """Put each listed file's digest and size right: a release rewrites files."""
    files = {entry.path: entry for entry in entries if isinstance(entry, File)}
    for resource in _many(distribution):
        if not isinstance(resource, dict) or "containedIn" in resource:
            continue
        where = resource.get("contentUrl")
        file = files.get(_path(where)) if isinstance(where, str) else None
        if file is None:
            continue
        resource["sha256"] = file.sha256
        resource.pop("md5", None)
        if "contentSize" in resource:
            resource["contentSize"] = f"{file.size} B"


def _path(address: str) -> bytes:
    return (
        unquote(address, errors="surrogateescape")
        .removeprefix("./")
        .encode("utf-8", "surrogateescape")
    )


def _protocol(predicate: dict[str, Any]) -> str:
    counts, lists = predicate["accounting"], predicate["lists"]
    named = "; ".join(
        " ".join(filter(None, (list_name(entry), entry["digest"], _part(entry)))) for entry in lists
    )
    text = (
        f"{_MARK} {predicate['tool']['version']} until {predicate['run']['finished']}, by digest "
        f"and PDQ hash, with these hash lists: {named}. Of {counts['items']} items "
        f"{counts['screened']} were screened, {counts['exact_only']} compared by digest only, "
        f"{counts['skipped']} skipped and {counts['failed']} failed."
    )
    if "release" in predicate:
        text += " Items that matched were left out, with others at random; see .brightline/."
    return text


def _part(entry: dict[str, Any]) -> str | None:
    return "(only what this version adds to an earlier one)" if entry.get("delta") else None


def _activity(predicate: dict[str, Any]) -> dict[str, Any]:
    tool = predicate["tool"]
    return {
        "@type": "prov:Activity",
        "prov:label": f"{_MARK} {tool['version']}",
        "prov:startedAtTime": predicate["run"]["started"],
        "prov:endedAtTime": predicate["created"],
    }


def _named(digest: str) -> str:
    raw = bytes.fromhex(digest.removeprefix("sha256:"))
    return "ni:///sha-256;" + base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _joined(present: Any, text: str) -> str:
    """One text, since this field takes one; ours is at the end, where it is found again."""
    if present is None:
        return text
    if not isinstance(present, str):
        raise UsageError("rai:dataManipulationProtocol takes one text; the description has more")
    before = present.partition(_MARK)[0].rstrip()
    return f"{before}\n\n{text}" if before else text


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
