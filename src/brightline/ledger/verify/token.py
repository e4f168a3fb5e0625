"""Timestamps of a checkpoint: RFC 3161 tokens, checked offline."""

from __future__ import annotations

from datetime import datetime

from brightline.errors import UsageError, VerificationError


def check_token(token: bytes, data: bytes, roots: bytes) -> datetime:
    """When the authority saw `data`: a DER TimeStampResp (RFC 3161, section 2.4.2) over it.

    `roots` are PEM certificates of authorities that are trusted; the token carries the others.
    Raises VerificationError if it does not verify, and UsageError if the roots cannot be read or
    the extra `timestamp` is not installed.
    """
    try:
        from rfc3161_client import VerificationError as Refused
        from rfc3161_client import VerifierBuilder, decode_timestamp_response
    except ImportError:
        raise UsageError(
            "timestamps need further packages; run: pip install 'brightline[timestamp]'"
        ) from None
    from cryptography import x509

    try:
        trusted = x509.load_pem_x509_certificates(roots)
    except ValueError:
        raise UsageError("the authority's root is not a certificate in PEM") from None
    try:
        response = decode_timestamp_response(token)
    except ValueError:
        raise VerificationError("the timestamp token is not one (RFC 3161)") from None
    builder = VerifierBuilder()
    for root in trusted:
        builder = builder.add_root_certificate(root)
    try:
        builder.build().verify_message(response, data)
    except Refused:
        raise VerificationError(
            "the timestamp token is not of this checkpoint, or not by this authority"
        ) from None
    except ValueError:
        raise VerificationError("the timestamp token cannot be verified") from None
    time: datetime = response.tst_info.gen_time
    return time
