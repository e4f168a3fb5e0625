"""DSSE: what is signed, what is read, and that nothing altered is accepted."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.errors import VerificationError
from brightline.ledger.keys import Signer, generate
from brightline.release.dsse import (
    Envelope,
    Signature,
    accepted,
    encode,
    keyid,
    pae,
    parse,
    parse_bundle,
    sign,
)
from brightline.release.strict import load_base64, load_json

ONE, TWO = generate("one"), generate("two")
TYPE = "application/vnd.in-toto+json"


def test_pae_counts_bytes_not_characters() -> None:
    # the example of the protocol's own text
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert pae("ä", b"") == b"DSSEv1 2 \xc3\xa4 0 "


@given(st.text(), st.binary(), st.text(), st.binary())
def test_pae_is_one_to_one(a: str, x: bytes, b: str, y: bytes) -> None:
    if any(0xD800 <= ord(c) < 0xE000 for c in a + b):
        return
    assert (pae(a, x) == pae(b, y)) == ((a, x) == (b, y))


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=200))
def test_what_is_signed_is_accepted_by_its_key_alone(payload: bytes) -> None:
    envelope = sign(TYPE, payload, [ONE])
    again = parse(encode(envelope))
    assert again == envelope
    assert accepted(again, [TWO.public, ONE.public]) == {ONE.public}
    assert accepted(again, [TWO.public]) == frozenset()
    assert accepted(again, []) == frozenset()


def test_two_signers_and_one_that_signs_twice() -> None:
    both = sign(TYPE, b"x", [ONE, TWO])
    assert accepted(both, [ONE.public, TWO.public]) == {ONE.public, TWO.public}
    twice = sign(TYPE, b"x", [ONE, ONE])
    assert accepted(twice, [ONE.public, TWO.public]) == {ONE.public}


def test_a_key_id_decides_nothing() -> None:
    good = sign(TYPE, b"x", [ONE])
    assert good.signatures[0].keyid == keyid(ONE.public)
    for hint in ("", keyid(TWO.public), "anything"):
        lying = Envelope(TYPE, b"x", (Signature(good.signatures[0].sig, hint),))
        assert accepted(parse(encode(lying)), [ONE.public, TWO.public]) == {ONE.public}


def test_a_signature_over_the_payload_alone_is_not_one() -> None:
    bare = Envelope(TYPE, b"x", (Signature(ONE.sign(b"x")),))
    assert not accepted(bare, [ONE.public])
    other = sign("application/other", b"x", [ONE])
    assert not accepted(Envelope(TYPE, b"x", other.signatures), [ONE.public])


@given(st.binary(max_size=40))
def test_both_alphabets_of_base64_are_read(data: bytes) -> None:
    assert load_base64(base64.b64encode(data).decode()) == data
    assert load_base64(base64.urlsafe_b64encode(data).decode()) == data


@given(st.text(alphabet="AQgw+/-_=\n ", max_size=12))
def test_base64_has_one_spelling_in_each_alphabet(text: str) -> None:
    data = load_base64(text)
    if data is not None:
        assert text in (
            base64.b64encode(data).decode(),
            base64.urlsafe_b64encode(data).decode(),
        )


@pytest.mark.parametrize("text", ["aGk", "aGl=", "aG k=", "aGk=\n", "-_+_Pj8=", "aGk=aGk=", 3])
def test_lax_base64_is_refused(text: object) -> None:
    assert load_base64(text) is None


def document(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(encode(sign(TYPE, b'{"a":1}', [ONE])))
    return {**made, **changes}


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()


GOOD = document()
BAD = {
    "no object": b"[]",
    "not JSON": b"{",
    "not UTF-8": b'{"a":"\xff"}',
    "a byte order mark": b"\xef\xbb\xbf" + dump(GOOD),
    "something after it": dump(GOOD) + b" {}",
    "a doubled key": dump(GOOD)[:-1] + b', "payload": "aGk="}',
    "a doubled key within": dump(GOOD).replace(b'"sig"', b'"keyid": "a", "sig"'),
    "an unknown key": dump(document(extra=1)),
    "no payload": dump({k: v for k, v in GOOD.items() if k != "payload"}),
    "no type": dump({k: v for k, v in GOOD.items() if k != "payloadType"}),
    "a type that is no text": dump(document(payloadType=1)),
    "no signatures": dump(document(signatures=[])),
    "too many signatures": dump(document(signatures=GOOD["signatures"] * 17)),
    "signatures that are no list": dump(document(signatures=GOOD["signatures"][0])),
    "lax base64": dump(document(payload=GOOD["payload"].rstrip("="))),
    "base64 with a space": dump(document(payload=" " + GOOD["payload"])),
    "a short signature": dump(document(signatures=[{"sig": "aGk="}])),
    "a key id that is no text": dump(document(signatures=[{**GOOD["signatures"][0], "keyid": 1}])),
    "an unknown key beside it": dump(document(signatures=[{**GOOD["signatures"][0], "cert": "x"}])),
    "a lone surrogate": dump(document(payloadType="\ud800")),
    "not a number": b'{"payload": NaN}',
    "depth": b"[" * 100_000,
    "nothing": b"",
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
def test_what_is_not_an_envelope_is_refused(data: bytes) -> None:
    with pytest.raises(VerificationError):
        parse(data)


def test_large_texts_are_not_read() -> None:
    with pytest.raises(VerificationError, match="larger"):
        load_json(b'"' + b"a" * 100 + b'"', "it", 100)
    with pytest.raises(VerificationError, match="larger"):
        parse(b" " * (9 << 20))


def test_a_bundle_is_envelopes_and_nothing_else() -> None:
    line = encode(sign(TYPE, b"x", [ONE]))
    assert parse_bundle(line + line) == [parse(line)] * 2
    assert parse_bundle(line[:-1]) == [parse(line)]
    for data in (b"", b"\n", line + b"\n", b"\n" + line, line * 17, line + b"{}\n"):
        with pytest.raises(VerificationError):
            parse_bundle(data)


STATEMENT = b'{"_type":"https://in-toto.io/Statement/v1","a":[1,2,{"b":"\xc3\xa4"}]}'
ENCODED = encode(sign(TYPE, STATEMENT, [ONE]))


def keeps_its_word(data: bytes, signer: Signer) -> None:
    """It is refused, or not accepted, or means exactly what was signed."""
    try:
        envelope = parse(data)
    except VerificationError:
        return
    if accepted(envelope, [signer.public]):
        assert (envelope.payload_type, envelope.payload) == (TYPE, STATEMENT)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_altered_envelopes_never_say_anything_else(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(ENCODED) - 1))
    end = data.draw(st.integers(place, min(len(ENCODED), place + 20)))
    put = data.draw(st.binary(max_size=20) | st.sampled_from([b'"', b"=", b"A", b" ", b"\\u0041"]))
    keeps_its_word(ENCODED[:place] + put + ENCODED[end:], ONE)


@settings(deadline=None, max_examples=100)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["payload", "payloadType", "signatures", "sig", "keyid"])
                | st.text(),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_read_or_refused(value: Any) -> None:
    keeps_its_word(json.dumps(value).encode(), ONE)


def test_every_bit_of_a_signed_envelope_counts() -> None:
    for place in range(0, len(ENCODED) * 8, 3):
        altered = bytearray(ENCODED)
        altered[place // 8] ^= 1 << place % 8
        keeps_its_word(bytes(altered), ONE)
