"""Packages: any change to one is found, and named."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pyrage
import pytest

from brightline.errors import SealError, VerificationError
from brightline.findings import Custodian, load_identity, new_identity
from brightline.findings.identity import Identity
from brightline.ledger.keys import Signer, generate
from brightline.referral.bundle import MANIFEST, read_bundle, write_bundle
from brightline.referral.errors import ReferralError

FILES = {"a.txt": b"one", "b/c.bin": b"\0\1\2", "b/empty": b""}


class Sealed:
    """A package with the keys that belong to it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "case.age"
        recipient = new_identity(folder / "me.key")
        self.identity: Identity = load_identity(folder / "me.key")
        self.custodian = Custodian("me", recipient)
        self.signer: Signer = generate("example.org/a")
        write_bundle(self.path, {"referral": "r"}, FILES, [self.custodian], self.signer)

    def read(self) -> dict[str, bytes]:
        return read_bundle(self.path, self.identity, [self.signer.public])[1]

    def members(self) -> dict[str, bytes]:
        plain = pyrage.decrypt(self.path.read_bytes(), list(self.identity.keys))
        with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
            return {m.name: archive.extractfile(m).read() for m in archive}  # type: ignore[union-attr]

    def put(self, members: list[tuple[str, bytes]], kind: bytes = tarfile.REGTYPE) -> None:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for name, data in members:
                info = tarfile.TarInfo(name)
                info.size, info.type = len(data), kind
                archive.addfile(info, io.BytesIO(data))
        self.seal(out.getvalue())

    def seal(self, plain: bytes) -> None:
        key = pyrage.x25519.Recipient.from_str(self.custodian.recipient)
        self.path.write_bytes(pyrage.encrypt(plain, [key]))


@pytest.fixture
def sealed(tmp_path: Path) -> Sealed:
    return Sealed(tmp_path)


def test_what_went_in_comes_out(sealed: Sealed) -> None:
    assert sealed.read() == FILES
    with pytest.raises(ReferralError, match="exists already"):
        write_bundle(sealed.path, {}, FILES, [sealed.custodian], sealed.signer)


def test_changed_missing_and_further_files_are_named(sealed: Sealed) -> None:
    members = sealed.members()
    for name in FILES:
        sealed.put(list({**members, name: members[name] + b"x"}.items()))
        with pytest.raises(VerificationError, match=f"{name} was changed"):
            sealed.read()
        sealed.put([(n, d) for n, d in members.items() if n != name])
        with pytest.raises(VerificationError, match=f"{name} is missing"):
            sealed.read()
    sealed.put([*members.items(), ("z", b"")])
    with pytest.raises(VerificationError, match="z is not in the manifest"):
        sealed.read()


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a//b", "./a", ""])
def test_names_that_lead_elsewhere_are_refused(sealed: Sealed, name: str) -> None:
    sealed.put([*sealed.members().items(), (name, b"x")])
    with pytest.raises(VerificationError):
        sealed.read()


def test_links_doubles_and_what_is_no_tar_are_refused(sealed: Sealed) -> None:
    members = list(sealed.members().items())
    sealed.put([(n, b"") for n, _ in members], kind=tarfile.SYMTYPE)
    with pytest.raises(VerificationError):
        sealed.read()
    sealed.put([*members, members[1]])
    with pytest.raises(VerificationError):
        sealed.read()
    for plain in (b"", b"x" * 600):
        sealed.seal(plain)
        with pytest.raises(VerificationError):
            sealed.read()


def test_a_member_that_says_to_be_huge_is_not_read(sealed: Sealed) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("huge")
        info.pax_headers = {
            "GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.name": "huge",
            "GNU.sparse.size": str(1 << 45), "GNU.sparse.map": f"{1 << 45},0",
        }  # fmt: skip
        archive.addfile(info)
    sealed.seal(out.getvalue())
    with pytest.raises(VerificationError, match="no package has"):
        sealed.read()


def test_names_that_cannot_be_written_are_neither_packed_nor_opened(
    sealed: Sealed, tmp_path: Path
) -> None:
    for name in ("a\nb", "x" * 256, "a/../b", "/".join("abcdefghijklmnopq")):
        with pytest.raises(ReferralError, match="rename"):
            write_bundle(tmp_path / "n", {}, {name: b""}, [sealed.custodian], sealed.signer)
    write_bundle(tmp_path / "n", {}, {"a": b"", "a/b": b""}, [sealed.custodian], sealed.signer)
    with pytest.raises(VerificationError, match="also holds a folder"):
        read_bundle(tmp_path / "n", sealed.identity, [sealed.signer.public])


def test_another_signature_and_an_altered_manifest_are_refused(sealed: Sealed) -> None:
    other = generate("example.org/b")
    with pytest.raises(VerificationError, match="not signed with the key"):
        read_bundle(sealed.path, sealed.identity, [other.public])
    with pytest.raises(VerificationError, match="not signed with the key"):
        read_bundle(sealed.path, sealed.identity, [])
    members = sealed.members()
    envelope = json.loads(members[MANIFEST])
    for field, value in (("payload", "e30="), ("payloadType", "text/plain"), ("signatures", [])):
        sealed.put(
            list({**members, MANIFEST: json.dumps({**envelope, field: value}).encode()}.items())
        )
        with pytest.raises(VerificationError):
            sealed.read()


def test_only_recipients_open_it_and_only_whole(sealed: Sealed, tmp_path: Path) -> None:
    new_identity(tmp_path / "other.key")
    with pytest.raises(SealError, match="not sealed to this identity"):
        read_bundle(sealed.path, load_identity(tmp_path / "other.key"), [sealed.signer.public])
    data = sealed.path.read_bytes()
    for cut in (0, 1, len(data) // 2, len(data) - 1):
        sealed.path.write_bytes(data[:cut])
        with pytest.raises(SealError):
            sealed.read()
