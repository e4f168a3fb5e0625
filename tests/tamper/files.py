"""Files of a workspace by kind, and one place in each class of bytes that a kind has."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

#: (class of bytes, place in the file)
Place: TypeAlias = "tuple[str, int]"
#: (pattern of a path, kind)
Kinds: TypeAlias = "tuple[tuple[str, str], ...]"

#: the kind of a file by its path in the workspace, the first pattern that fits
KINDS: Kinds = (
    (r"(.*/)?\.lock[^/]*", "lock file"),
    (r"brightline\.toml", "settings"),
    (r"keys/ledger\.pem", "private key"),
    (r"keys/ledger\.vkeys", "public keys"),
    (r"ledger/checkpoint", "checkpoint"),
    (r"ledger/state", "ledger state"),
    (r"ledger/tile/entries/.*\.p/[0-9]+", "entry bundle, partial"),
    (r"ledger/tile/entries/.*", "entry bundle"),
    (r"ledger/tile/.*\.p/[0-9]+", "tile, partial"),
    (r"ledger/tile/.*", "tile"),
    (r"lists/.*/manifest\.json", "list: manifest"),
    (r"lists/.*\.parquet", "list: entries"),
    (r"lists/.*\.idx", "list: index"),
    (r"lists/.*\.npy", "list: array"),
    (r"runs/[^/]*/run\.json", "run: parameters"),
    (r"runs/[^/]*/manifest\.parquet", "run: manifest"),
    (r"runs/[^/]*/summary\.json", "run: summary"),
    (r"runs/.*/counts\.json", "shard: counts"),
    (r"runs/.*/findings\.age", "shard: findings"),
    (r"runs/.*/signals\.parquet", "shard: signals"),
    (r"referrals/[^/]*/draft\.json", "referral: draft"),
    (r"referrals/[^/]*/case\.age", "referral: case file"),
    (r"referrals/.*/reviews/.*\.age", "referral: review"),
    (r"referrals/.*\.age", "referral: sent and answered"),
    (r"referrals/.*\.json", "referral: step"),
    (r"releases/seed\.age", "release: seed"),
    (r"releases/.*/plan\.age", "release: plan"),
)

#: likewise in a release
RELEASED: Kinds = (
    (r"\.brightline/manifest\.jsonl", "manifest"),
    (r"\.brightline/release\.json", "counts"),
    (r"\.brightline/statement\.intoto\.jsonl", "statement"),
    (r"\.brightline/statement\.intoto\.jsonl\.proof", "proof"),
    (r"[^/]*\.tar", "data"),
)


def kind_of(path: str, kinds: Kinds = KINDS) -> str:
    """What a file is; AssertionError for one that this does not know yet."""
    found = next((kind for pattern, kind in kinds if re.fullmatch(pattern, path)), None)
    assert found is not None, f"{path} is of no kind that the sweep knows"
    return found


def places(path: str, data: bytes, *, every: bool) -> list[Place]:
    """Where to change a file: first, middle and last byte of each class, or every instance."""
    found = [*_ends(data), *_structure(path, data)]
    if not every:
        found = list({name: (name, at) for name, at in reversed(found)}.values())[::-1]
    return sorted(set(found), key=lambda place: place[1])


def _ends(data: bytes) -> Iterator[Place]:
    if data:
        yield "first byte", 0
        yield "middle byte", len(data) // 2
        yield "last byte", len(data) - 1


def _structure(path: str, data: bytes) -> Iterator[Place]:
    """The classes of bytes of a file, by what it is."""
    name = path.rsplit("/", 1)[-1]
    for pattern, read in _READERS:
        if re.fullmatch(pattern, path if "/" in pattern else name):
            yield from read(data)
            return


@dataclass(frozen=True, slots=True)
class _Tokens:
    """Classes of bytes found by patterns: the first, the middle and the last token of each."""

    patterns: tuple[tuple[str, bytes], ...]

    def __call__(self, data: bytes) -> Iterator[Place]:
        for name, pattern in self.patterns:
            found = [m for m in re.finditer(pattern, data, re.MULTILINE) if m[0]]
            for match in {m.span(): m for m in _three(found)}.values():
                yield name, (match.start() + match.end() - 1) // 2


def _three(found: list[re.Match[bytes]]) -> list[re.Match[bytes]]:
    return [found[0], found[len(found) // 2], found[-1]] if found else []


_json = _Tokens(
    (
        ("JSON key", rb'"(?:[^"\\]|\\.)*"(?=\s*:)'),
        ("JSON text", rb'"(?:[^"\\]|\\.)*"(?!\s*:)'),
        ("JSON number", rb"(?<=[:\[,\s])-?[0-9][0-9.eE+-]*"),
        ("JSON word", rb"\b(?:true|false|null)\b"),
        ("JSON mark", rb"[{}\[\]:,]"),
        ("JSON space", rb"\s+"),
    )
)
_toml = _Tokens(
    (
        ("TOML comment", rb"#.*$"),
        ("TOML key", rb"^[a-z]+(?= =)"),
        ("TOML table", rb"^\[\[.*\]\]$"),
        ("TOML text", rb'"[^"]*"'),
        ("TOML number", rb"(?<== )[0-9]+"),
        ("TOML line end", rb"\n"),
        ("TOML space", rb" "),
    )
)
_pem = _Tokens(
    (
        ("PEM label", rb"^-----.*-----$"),
        ("PEM body", rb"^[A-Za-z0-9+/=]+$"),
        ("PEM line end", rb"\n"),
    )
)
_vkeys = _Tokens(
    (
        ("key name", rb"^[^+\n]+"),
        ("key id", rb"(?<=\+)[0-9a-f]{8}(?=\+)"),
        ("key", rb"(?<=\+)[A-Za-z0-9+/=]{44}$"),
        ("line end", rb"\n"),
    )
)
_state = _Tokens((("word", rb"^[a-z]+"), ("number", rb"[0-9]+"), ("line end", rb"\n")))


def _checkpoint(data: bytes) -> Iterator[Place]:
    """Each line's first, middle and last byte, and its end."""
    names = ("origin", "size", "root", "blank line", "signature")
    start = 0
    for number, line in enumerate(data.splitlines(keepends=True)):
        name = names[min(number, 4)]
        for at in {0, (len(line) - 1) // 2, max(0, len(line) - 2)}:
            yield f"checkpoint {name}", start + at
        if name == "signature":
            after_name = line.index(b" ", 4) + 1
            yield "checkpoint signature: dash", start + 1
            yield "checkpoint signature: name", start + 6
            yield "checkpoint signature: key id", start + after_name + 2
        yield f"checkpoint {name}: line end", start + len(line) - 1
        start += len(line)


def _parquet(data: bytes) -> Iterator[Place]:
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    yield "Parquet magic", 1
    for at in (4, (4 + footer) // 2, footer - 1):
        yield "Parquet data", at
    for at in (footer, (footer + len(data) - 8) // 2, len(data) - 9):
        yield "Parquet footer", at
    for at in (len(data) - 8, len(data) - 5):
        yield "Parquet footer length", at
    yield "Parquet end magic", len(data) - 2


def _age(data: bytes) -> Iterator[Place]:
    """Header lines (age-encryption.org/v1), then a nonce of 16 bytes and the payload."""
    end = data.index(b"\n", data.index(b"\n--- ") + 1) + 1
    yield "age version", 5
    start = 0
    for line in data[:end].splitlines(keepends=True):
        if line.startswith(b"-> "):
            yield "age stanza", start + len(line) // 2
        elif line.startswith(b"--- "):
            yield "age header MAC", start + len(line) // 2
        elif start:
            yield "age stanza body", start + len(line) // 2
        yield "age header line end", start + len(line) - 1
        start += len(line)
    yield "age nonce", end + 7
    for at in (end + 16, (end + 16 + len(data)) // 2, len(data) - 17):
        yield "age payload", at
    yield "age payload tag", len(data) - 1


def _npy(data: bytes) -> Iterator[Place]:
    length = int.from_bytes(data[8:10], "little")
    yield "npy magic", 0
    yield "npy version", 6
    yield "npy header length", 8
    for at in (10, 10 + length // 2, 10 + length - 1):
        yield "npy header", at
    for at in (10 + length, (10 + length + len(data)) // 2, len(data) - 1):
        if at < len(data):
            yield "npy data", at


def _index(data: bytes) -> Iterator[Place]:
    """As `match._file` says: magic, version, length and CRC of the header, header, arrays."""
    length = int.from_bytes(data[12:16], "little")
    yield "index magic", 3
    yield "index version", 8
    yield "index header length", 12
    yield "index header CRC", 17
    for at in (20, 20 + length // 2, 19 + length):
        yield "index header", at
    for at in (20 + length, (20 + length + len(data)) // 2, len(data) - 1):
        if at < len(data):
            yield "index arrays", at


def _tile(data: bytes) -> Iterator[Place]:
    for number, start in enumerate(range(0, len(data), 32)):
        yield "tile hash", start + number % 32


def _bundle(data: bytes) -> Iterator[Place]:
    """Of every entry, in turn, its length and bytes of its record."""
    start = number = 0
    while start < len(data):
        end = start + 2 + int.from_bytes(data[start : start + 2], "big")
        if number % 2:
            yield "entry length", start + number // 2 % 2
        yield "entry record", start + 2 + number * 7 % (end - start - 2)
        start, number = end, number + 1


_READERS: tuple[tuple[str, Callable[[bytes], Iterator[Place]]], ...] = (
    (r".*\.jsonl?|.*\.jsonl\.proof", _json),
    (r".*\.toml", _toml),
    (r".*\.pem", _pem),
    (r".*\.vkeys", _vkeys),
    (r"state", _state),
    (r"checkpoint|.*\.checkpoint", _checkpoint),
    (r".*\.parquet", _parquet),
    (r".*\.age", _age),
    (r".*\.npy", _npy),
    (r".*\.idx", _index),
    (r"ledger/tile/entries/.*", _bundle),
    (r"ledger/tile/.*", _tile),
)
