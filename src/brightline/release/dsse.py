"""DSSE: a signed payload with its type (secure-systems-lab/dsse, protocol v1.0.0, envelope).

What is signed is PAE(type, payload), so that neither can be read as something else. Signatures
are Ed25519 (RFC 8032). A key id is only a hint and decides nothing: here it is the key's OpenSSH
fingerprint, as `ssh-keygen -l` prints it.

Reading is stricter than the specification where that costs no honest envelope anything: no
doubled or unknown keys (nothing unsigned travels beside what is signed), and base64 in its one
spelling, of either alphabet.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from brightline.errors import VerificationError
from brightline.ledger.keys import Signer, public_ssh
from brightline.release.strict import load_base64, load_json

#: the most bytes of an envelope's line, and the most signatures in one
MOST_BYTES = 8 << 20
MOST_SIGNATURES = 16
_MOST_LINES = 16
_SIGNATURE = 64


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature: 64 bytes, and the signer's hint at the key, "" if there is none."""

    sig: bytes
    keyid: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload, its type, and the signatures over both. Parsed is not verified."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    @property
    def signed(self) -> bytes:
        """The bytes that the signatures are over."""
        return pae(self.payload_type, self.payload)


def pae(payload_type: str, payload: bytes) -> bytes:
    """Pre-authentication encoding: `DSSEv1 LEN TYPE LEN PAYLOAD`, lengths in bytes, decimal."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def keyid(public: bytes) -> str:
    """The OpenSSH fingerprint of a key of 32 bytes: `SHA256:` and base64 without padding."""
    wire = base64.b64decode(public_ssh(public).split()[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(wire).digest()).decode("ascii").rstrip("=")


def sign(payload_type: str, payload: bytes, signers: Iterable[Signer]) -> Envelope:
    """An envelope with one signature of each signer."""
    body = pae(payload_type, payload)
    made = tuple(Signature(signer.sign(body), keyid(signer.public)) for signer in signers)
    return Envelope(payload_type, payload, made)


def encode(envelope: Envelope) -> bytes:
    """The envelope as one line of JSON, with its newline."""
    signatures = []
    for signature in envelope.signatures:
        fields = {"sig": base64.b64encode(signature.sig).decode("ascii")}
        if signature.keyid:
            fields["keyid"] = signature.keyid
        signatures.append(fields)
    document = {
        "payload": base64.b64encode(envelope.payload).decode("ascii"),
        "payloadType": envelope.payload_type,
        "signatures": signatures,
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii") + b"\n"


def parse(data: bytes) -> Envelope:
    """Read an envelope; VerificationError if it is not one. Says nothing of the signatures."""
    document = load_json(data, "the envelope", MOST_BYTES)
    match document:
        case {"payload": text, "payloadType": str(kind), "signatures": list(listed)} if (
            len(document) == 3 and 1 <= len(listed) <= MOST_SIGNATURES
        ):
            payload = load_base64(text)
            signatures = [_signature(fields) for fields in listed]
            if payload is not None:
                return Envelope(kind, payload, tuple(signatures))
    raise VerificationError(
        "this is not a DSSE envelope: its fields are not payload, type, signatures"
    )


def _signature(fields: object) -> Signature:
    match fields:
        case {"sig": text, **rest} if not rest or (
            list(rest) == ["keyid"] and isinstance(rest["keyid"], str)
        ):
            sig = load_base64(text)
            if sig is not None and len(sig) == _SIGNATURE:
                return Signature(sig, str(rest.get("keyid", "")))
    raise VerificationError("this is not a DSSE envelope: a signature is not an Ed25519 signature")


def parse_bundle(data: bytes) -> list[Envelope]:
    """The envelopes of a bundle (in-toto attestation, bundle layer): one a line, none passed over.

    Raises VerificationError for no line, too many, an empty one, or one that is not an envelope.
    """
    if len(data) > MOST_BYTES:
        raise VerificationError(
            f"the statement is larger than the {MOST_BYTES} bytes that are read"
        )
    lines = data.removesuffix(b"\n").split(b"\n")
    if len(lines) > _MOST_LINES:
        raise VerificationError(f"the statement has more than {_MOST_LINES} lines")
    return [parse(line) for line in lines]


def accepted(envelope: Envelope, keys: Sequence[bytes]) -> frozenset[bytes]:
    """Those of the public keys, 32 bytes each, that made a signature of the envelope."""
    found = set()
    body = envelope.signed
    for public in set(keys):
        try:
            key = Ed25519PublicKey.from_public_bytes(public)
        except ValueError:
            continue
        for signature in envelope.signatures:
            try:
                key.verify(signature.sig, body)
            except InvalidSignature:
                continue
            found.add(public)
    return frozenset(found)
