"""C2PA: every state with its codes, the whole tree, and never a connection."""

from __future__ import annotations

import builtins
import hashlib
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brightline.origin import c2pa_trust
from brightline.origin.c2pa import read_manifests
from brightline.origin.evidence import CheckResult, Claim, Strength
from tests.origin.chain import GENERATED, IPTC, OPENED, Chain, make_chain, picture, sign

MIME = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "TIFF": "image/tiff"}


@pytest.fixture(scope="module")
def chain() -> Chain:
    return make_chain()


@pytest.fixture(scope="module")
def signed(chain: Chain) -> bytes:
    return sign(chain, picture())


def claims(found: CheckResult) -> list[tuple[Claim, Strength]]:
    return [(piece.claim, piece.strength) for piece in found.evidence]


@pytest.mark.parametrize("form", [*MIME, "AVIF", "GIF"])
def test_trusted(chain: Chain, form: str) -> None:
    mime = MIME.get(form, f"image/{form.lower()}")
    found = read_manifests(sign(chain, picture(form), mime), mime, chain.root)
    assert claims(found) == [(Claim.AI_GENERATED, Strength.CRYPTO_TRUSTED)]
    (piece,) = found.evidence
    assert piece.extracted["source_type"] == "trainedAlgorithmicMedia"
    assert piece.extracted["issuer"] == "Brightline tests"
    assert not piece.forgeable and not piece.validation_codes
    assert "c2pa_state:trusted" in found.notes
    assert f"c2pa_trust:{c2pa_trust.digest(chain.root)}" in found.notes


def test_valid_but_unlisted(signed: bytes) -> None:
    found = read_manifests(signed, "image/jpeg")
    assert claims(found) == [(Claim.AI_GENERATED, Strength.CRYPTO_VALID_UNLISTED)]
    assert found.evidence[0].validation_codes == ("signingCredential.untrusted",)
    assert f"c2pa_trust:{c2pa_trust.digest(c2pa_trust.pinned())}" in found.notes


def _changed_pixels(signed: bytes) -> bytes:
    bad = bytearray(signed)
    bad[-200] ^= 1
    return bytes(bad)


def _changed_signature(signed: bytes) -> bytes:
    # the COSE signature is the last thing in the claim's signature box: 64 bytes of r and s
    place = signed.rindex(b"c2pa.signature")
    payload = signed.index(b"\xf6\x58\x40", place)  # nil payload, then a byte string of 64
    bad = bytearray(signed)
    bad[payload + 20] ^= 1
    return bytes(bad)


def _changed_assertion(signed: bytes) -> bytes:
    place = signed.index(b"trainedAlgorithmicMedia")
    return signed[:place] + b"TrainedAlgorithmicMedia" + signed[place + 23 :]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_changed_pixels, "assertion.dataHash.mismatch"),
        (_changed_signature, "claimSignature.mismatch"),
        (_changed_assertion, "assertion.hashedURI.mismatch"),
    ],
)
def test_invalid_keeps_its_codes(chain: Chain, signed: bytes, change: Any, code: str) -> None:
    found = read_manifests(change(signed), "image/jpeg", chain.root)
    assert "c2pa_state:invalid" in found.notes
    if change is _changed_assertion:
        assert not found.evidence  # what it says now is no term of the vocabulary
        return
    assert claims(found) == [(Claim.AI_GENERATED, Strength.DECLARED_STANDARD)]
    assert code in found.evidence[0].validation_codes
    assert found.evidence[0].forgeable


def test_expired() -> None:
    brief = make_chain(days=2 / 86400)
    data = sign(brief, picture())
    time.sleep(3.5)  # certificates count whole seconds, the last one included
    found = read_manifests(data, "image/jpeg", brief.root)
    assert claims(found) == [(Claim.AI_GENERATED, Strength.DECLARED_STANDARD)]
    assert "signingCredential.expired" in found.evidence[0].validation_codes


def test_claim_in_a_parent_only(chain: Chain, signed: bytes) -> None:
    edited = sign(
        chain, signed, "image/jpeg", {"action": "c2pa.opened", "parameters": {}}, parent=signed
    )
    again = sign(
        chain, edited, "image/jpeg", {"action": "c2pa.opened", "parameters": {}}, parent=edited
    )
    for data, depth in ((edited, 1), (again, 2)):
        found = read_manifests(data, "image/jpeg", chain.root)
        assert [piece.claim for piece in found.evidence] == [Claim.AI_GENERATED]
        assert found.evidence[0].field == f"c2pa ingredient manifest, depth {depth}"


def test_an_editor_does_not_vouch_for_its_ingredients(chain: Chain) -> None:
    """Who signs for having opened a file lends its claim no trust, nor to what comes below."""
    other = make_chain(organisation="On no list")
    parent = sign(other, picture())
    edited = sign(chain, parent, "image/jpeg", OPENED, parent=parent)
    again = sign(chain, edited, "image/jpeg", OPENED, parent=edited)
    for data in (edited, again):
        found = read_manifests(data, "image/jpeg", chain.root)
        assert "c2pa_state:trusted" in found.notes
        (piece,) = found.evidence
        assert piece.strength is Strength.CRYPTO_VALID_UNLISTED and piece.forgeable
        assert piece.validation_codes == ("signingCredential.untrusted",)
        both = read_manifests(data, "image/jpeg", chain.root + other.root)
        assert claims(both) == [(Claim.AI_GENERATED, Strength.CRYPTO_TRUSTED)]
        assert not both.evidence[0].forgeable and not both.evidence[0].validation_codes


def test_an_ingredient_that_was_changed_stays_invalid(chain: Chain, signed: bytes) -> None:
    changed = _changed_pixels(signed)
    edited = sign(chain, changed, "image/jpeg", OPENED, parent=changed)
    found = read_manifests(edited, "image/jpeg", chain.root)
    assert "c2pa_state:trusted" in found.notes
    assert claims(found) == [(Claim.AI_GENERATED, Strength.DECLARED_STANDARD)]
    assert "assertion.dataHash.mismatch" in found.evidence[0].validation_codes


@pytest.mark.parametrize(
    ("term", "claim"),
    [
        ("compositeWithTrainedAlgorithmicMedia", Claim.AI_EDITED),
        ("compositeSynthetic", Claim.AI_EDITED),
        ("digitalCapture", Claim.CAMERA_CAPTURE),
        ("computationalCapture", Claim.CAMERA_CAPTURE),
        ("screenCapture", Claim.RESCREENED),
        ("composite", None),
        ("digitalArt", None),
        ("algorithmicallyEnhanced", None),
    ],
)
def test_terms(chain: Chain, term: str, claim: Claim | None) -> None:
    action = {"action": "c2pa.created", "digitalSourceType": f"{IPTC}{term}"}
    found = read_manifests(sign(chain, picture(), "image/jpeg", action), "image/jpeg", chain.root)
    assert [piece.claim for piece in found.evidence] == ([claim] if claim else [])


@pytest.mark.parametrize(
    "uri",
    [
        "http://example.org/digitalsourcetype/trainedAlgorithmicMedia",
        f"{IPTC}trainedAlgorithmicMedia/x",
        f"{IPTC}TRAINEDALGORITHMICMEDIA",
        f"{IPTC}trainedAlgorithmicData",
        "http://c2pa.org/digitalsourcetype/trainedAlgorithmicMedia",
    ],
)
def test_other_uris_are_no_claim(chain: Chain, uri: str) -> None:
    action = {"action": "c2pa.created", "digitalSourceType": uri}
    found = read_manifests(sign(chain, picture(), "image/jpeg", action), "image/jpeg", chain.root)
    assert not found.evidence


def test_c2pa_vocabulary_and_https(chain: Chain) -> None:
    for uri in (
        "http://c2pa.org/digitalsourcetype/trainedAlgorithmicData",
        f"{IPTC}trainedAlgorithmicMedia".replace("http:", "https:"),
    ):
        action = {"action": "c2pa.created", "digitalSourceType": uri}
        data = sign(chain, picture(), "image/jpeg", action)
        found = read_manifests(data, "image/jpeg", chain.root)
        assert claims(found) == [(Claim.AI_GENERATED, Strength.CRYPTO_TRUSTED)]


@pytest.mark.parametrize("agent", ["GPT-4o", "Adobe Firefly", "DALL·E 3", "Adobe_Firefly"])
def test_agents_without_a_source_type(chain: Chain, agent: str) -> None:
    action = {"action": "c2pa.edited"}
    opened = {"action": "c2pa.created"}
    data = sign(chain, picture(), "image/jpeg", opened, action, agent=agent)
    found = read_manifests(data, "image/jpeg", chain.root)
    assert claims(found) == [(Claim.AI_GENERATED, Strength.HEURISTIC)]
    named = sign(chain, picture(), "image/jpeg", GENERATED, agent=agent)
    found = read_manifests(named, "image/jpeg", chain.root)
    assert claims(found) == [(Claim.AI_GENERATED, Strength.CRYPTO_TRUSTED)]
    assert found.evidence[0].extracted["generator"].startswith(agent[:4])


class _Listener:
    """Counts who calls."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.calls = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.calls += 1
            connection.close()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


@pytest.fixture
def listener() -> Iterator[_Listener]:
    server = _Listener()
    yield server
    server.close()


def test_remote_manifest_is_noted_and_not_fetched(chain: Chain, listener: _Listener) -> None:
    url = f"http://127.0.0.1:{listener.port}/m.c2pa"
    found = read_manifests(sign(chain, picture(), remote=url), "image/jpeg", chain.root)
    assert found.notes[0] == "c2pa_remote_ref" and not found.evidence
    assert listener.calls == 0
    # the listener does hear those who call
    socket.create_connection(("127.0.0.1", listener.port)).close()
    for _ in range(100):
        if listener.calls:
            break
        time.sleep(0.01)
    assert listener.calls == 1


@pytest.mark.interop
def test_no_socket_is_opened(chain: Chain, tmp_path: Path) -> None:
    """Traced from outside: the library's own threads and native code are seen as well."""
    (tmp_path / "remote.jpg").write_bytes(sign(chain, picture(), remote="http://192.0.2.1/m.c2pa"))
    (tmp_path / "signed.jpg").write_bytes(sign(chain, picture()))
    code = (
        "import sys, pathlib; from brightline.origin.c2pa import read_manifests;"
        "[read_manifests(p.read_bytes(), 'image/jpeg') for p in "
        "sorted(pathlib.Path(sys.argv[1]).glob('*.jpg'))]; print('done')"
    )
    trace = tmp_path / "trace"
    done = subprocess.run(
        ["strace", "-f", "-e", "trace=%network", "-o", trace, sys.executable, "-c", code, tmp_path],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout == "done\n", done.stderr
    assert "+++ exited with 0 +++" in trace.read_text()
    calls = [line for line in trace.read_text().splitlines() if "connect(" in line]
    assert [line for line in calls if "AF_UNIX" not in line] == []


def test_plain_pictures(chain: Chain) -> None:
    for form, mime in MIME.items():
        assert read_manifests(picture(form), mime, chain.root).notes == ("c2pa_none",)
    assert read_manifests(b"", "image/jpeg").evidence == ()
    assert read_manifests(b"nonsense", "image/x-unheard-of").evidence == ()


def test_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name == "c2pa":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    found = read_manifests(picture(), "image/jpeg")
    assert found.not_run is not None and "brightline[c2pa]" in found.not_run.why


def test_pinned_list_is_what_was_published() -> None:
    pem = c2pa_trust.pinned()
    assert c2pa_trust.check(pem) is pem
    assert pem.count(b"-----BEGIN CERTIFICATE-----") == 52
    with pytest.raises(ValueError, match="PEM"):
        c2pa_trust.check(b"nothing of the kind")
    with pytest.raises(ValueError):
        c2pa_trust.check(b"-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n")


def _mutations(seed: bytes, count: int) -> Iterator[bytes]:
    dice = random.Random(20261122)
    start = seed.index(b"jumb") - 8
    for _ in range(count):
        data = bytearray(seed)
        match dice.randrange(4):
            case 0:
                for _ in range(dice.randrange(1, 8)):
                    data[dice.randrange(start, len(data))] = dice.randrange(256)
            case 1:
                del data[dice.randrange(start, len(data)) :]
            case 2:
                place = dice.randrange(start, len(data))
                data[place:place] = dice.randbytes(dice.randrange(1, 40))
            case _:
                place = dice.randrange(start, len(data) - 64)
                data[place : place + dice.randrange(1, 64)] = b"\xff" * 16
        yield bytes(data)


@pytest.mark.parametrize("count", [60, pytest.param(1500, marks=pytest.mark.long)])
def test_mutations(chain: Chain, signed: bytes, count: int) -> None:
    """Damage never raises. Where a claim stays trusted, it is the one that was signed: only
    padding, which no signature covers, may change under it."""
    original = read_manifests(signed, "image/jpeg", chain.root).evidence
    trusted = 0
    for data in _mutations(signed, count):
        found = read_manifests(data, "image/jpeg", chain.root).evidence
        if any(piece.strength is Strength.CRYPTO_TRUSTED for piece in found):
            assert found == original
            trusted += 1
    assert trusted <= count // 100


def test_the_page_names_the_lists_as_they_are() -> None:
    page = (Path(__file__).parents[2] / "docs" / "c2pa.md").read_text()
    folder = Path(c2pa_trust.__file__).parent / "data"
    for path in folder.glob("*.pem"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() in page
        assert path.name in page
