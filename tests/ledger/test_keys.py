"""Keys: read from what other programs write, refused when they are anything else."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from brightline.errors import UsageError
from brightline.ledger import load_signer, new_signer, read_public
from brightline.ledger.keys import public_pem, public_ssh, verifier_key

# the example of golang.org/x/mod/sumdb/note, whose key and id are published there
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def private(key: object, form: str = "PKCS8", password: bytes | None = None) -> bytes:
    assert isinstance(
        key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    )
    seal: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        seal = serialization.BestAvailableEncryption(password)
    return key.private_bytes(
        serialization.Encoding.PEM, getattr(serialization.PrivateFormat, form), seal
    )


def stored(folder: Path, data: bytes, mode: int = 0o600) -> Path:
    path = folder / "key"
    path.write_bytes(data)
    path.chmod(mode)
    return path


def test_a_new_key_signs_and_comes_back(tmp_path: Path) -> None:
    made = new_signer(tmp_path / "deep" / "key.pem", "example.org/log")
    assert (tmp_path / "deep" / "key.pem").stat().st_mode & 0o777 == 0o600
    again = load_signer(tmp_path / "deep" / "key.pem", "example.org/log")
    assert again.vkey == made.vkey
    ed25519.Ed25519PublicKey.from_public_bytes(made.public).verify(again.sign(b"x"), b"x")
    assert "PRIVATE" not in repr(made) and "_key" not in repr(made)
    with pytest.raises(UsageError, match="exists already"):
        new_signer(tmp_path / "deep" / "key.pem", "example.org/log")


@pytest.mark.parametrize("form", ["PKCS8", "OpenSSH"])
def test_both_forms_of_private_keys_are_read(tmp_path: Path, form: str) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    path = stored(tmp_path, private(key, form))
    signer = load_signer(path)
    assert signer.public == key.public_key().public_bytes_raw()
    assert signer.name == load_signer(path).name
    assert load_signer(path, "other.example").name == "other.example"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = stored(tmp_path, private(ed25519.Ed25519PrivateKey.generate()), mode)
    with pytest.raises(UsageError, match="chmod 600"):
        load_signer(path)


def test_other_keys_are_refused_by_what_they_are(tmp_path: Path) -> None:
    sealed = private(ed25519.Ed25519PrivateKey.generate(), password=b"x")
    for data, why in [
        (private(ec.generate_private_key(ec.SECP256R1())), "not an Ed25519"),
        (private(rsa.generate_private_key(65537, 2048)), "not an Ed25519"),
        (sealed, "passphrase"),
        (b"", "not an Ed25519"),
        (b"-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n", "not an Ed25519"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "not"),
        (bytes(range(256)), "not an Ed25519"),
    ]:
        with pytest.raises(UsageError, match=why) as caught:
            load_signer(stored(tmp_path, data))
        assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="cannot read"):
        load_signer(tmp_path / "none")


def test_public_keys_are_read_in_every_form(tmp_path: Path) -> None:
    made = new_signer(tmp_path / "key", "example.org/log")
    pem, ssh = public_pem(made.public), f"{public_ssh(made.public)} me@here"
    cosigner = verifier_key("w.example", made.public, 4)
    for text, name in [(made.vkey, made.name), (pem, None), (ssh, None), (cosigner, "w.example")]:
        assert read_public(text) == (name, made.public)
        (tmp_path / "public").write_text(f"{text}\n")
        assert read_public(tmp_path / "public") == (name, made.public)
        assert read_public(str(tmp_path / "public")) == (name, made.public)


def test_the_published_verifier_key_is_understood() -> None:
    name, public = read_public(PETER)
    assert name == "PeterNeumann"
    assert verifier_key("PeterNeumann", public) == PETER


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PeterNeumann",
        PETER.replace("c74f20a3", "c74f20a4"),
        PETER.replace("c74f20a3", "C74F20A3"),
        PETER.replace("Peter", "Paul"),
        PETER.replace("PeterNeumann", ""),
        PETER[:-1],
        PETER + "=",
        PETER.replace("+AR", "+Ah"),
        "ssh-ed25519 AAAA",
        "ssh-rsa AAAAB3NzaC1yc2E",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        f"n+00000000+{base64.b64encode(bytes(33)).decode()}",
    ],
)
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_public(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\tb", "a\nb", "a\u2003b", "a\x00b"])
def test_names_that_no_note_can_hold_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="one word"):
        new_signer(tmp_path / "key", name)
    assert not (tmp_path / "key").exists()


def test_keys_of_ssh_keygen_are_read(tmp_path: Path) -> None:
    path = tmp_path / "id"
    try:
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "me", "-f", str(path)],
            check=True,
        )
    except FileNotFoundError:
        pytest.skip("no ssh-keygen here")
    assert read_public(path.with_suffix(".pub")) == (None, load_signer(path).public)
