"""EXIF's texts that carry, or should carry, the name of their character set.

`UserComment` starts with eight bytes naming a character set (CIPA DC-008, 4.6.6). `UNICODE`
does not say which byte order, and writers differ: some take the file's, some always
big-endian, some write UTF-8. So the order is found from the bytes.
"""

from __future__ import annotations

from typing import Final

from brightline.origin.containers.found import text_of

_SAMPLE: Final = 512


def utf16_order(raw: bytes, default: str) -> str:
    """`utf-16-le` or `utf-16-be`, whichever the bytes are; `default` where both are as likely.

    A byte order mark decides. Else ASCII letters tell: their upper byte is NUL. Text without
    any is taken in the order in which more of its characters are common ones (CJK, kana,
    Hangul, Cyrillic, Greek).
    """
    if raw[:2] == b"\xff\xfe":
        return "utf-16-le"
    if raw[:2] == b"\xfe\xff":
        return "utf-16-be"
    sample = raw[: _SAMPLE & ~1]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if even != odd:
        return "utf-16-be" if even > odd else "utf-16-le"
    little, big = _common(sample, "utf-16-le"), _common(sample, "utf-16-be")
    if little != big:
        return "utf-16-le" if little > big else "utf-16-be"
    return default


def _common(sample: bytes, encoding: str) -> int:
    text = sample.decode(encoding, "replace")
    return sum(
        " " <= c <= "~"
        or "\u0370" <= c <= "\u04ff"
        or "\u3000" <= c <= "\u30ff"
        or "\u4e00" <= c <= "\u9fff"
        or "\uac00" <= c <= "\ud7a3"
        or "\uff00" <= c <= "\uffef"
        for c in text
    )


def _utf16(raw: bytes, default: str) -> str:
    if b"\0" not in raw and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:  # UTF-8 under the wrong name; sixteen-bit text is rarely valid UTF-8
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            pass
    text = raw.decode(utf16_order(raw, default), "replace")
    return text.removeprefix("\ufeff").rstrip("\0")


def user_comment(raw: bytes, big_endian: bool) -> str:
    """`UserComment` as text, whatever its first eight bytes claim."""
    charset, body = raw[:8], raw[8:]
    default = "utf-16-be" if big_endian else "utf-16-le"
    if charset.upper() == b"UNICODE\0":
        return _utf16(body, default)
    if charset[:7].upper() == b"UNICODE":  # without its NUL, so that the text starts earlier
        return _utf16(raw[7:], default)
    if charset in (b"ASCII\0\0\0", bytes(8), b"        "):
        return _utf16(body, default) if body[:_SAMPLE].count(0) > 2 else text_of(body)
    if charset == b"JIS\0\0\0\0\0":
        return body.rstrip(b"\0").decode("iso2022_jp", "replace")
    return text_of(raw)  # written without a character set
