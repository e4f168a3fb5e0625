"""Our envelopes and metadata in other programs, and theirs in ours."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import pytest

from brightline.ledger.keys import generate, public_pem, public_ssh
from brightline.release.croissant import describe
from brightline.release.dsse import (
    Envelope,
    accepted,
    encode,
    keyid,
    pae,
    parse,
    parse_bundle,
    sign,
)
from brightline.release.evidence import PublicKey
from brightline.release.statement import PAYLOAD_TYPE
from tests.release.attested import Made, make
from tests.release.test_croissant import ENTRIES, screening

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("made"))


def envelopes(made: Made) -> list[Envelope]:
    return parse_bundle(made.attested.statement.read_bytes())


# --- securesystemslib -----------------------------------------------------------------------


def test_securesystemslib_verifies_ours(made: Made) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from securesystemslib.dsse import Envelope as Theirs
    from securesystemslib.exceptions import VerificationError as TheirError
    from securesystemslib.signer._key import SSlibKey

    def key(public: bytes, name: str) -> SSlibKey:
        return SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(public), name)

    public = made.workspace.signer().public
    for line in made.attested.statement.read_text().splitlines():
        theirs = Theirs.from_dict(json.loads(line))
        found = theirs.verify([key(public, keyid(public))], 1)
        assert list(found) == [keyid(public)]
        other = generate("other").public
        with pytest.raises(TheirError):
            theirs.verify([key(other, keyid(public))], 1)
        altered = Theirs(theirs.payload + b" ", theirs.payload_type, theirs.signatures)
        with pytest.raises(TheirError):
            altered.verify([key(public, keyid(public))], 1)


def test_we_verify_those_of_securesystemslib() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from securesystemslib.dsse import Envelope as Theirs
    from securesystemslib.signer._crypto_signer import CryptoSigner

    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    for kind, payload in ((PAYLOAD_TYPE, b"{}"), ("ä/type", b""), (PAYLOAD_TYPE, bytes(999))):
        theirs = Theirs(payload, kind, {})
        theirs.sign(CryptoSigner(private))
        envelope = parse(json.dumps(theirs.to_dict(), indent=2).encode())
        assert (envelope.payload_type, envelope.payload) == (kind, payload)
        assert accepted(envelope, [public]) == {public}
        assert theirs.pae() == pae(kind, payload)
        assert not accepted(envelope, [generate("other").public])


# --- openssl and ssh-keygen -----------------------------------------------------------------


def test_openssl_verifies_ours(made: Made, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text(public_pem(made.workspace.signer().public))
    for envelope in envelopes(made):
        (tmp_path / "signed").write_bytes(envelope.signed)
        (tmp_path / "sig").write_bytes(envelope.signatures[0].sig)
        command: list[str | Path] = [
            "openssl",
            "pkeyutl",
            "-verify",
            "-rawin",
            "-pubin",
            "-inkey",
            key,
        ]
        command += ["-sigfile", tmp_path / "sig", "-in", tmp_path / "signed"]
        assert subprocess.run(command, capture_output=True).returncode == 0
        (tmp_path / "signed").write_bytes(envelope.signed + b"x")
        assert subprocess.run(command, capture_output=True).returncode != 0


def test_the_page_says_how(made: Made, tmp_path: Path) -> None:
    """The commands in docs/statement.md, as they stand there."""
    page = (Path(__file__).parents[2] / "docs" / "statement.md").read_text()
    script = page.partition("```sh\n")[2].partition("```")[0]
    made.copy(tmp_path / "clean")
    (tmp_path / "publisher.pem").write_text(public_pem(made.workspace.signer().public))
    command = ["sh", "-e", "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done
    assert "Signature Verified Successfully" in done.stdout
    digest = done.stdout.splitlines()[-1].split()[0]
    assert digest in (tmp_path / "payload").read_text()
    (tmp_path / "publisher.pem").write_text(public_pem(generate("other").public))
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode != 0


def test_keys_of_openssl_and_ssh_sign_and_verify(made: Made, tmp_path: Path) -> None:
    from brightline.ledger.keys import load_signer, read_public

    pem, ssh = tmp_path / "pem", tmp_path / "ssh"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", pem], check=True)
    pem.chmod(0o600)
    subprocess.run(
        ["openssl", "pkey", "-in", pem, "-pubout", "-out", tmp_path / "pem.pub"], check=True
    )
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ssh], check=True)
    for path in (pem, ssh):
        envelope = parse(encode(sign(PAYLOAD_TYPE, b"x", [load_signer(path)])))
        trusted = PublicKey(*read_public(path.with_suffix(".pub")))
        assert accepted(envelope, [trusted.public]) == {trusted.public}


def test_the_key_id_is_what_ssh_keygen_shows(made: Made, tmp_path: Path) -> None:
    public = made.workspace.signer().public
    (tmp_path / "key.pub").write_text(public_ssh(public) + "\n")
    done = subprocess.run(
        ["ssh-keygen", "-l", "-f", tmp_path / "key.pub"], capture_output=True, text=True
    )
    assert done.stdout.split()[1] == keyid(public)
    assert base64.b64decode(keyid(public).removeprefix("SHA256:") + "=")


# --- mlcroissant ----------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("version", ["1.0", "1.1", None])
def test_mlcroissant_takes_the_metadata(tmp_path: Path, version: str | None) -> None:
    import mlcroissant

    document = None
    if version is not None:
        fresh = json.loads(describe(None, "pictures", ENTRIES, screening()))
        added = [k for k in fresh if k.startswith(("rai:", "prov:"))]
        document = {k: v for k, v in fresh.items() if k not in added}
        for prefix in ("rai", "prov"):
            del document["@context"][prefix]
        document["conformsTo"] = f"http://mlcommons.org/croissant/{version}"
        document["recordSet"] = [
            {
                "@type": "cr:RecordSet",
                "@id": "names",
                "field": [
                    {
                        "@type": "cr:Field",
                        "@id": "names/line",
                        "dataType": "sc:Text",
                        "source": {
                            "fileObject": {"@id": "data/00000.tar"},
                            "extract": {"fileProperty": "content"},
                        },
                    }
                ],
            }
        ]
    path = tmp_path / "croissant.json"
    path.write_bytes(describe(document, "pictures", ENTRIES, screening()))
    metadata = mlcroissant.Dataset(jsonld=path).metadata
    assert not metadata.ctx.issues.errors
    assert metadata.ctx.conforms_to.value == "http://mlcommons.org/croissant/1.1"
    # not `metadata.data_manipulation_protocol`: it looks for a name that RAI 1.0 does not have
    assert "hotline@7" in json.loads(path.read_text())["rai:dataManipulationProtocol"]
    assert any("Zero matches is not" in text for text in metadata.data_limitations)
    assert {f.sha256 for f in metadata.file_objects} == {"aa" * 32, "bb" * 32}
    assert len(metadata.record_sets) == (version is not None)


@pytest.mark.filterwarnings("ignore")
def test_mlcroissant_takes_the_metadata_of_many_files(tmp_path: Path) -> None:
    import mlcroissant

    from brightline.release.manifest import Entry, File

    many: list[Entry] = [File(b"d/%05d.jpg" % k, "cc" * 32, 1) for k in range(1500)]
    path = tmp_path / "croissant.json"
    path.write_bytes(describe(None, "many", [*many, *ENTRIES], screening()))
    metadata = mlcroissant.Dataset(jsonld=path).metadata
    assert not metadata.ctx.issues.errors
    assert [f.includes for f in metadata.file_sets] == [["**/*.jpg"]]
