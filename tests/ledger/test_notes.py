"""Notes, keys and proofs of others: read strictly, and nothing that was changed verifies."""

from __future__ import annotations

import base64
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.errors import VerificationError
from brightline.ledger import Signer
from brightline.ledger.keys import COSIGNATURE, generate, verifier_key
from brightline.ledger.note import cosign, own_checkpoint, sign_checkpoint
from brightline.ledger.verify import check_proof, open_checkpoint, parse_checkpoint, parse_growth
from brightline.ledger.verify.note import (
    check_note,
    check_witnesses,
    parse_key,
    parse_note,
)
from tests.ledger.places import filled

# golang.org/x/mod/sumdb/note's published example: text, key and signature
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
EXAMPLE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"  # noqa: E501
).encode()

LOG = generate("example.org/log")
WITNESS = generate("witness.example")
OTHER = generate("example.org/log")
NOTE = sign_checkpoint(LOG, 3, bytes(range(32)))


def opened(data: bytes, signer: Signer = LOG) -> tuple[int, bytes]:
    head = open_checkpoint(data, [parse_key(signer.vkey)])
    return head.size, head.root


def witness_key(signer: Signer = WITNESS) -> str:
    return verifier_key(signer.name, signer.public, COSIGNATURE)


def test_the_published_example_verifies() -> None:
    note = parse_note(EXAMPLE)
    assert [key.name for key in check_note(note, [parse_key(PETER)])] == ["PeterNeumann"]
    with pytest.raises(VerificationError):
        check_note(parse_note(EXAMPLE.replace(b"answer", b"Answer")), [parse_key(PETER)])


def test_writer_and_verifier_read_the_same_checkpoint() -> None:
    assert opened(NOTE) == (3, bytes(range(32)))
    assert own_checkpoint(NOTE, LOG.name, [OTHER.public, LOG.public]) == opened(NOTE)
    assert own_checkpoint(NOTE, LOG.name, [OTHER.public]) is None
    with pytest.raises(VerificationError, match="not signed by a known key"):
        opened(NOTE, OTHER)


def test_a_key_of_another_name_is_not_the_logs() -> None:
    """The right key under another name: name and id must both be the log's."""
    alias = Signer("evil.example", LOG.public, LOG._key)
    with pytest.raises(VerificationError):
        opened(NOTE, alias)
    with pytest.raises(VerificationError):
        opened(sign_checkpoint(alias, 3, bytes(32)).replace(b"evil.example\n", b"x\n", 1), alias)


def test_unknown_signatures_are_left_aside_and_known_ones_must_verify() -> None:
    more = cosign(NOTE, WITNESS, 5)
    assert opened(more) == opened(NOTE)
    line = NOTE[NOTE.rindex("—".encode()) :]
    broken = NOTE.replace(line, line[:-6] + (b"AAAA=" if line[-6:-1] != b"AAAA=" else b"BBBB="))
    with pytest.raises(VerificationError):
        opened(broken + b"\n")
    with pytest.raises(VerificationError, match="twice"):
        opened(NOTE + line)
    many = NOTE
    for number in range(16):
        many = cosign(many, generate(f"w{number}.example"), number)
    assert opened(many) == opened(NOTE)


def test_cosignatures_are_checked_with_their_time() -> None:
    note = parse_note(cosign(NOTE, WITNESS, 1_700_000_000))
    (found,) = check_witnesses(note, [parse_key(witness_key())])
    assert (found.name, found.time) == ("witness.example", 1_700_000_000)
    with pytest.raises(VerificationError, match="not cosigned by"):
        check_witnesses(parse_note(NOTE), [parse_key(witness_key())])
    with pytest.raises(VerificationError, match="not cosigned by"):
        check_witnesses(note, [parse_key(witness_key(OTHER))])
    with pytest.raises(VerificationError, match="not a witness's"):
        check_witnesses(note, [parse_key(WITNESS.vkey)])
    # the time is signed too
    line = cosign(NOTE, WITNESS, 1_700_000_000)[len(NOTE) :]
    value = base64.b64decode(line.split(b" ")[2])
    later = value[:4] + (1_800_000_000).to_bytes(8, "big") + value[12:]
    forged = NOTE + "— witness.example ".encode() + base64.b64encode(later) + b"\n"
    with pytest.raises(VerificationError, match="does not verify"):
        check_witnesses(parse_note(forged), [parse_key(witness_key())])


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("Windows line ends", lambda d: d.replace(b"\n", b"\r\n")),
        ("a space before", lambda d: b" " + d),
        ("a newline before", lambda d: b"\n" + d),
        ("a newline after", lambda d: d + b"\n"),
        ("no last newline", lambda d: d[:-1]),
        ("a space after", lambda d: d[:-1] + b" \n"),
        ("a tab", lambda d: d.replace(b"\n3\n", b"\n3\t\n")),
        ("a hyphen for the dash", lambda d: d.replace("—".encode(), b"-")),
        ("an en dash", lambda d: d.replace("—".encode(), "–".encode())),
        ("two spaces", lambda d: d.replace(b"log ", b"log  ")),
        ("a leading zero", lambda d: d.replace(b"\n3\n", b"\n03\n")),
        ("a plus", lambda d: d.replace(b"\n3\n", b"\n+3\n")),
        ("other digits", lambda d: d.replace(b"\n3\n", "\n３\n".encode())),
        ("an underscore", lambda d: d.replace(b"\n3\n", b"\n1_0\n")),
        ("negative", lambda d: d.replace(b"\n3\n", b"\n-3\n")),
        ("no origin", lambda d: d.replace(b"example.org/log\n3", b"\n3", 1)),
        ("not UTF-8", lambda d: d.replace(b"example", b"ex\xffmple", 1)),
        ("a byte order mark", lambda d: b"\xef\xbb\xbf" + d),
        ("a NUL", lambda d: d.replace(b"\n\n", b"\n\0\n\n")),
        ("no padding", lambda d: d.replace(b"=\n\n", b"\n\n")),
        ("nothing", lambda d: b""),
    ],
)
def test_no_lax_spelling_of_a_checkpoint_verifies(name: str, change: object) -> None:
    assert callable(change)
    data = change(NOTE)
    assert data != NOTE, name
    with pytest.raises(VerificationError):
        opened(data)
    assert own_checkpoint(data, LOG.name, [LOG.public]) is None


@pytest.mark.parametrize("place", [0, 1, 2, 4, 8])
def test_base64_that_decodes_alike_is_not_the_same(place: int) -> None:
    """The root's last character holds four bits that a lax decoder drops."""
    root = base64.b64encode(bytes(range(32))).decode()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = root[:-2] + letters[(letters.index(root[-2]) & 60) + (place & 3)] + "="
    if other == root:
        return
    text = f"example.org/log\n3\n{other}\n"
    value = base64.b64decode(NOTE.split(b" ")[2])[:4] + LOG.sign(text.encode())
    signed = f"{text}\n— example.org/log {base64.b64encode(value).decode()}\n".encode()
    with pytest.raises(VerificationError, match="canonical"):
        opened(signed)


# --- fuzz: no other exception, and nothing changed verifies ---------------------------------


def mutated(data: bytes, seed: int) -> bytes:
    rng = random.Random(seed)
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(out) + 1)
        match rng.randrange(5):
            case 0 if place < len(out):
                out[place] ^= 1 << rng.randrange(8)
            case 1 if place < len(out):
                out[place] = rng.choice(b"\n \r\t\0+=/A09")
            case 2:
                out[place:place] = rng.choice([b"\n", b" ", b"=", b"\n\n", "—".encode(), b"0"])
            case 3:
                del out[place : place + rng.randint(1, 9)]
            case _:
                other = rng.randrange(len(out) + 1)
                out[place:place] = out[other : other + rng.randint(1, 30)]
    return bytes(out)


@settings(deadline=None, max_examples=600)
@given(st.integers(0, 1 << 40))
def test_a_mutated_checkpoint_never_verifies(seed: int) -> None:
    data = mutated(NOTE, seed)
    try:
        found = opened(data)
    except VerificationError:
        assert data != NOTE
        return
    # only lines of unknown keys may have been added; text and signature are the log's own
    assert found == opened(NOTE)
    assert data.startswith(NOTE[: NOTE.index(b"\n\n") + 2])


@settings(deadline=None, max_examples=600)
@given(st.integers(0, 1 << 40))
def test_a_mutated_proof_never_proves_something_else(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    data = mutated(PROOFS[0], seed)
    try:
        found = check_proof(data, [PROOFS[1]])
    except VerificationError:
        return
    # an unknown signature line may have come on top
    assert (found.index, found.leaf, found.size) == (5, PROOFS[2], 9)


def headed(data: bytes) -> object:
    return check_proof(b"c2sp.org/tlog-proof@v1\nindex 0\n" + data, [LOG.vkey])


@settings(deadline=None, max_examples=400)
@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode()))
def test_arbitrary_bytes_are_refused_politely(data: bytes) -> None:
    for read in (parse_note, parse_checkpoint, parse_growth, headed):
        with pytest.raises(VerificationError) as caught:
            read(data)
        assert "\n" not in str(caught.value)


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=120) | st.integers(0, 1 << 40).map(lambda seed: repr(seed)))
def test_arbitrary_text_is_no_key(text: str) -> None:
    for candidate in (text, f"{text}+{text}+{text}", LOG.vkey + text if text else "x"):
        with pytest.raises(VerificationError):
            parse_key(candidate)


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 1 << 40))
def test_mutated_keys_are_refused(seed: int) -> None:
    data = mutated(LOG.vkey.encode(), seed)
    if data == LOG.vkey.encode():
        return
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    with pytest.raises(VerificationError):
        parse_key(text)


def _proofs() -> tuple[bytes, str, bytes]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        ledger = filled(Path(folder), 9)
        proof = ledger.prove(5)
        vkey = ledger.signer().vkey
        return proof, vkey, check_proof(proof, [vkey]).leaf


PROOFS = _proofs()


def test_a_proof_carries_its_record_and_nothing_else_passes_for_it() -> None:
    proof, vkey, leaf = PROOFS
    assert b'"items":5' in leaf
    assert check_proof(proof, [vkey], leaf=leaf).index == 5
    with pytest.raises(VerificationError, match="root"):
        check_proof(proof, [vkey], leaf=leaf + b" ")
    with pytest.raises(VerificationError, match="known key"):
        check_proof(proof, [LOG.vkey])
    lines = proof.split(b"\n")
    bare = b"\n".join([lines[0], *lines[2:]])
    assert check_proof(bare, [vkey], leaf=leaf).leaf == leaf
    with pytest.raises(VerificationError, match="beside it"):
        check_proof(bare, [vkey])
    cosigned = cosign(proof, WITNESS, 7)
    with pytest.raises(VerificationError, match="cosign"):
        # the text before the last blank line is the whole proof's, not the checkpoint's
        check_proof(cosigned, [vkey], witnesses=[witness_key()])
    head, blank, note = proof.partition(b"\n\n")
    witnessed = head + blank + cosign(note, WITNESS, 7)
    found = check_proof(witnessed, [vkey], witnesses=[witness_key()])
    assert [w.time for w in found.witnesses] == [7]
