"""Every reader on mutated files: a correct import or a refusal in one line without content."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brightline.errors import ListError
from brightline.lists.collected import Collected
from brightline.lists.formats import FORMATS
from brightline.types import SignalType
from tests.lists.formats.making import (
    Found,
    alternative,
    base64_text,
    delta,
    digits,
    encase,
    hma,
    hsh,
    hsh_row,
    icse,
    icse_row,
    insert,
    kdb,
    media,
    nsrl,
    nsrl_row,
    photodna,
    read,
    table,
    update,
    vics,
)
from tests.lists.helpers import value

#: pieces that break things where they land
PIECES = [
    *(b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"'", b"\\", b",", b";", b"\n", b"\r", b"null"),
    *(b"[", b"]", b"{", b"}", b"-1", b"1e999", b"9" * 40, b"\\u0000", b"\\ud800", b"true", b"[["),
    *(b'"MD5":', b'"Media":[', b'"value":[]', b'"data":[', b"HASH\r\n\xff\0", b"\x80\x04"),
]


def _databases() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        kinds = (SignalType.MD5, SignalType.SHA1, SignalType.SHA256)
        rows = [(value(kinds[0], n), value(kinds[1], n), value(kinds[2], n)) for n in range(200)]
        autopsy = kdb(home / "a", *rows)
        known = nsrl(home / "b", *(nsrl_row(n, p) for n in range(100) for p in (1, 2)))
        return {"autopsy": autopsy.read_bytes(), "nsrl": known.read_bytes()}


SOUND: dict[str, bytes] = {
    "vics": vics(
        media(1, Tags="a;b", DateUpdated="2024-01-02", PhotoDNA=base64_text(photodna())),
        media(2, AlternativeHashes=[alternative("PDQ", digits("pdq"))], Series=["x"]),
        cases=True,
    ),
    "hma": b"\n".join(json.dumps(hma(n)).encode() for n in range(3)),
    "threatexchange-json": json.dumps({"data": [update(n) for n in range(3)]}).encode(),
    "threatexchange-csv": table(
        [
            ["signal_type", "signal_str", "collab", "category", "tags"],
            ["pdq", digits("pdq"), "c", "POSITIVE_CLASS", "a b"],
        ]
    ),
    "threatexchange-text": f"pdq {digits('pdq')} 'c' POSITIVE_CLASS a,b\n".encode() * 3,
    "icse": icse(icse_row(1, pdna=base64_text(photodna())), icse_row(2, series="s")),
    "hashkeeper": hsh(hsh_row(1), hsh_row(2)),
    "encase": encase([value(SignalType.MD5, n) for n in range(5)]),
    "csv": f"indicator,type,category,tag\n{digits('md5')},md5,1,a\n{digits('pdq')},pdq\n".encode(),
    "digests": f"{digits('md5')}  name\nSHA1 (name) = {digits('sha1')}\n".encode(),
}


@st.composite
def mutated(draw: st.DrawFn, sound: bytes) -> bytes:
    """The file with some bytes changed, put in, taken out or moved, or the end cut off."""
    data = bytearray(sound)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        match draw(st.integers(0, 4)):
            case 0:
                data[at : at + 1] = draw(st.binary(max_size=2))
            case 1:
                data[at:at] = draw(st.sampled_from(PIECES))
            case 2:
                del data[at : at + draw(st.integers(0, 60))]
            case 3:
                end = at + draw(st.integers(0, 60))
                data[at:at] = data[at:end]
            case _:
                del data[at:]
    return bytes(data)


def refused_or_read(data: bytes | Path, name: str | None, *deltas: Path) -> Found | None:
    """The law; returns what was read."""
    try:
        found = read(data, name, deltas)
    except ListError as error:
        message = str(error)
        assert "\n" not in message
        shown = re.sub(r"/[^ ]*| counts \d+", "", message)  # paths, and a header's number
        assert not re.search(r"[0-9a-fA-F]{8,}", shown), "content in a message"
        assert "needle" not in shown
        return None
    assert name is None or found.format == name
    for group in found.groups:
        assert all(len(entry.value) == entry.signal.width for entry in group.entries)
    return found


@pytest.mark.parametrize("name", sorted(SOUND))
def test_sound_files_are_recognised_and_read(name: str) -> None:
    found = read(SOUND[name])
    assert found.format == name
    assert any(group.entries for group in found.groups)


def test_every_format_is_here() -> None:
    assert {candidate.name for candidate in FORMATS} == SOUND.keys() | {"autopsy", "nsrl"}


@pytest.mark.parametrize("name", sorted(SOUND))
def test_mutated_files(name: str) -> None:
    @settings(deadline=None, max_examples=250, suppress_health_check=list(HealthCheck))
    @given(mutated(SOUND[name]), st.booleans())
    def law(data: bytes, named: bool) -> None:
        refused_or_read(data, name if named else None)

    law()


@pytest.mark.parametrize("name", sorted(SOUND))
def test_any_prefix(name: str) -> None:
    """A file that was cut off is refused, or cut where a shorter one would end as well."""
    whole = read(SOUND[name])
    for end in range(1, len(SOUND[name]), 7):
        found = refused_or_read(SOUND[name][:end], name)
        if found is not None:
            assert len(found.groups) <= len(whole.groups)
            assert name not in ("vics", "encase", "threatexchange-json")


@pytest.mark.parametrize("name", ["autopsy", "nsrl"])
def test_mutated_databases(tmp_path: Path, name: str) -> None:
    sound = _databases()[name]
    path = tmp_path / "file.db"

    @settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
    @given(mutated(sound), st.booleans())
    def law(data: bytes, named: bool) -> None:
        path.write_bytes(data)
        refused_or_read(path, name if named else None)

    law()
    assert {other.name for other in tmp_path.iterdir()} == {"file.db"}


def test_mutated_deltas(tmp_path: Path) -> None:
    path = nsrl(tmp_path / "rds.db", *(nsrl_row(n) for n in range(5)))
    key = f"sha256 = '{nsrl_row(2)[0]}'"
    sound = delta(
        tmp_path / "1.sql",
        "2026.06.1",
        insert(nsrl_row(7)),
        f"UPDATE FILE SET file_name = 'it''s' WHERE {key};\n",
        f"DELETE FROM FILE WHERE {key} AND crc32 IS NULL;\n",
    ).read_bytes()
    changes = tmp_path / "2.sql"

    @settings(deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))
    @given(mutated(sound))
    def law(data: bytes) -> None:
        changes.write_bytes(data)
        refused_or_read(path, "nsrl", changes)

    law()


def test_a_fault_that_is_no_lists_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """The readers turn faults of the file, and nothing else, into refusals."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Collected, "add_record", broken)
    with pytest.raises(ZeroDivisionError):
        read(SOUND["vics"])
