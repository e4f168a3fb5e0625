"""Asking a time stamping authority for a token over a checkpoint (RFC 3161, over HTTP)."""

from __future__ import annotations

from brightline.errors import UsageError

_MAX_BYTES = 1 << 20
_SECONDS = 30.0


def request_token(url: str, data: bytes) -> bytes:
    """A DER TimeStampResp over `data` from the authority at `url`, with its certificates.

    Only the SHA-256 digest of `data` leaves the machine. The answer must be granted and over
    that digest; whose it is, the verifier checks against the authority's root. Raises UsageError
    if the authority cannot be reached or refuses, or if the extra `timestamp` is not installed.
    """
    try:
        import httpx
        from rfc3161_client import (
            TimestampRequestBuilder,
            decode_timestamp_response,
        )
    except ImportError:
        raise UsageError(
            "timestamps need further packages; run: pip install 'brightline[timestamp]'"
        ) from None
    asked = TimestampRequestBuilder().data(data).build()
    headers = {"Content-Type": "application/timestamp-query"}
    answer = bytearray()
    try:
        # no proxy and no redirect: the digest goes to the address given, and nowhere else
        with (
            httpx.Client(trust_env=False, timeout=_SECONDS) as client,
            client.stream("POST", url, content=asked.as_bytes(), headers=headers) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise UsageError(
                    f"the time stamping service answered with status {response.status_code}"
                )
            for piece in response.iter_bytes():
                answer += piece
                if len(answer) > _MAX_BYTES:
                    raise UsageError("the time stamping service's answer is too long to be one")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UsageError(
            f"the time stamping service cannot be reached ({type(error).__name__}); "
            "look at the address and try again"
        ) from None
    try:
        token = decode_timestamp_response(bytes(answer))
        same = token.tst_info.message_imprint.message == asked.message_imprint.message
        right = token.status in (0, 1) and same and token.tst_info.nonce == asked.nonce
    except ValueError:
        right = False
    if not right:
        raise UsageError("the time stamping service did not grant a token over this checkpoint")
    return bytes(answer)
