"""A certificate chain of the tests' own, and pictures signed by it, all offline."""

from __future__ import annotations

import datetime as dt
import io
import json
from dataclasses import dataclass
from typing import Any

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
GENERATED = {"action": "c2pa.created", "digitalSourceType": f"{IPTC}trainedAlgorithmicMedia"}
#: what an editor says of a parent that `sign` is given
OPENED = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["before"]}}


@dataclass(frozen=True, slots=True)
class Chain:
    """A root's certificate (PEM), and the chain and key that sign in its name."""

    root: bytes
    chain: bytes
    key: bytes


def make_chain(days: float = 90, organisation: str = "Brightline tests") -> Chain:
    """ES256, root and leaf; the leaf is valid for so many days from now."""
    now = dt.datetime.now(dt.UTC)
    root_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))

    def name(common: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, common),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            ]
        )

    def usage(*, sign: bool, certify: bool) -> x509.KeyUsage:
        flags = [sign, False, False, False, False, certify, certify, False, False]
        return x509.KeyUsage(*flags)

    def start(common: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name(common))
            .issuer_name(name("root"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=400))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        )

    root = (
        start("root", root_key)
        .not_valid_after(now + dt.timedelta(days=900))
        .add_extension(x509.BasicConstraints(True, None), True)
        .add_extension(usage(sign=True, certify=True), True)
        .sign(root_key, hashes.SHA256())
    )
    leaf = (
        start("leaf", leaf_key)
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(False, None), True)
        .add_extension(usage(sign=True, certify=False), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), False
        )
        .sign(root_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return Chain(
        root.public_bytes(pem),
        leaf.public_bytes(pem) + root.public_bytes(pem),
        leaf_key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )


def picture(form: str = "JPEG", size: tuple[int, int] = (320, 240)) -> bytes:
    """Noise, drawn by code."""
    out = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(out, form)
    return out.getvalue()


def sign(
    chain: Chain,
    source: bytes,
    mime: str = "image/jpeg",
    *actions: dict[str, Any],
    parent: bytes | None = None,
    agent: str = "TestTool",
    remote: str | None = None,
    assertions: tuple[dict[str, Any], ...] = (),
) -> bytes:
    """A picture with a manifest of these actions (default: generated)."""
    info = c2pa.C2paSignerInfo(
        alg=b"es256", sign_cert=chain.chain, private_key=chain.key, ta_url=None
    )
    context = c2pa.Context.from_dict(
        {
            "trust": {"trust_anchors": chain.root.decode()},
            "verify": {"verify_after_sign": False},
            "builder": {"thumbnail": {"enabled": False}},
        }
    )
    definition = {
        "claim_generator_info": [{"name": agent, "version": "1"}],
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": list(actions or (GENERATED,))}},
            *assertions,
        ],
    }
    builder = c2pa.Builder.from_json(json.dumps(definition), context=context)
    if parent is not None:
        before = {"title": "before", "relationship": "parentOf", "label": "before"}
        builder.add_ingredient(json.dumps(before), mime, io.BytesIO(parent))
    if remote is not None:
        builder.set_no_embed()
        builder.set_remote_url(remote)
    out = io.BytesIO()
    builder.sign(c2pa.Signer.from_info(info), mime, io.BytesIO(source), out)
    return out.getvalue()
