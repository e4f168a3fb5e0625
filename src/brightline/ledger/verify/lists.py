"""Whether the lists of a workspace, and those that its runs used, are the ones on its ledger."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from brightline.errors import VerificationError
from brightline.ledger.verify.chain import Entry
from brightline.ledger.verify.files import (
    Compared,
    check_extra,
    check_file,
    files_below,
    folders_in,
    is_temporary,
)

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(slots=True)
class Lists:
    """What the ledger says of lists: `versions` maps (name, version) to the fields of the import,
    `deltas` the folder of a compiled delta to the digest of its manifest."""

    versions: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    deltas: dict[str, str] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Take the next record."""
        fields = entry.fields
        match entry.kind:
            case "list_imported":
                key = str(fields.get("name")), str(fields.get("version"))
                self.versions[key] = fields
            case "delta_compiled":
                span = f"{fields.get('since')}..{fields.get('version')}"
                digest = str(fields.get("manifest")).removeprefix("sha256:")
                if _DIGEST.fullmatch(digest):
                    self.deltas[f"lists/{fields.get('name')}/deltas/{span}"] = digest
            case _:
                pass


def compare_lists(root: Path, expected: Lists, done: Compared, beat: Callable[[int], None]) -> None:
    """Compare the folder `lists/` with the ledger; `beat` is told the bytes read.

    Raises VerificationError naming the first thing that is missing or changed. A version that
    the ledger does not have is named as not covered; `check_used` refuses a run that used it.
    """
    for (name, version), fields in expected.versions.items():
        where = f"lists/{name}/{version}"
        folder = root / "lists" / name / version
        if not folder.is_dir():
            raise VerificationError(f"{where} is missing")
        digest = str(fields.get("manifest", "")).removeprefix("sha256:")
        if _DIGEST.fullmatch(digest):
            check_file(root, f"{where}/manifest.json", digest, done, beat)
        manifest = _manifest(root, where)
        if any(manifest.get(each) != fields.get(each) for each in ("version", "digest", "entries")):
            raise VerificationError(f"{where}/manifest.json is not of the list on the ledger")
        _listed(root, where, manifest, done, beat)
        done.lists += 1
    for home in folders_in(root / "lists"):
        for folder in folders_in(home):
            where = f"lists/{home.name}/{folder.name}"
            if folder.name == "deltas":
                for delta in folders_in(folder):
                    _delta(root, f"{where}/{delta.name}", expected, done, beat)
            elif (home.name, folder.name) not in expected.versions:
                done.not_covered.append(f"{where}: not recorded; no run may use it")


def _delta(
    root: Path, where: str, expected: Lists, done: Compared, beat: Callable[[int], None]
) -> None:
    """What one version adds to another. It may be removed, and is then compiled again."""
    digest = expected.deltas.get(where)
    if digest is None:
        done.not_covered.append(f"{where}: compiled, not recorded; it is made again before use")
        return
    check_file(root, f"{where}/manifest.json", digest, done, beat)
    _listed(root, where, _manifest(root, where), done, beat)


def _manifest(root: Path, where: str) -> dict[str, Any]:
    """The manifest of a list's version or delta, which has a digest for each file beside it."""
    try:
        manifest: dict[str, Any] = json.loads((root / where / "manifest.json").read_bytes())
        for file, digest in manifest["files"].items():
            if not _DIGEST.fullmatch(digest) or not isinstance(file, str):
                raise ValueError(file)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise VerificationError(f"{where}/manifest.json is missing or damaged") from None
    return manifest


def _listed(
    root: Path,
    where: str,
    manifest: dict[str, Any],
    done: Compared,
    beat: Callable[[int], None],
) -> None:
    """The files that a manifest names, and no other."""
    files = manifest["files"]
    for file, digest in files.items():
        check_file(root, f"{where}/{file}", digest, done, beat)
    for path in files_below(root / where):
        if path not in files and path != "manifest.json":
            check_extra(done, f"{where}/{path}", pending=is_temporary(path))


def check_used(root: Path, where: str, expected: Lists, done: Compared) -> None:
    """Check that a run's lists are those that were imported; `where` is its folder.

    One that does not lie here is only named: it was opened from elsewhere, or taken away.
    Raises VerificationError for one that lies here unrecorded, or has another digest.
    """
    try:
        document = json.loads((root / where / "run.json").read_bytes())
        used = [
            (str(each["name"]), str(each["version"]), each.get("since"), str(each["digest"]))
            for each in document["parameters"]["lists"]
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise VerificationError(f"{where}/run.json is missing or damaged") from None
    for name, version, since, digest in used:
        parts = [str(since), version] if since is not None else [version]
        strange = [part for part in parts if (name, part) not in expected.versions]
        for part in strange:
            if (root / "lists" / name / part).exists():
                raise VerificationError(
                    f"{where} was screened against lists/{name}/{part}, which is not on the ledger"
                )
            done.not_covered.append(f"{where}: its list {name}@{part} is not on the ledger")
        if strange:
            continue
        digests = [str(expected.versions[name, part].get("digest")) for part in parts]
        text = "".join(f"{each}\n" for each in digests)
        delta = hashlib.sha256(f"brightline-delta-1\n{text}".encode()).hexdigest()
        if digest != (digests[0] if since is None else f"sha256:{delta}"):
            raise VerificationError(
                f"{where} was screened against another lists/{name}/{version} than the ledger has"
            )
