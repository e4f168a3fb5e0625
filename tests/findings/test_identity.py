"""Identities: made safely, read strictly, never shown."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pyrage
import pytest

from brightline.errors import SealError
from brightline.findings import canonical_recipient, load_identity, new_identity


def ssh_keygen(path: Path, *options: str, passphrase: str = "") -> str:
    command = ["ssh-keygen", "-q", "-N", passphrase, "-C", "a b@c", "-f", str(path), *options]
    subprocess.run(command, check=True)
    return Path(f"{path}.pub").read_text()


def test_a_new_identity_is_age_keygens_text_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "me.txt"
    old = os.umask(0)
    try:
        recipient = new_identity(path)
    finally:
        os.umask(old)
    created, public, secret = path.read_text().splitlines()
    assert re.fullmatch(r"# created: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created)
    assert public == f"# public key: {recipient}"
    assert str(pyrage.x25519.Identity.from_str(secret).to_public()) == recipient
    assert path.stat().st_mode & 0o777 == 0o600
    identity = load_identity(path)
    assert identity.recipients == (recipient,)
    assert identity.warning is None
    assert "SECRET" not in repr(identity)


def test_a_key_file_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "me.txt"
    path.write_text("precious")
    with pytest.raises(SealError, match="exists already"):
        new_identity(path)
    assert path.read_text() == "precious"


def test_a_place_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SealError, match="cannot write"):
        new_identity(tmp_path / "file" / "me.txt")


def test_a_key_that_others_can_read_comes_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "me.txt"
    new_identity(path)
    path.chmod(0o640)
    warning = load_identity(path).warning
    assert warning is not None
    assert "chmod 600" in warning


def test_several_keys_in_one_file(tmp_path: Path) -> None:
    recipients = tuple(new_identity(tmp_path / name) for name in "ab")
    both = tmp_path / "both"
    both.write_text("\r\n".join((tmp_path / name).read_text() for name in "ab"))
    assert load_identity(both).recipients == recipients


@pytest.mark.parametrize("options", [("-t", "ed25519"), ("-t", "rsa", "-b", "2048")])
def test_ssh_keys_tell_their_recipient(tmp_path: Path, options: tuple[str, ...]) -> None:
    public = ssh_keygen(tmp_path / "id", *options)
    (recipient,) = load_identity(tmp_path / "id").recipients
    assert recipient == canonical_recipient(public)


def test_an_rsa_key_in_pem_opens_too(tmp_path: Path) -> None:
    public = ssh_keygen(tmp_path / "id", "-t", "rsa", "-b", "2048", "-m", "PEM")
    identity = load_identity(tmp_path / "id")
    assert identity.recipients == ()
    sealed = pyrage.encrypt(b"x", [pyrage.ssh.Recipient.from_str(public)])
    assert pyrage.decrypt(sealed, list(identity.keys)) == b"x"


@pytest.mark.parametrize("options", [("-t", "ed25519"), ("-t", "rsa", "-b", "2048", "-m", "PEM")])
def test_a_passphrase_is_never_asked_for(tmp_path: Path, options: tuple[str, ...]) -> None:
    ssh_keygen(tmp_path / "id", *options, passphrase="correct horse")
    with pytest.raises(SealError, match="passphrase"):
        load_identity(tmp_path / "id")


def test_a_sealed_identity_file_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "sealed"
    for head in ("age-encryption.org/v1\n-> scrypt ", "-----BEGIN AGE ENCRYPTED FILE-----\n"):
        path.write_text(head + "x" * 200)
        with pytest.raises(SealError, match="passphrase"):
            load_identity(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n# public key: age1\n",
        b"hello\n",
        b"\xff\xfe\x00",
        b"AGE-SECRET-KEY-1QQQ\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n",
        b"A" * 3_000_000,
    ],
)
def test_what_is_no_identity_is_refused_without_showing_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(SealError) as caught:
        load_identity(path)
    assert "\n" not in str(caught.value)
    for line in content.decode("latin-1").split():
        assert len(line) < 5 or line not in str(caught.value)


def test_other_kinds_of_key_are_refused(tmp_path: Path) -> None:
    public = ssh_keygen(tmp_path / "id", "-t", "ecdsa")
    with pytest.raises(SealError, match="ed25519 and RSA"):
        load_identity(tmp_path / "id")
    with pytest.raises(SealError, match="not a recipient"):
        canonical_recipient(public)
    with pytest.raises(SealError, match="No such file"):
        load_identity(tmp_path / "none")


def test_a_recipient_has_one_spelling(tmp_path: Path) -> None:
    age = new_identity(tmp_path / "me.txt")
    assert canonical_recipient(f"  {age}\n") == age
    assert canonical_recipient(age.upper()) == age
    ssh = ssh_keygen(tmp_path / "id", "-t", "ed25519")
    assert canonical_recipient(ssh) == " ".join(ssh.split()[:2])
    for bad in ("", "age1", age[:-1], f"{age} {age}", "ssh-ed25519", f"{ssh}{ssh}", "ssh-rsa AAAA"):
        with pytest.raises(SealError):
            canonical_recipient(bad)
