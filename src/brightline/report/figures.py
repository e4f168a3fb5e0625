"""Numbers and foreign text as people read them."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

#: U+202F, the narrow no-break space: groups thousands (ISO 80000-1, 7.3.2), never wraps
THIN = "\u202f"

_PREFIXES = ("kB", "MB", "GB", "TB", "PB", "EB")
_SPANS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))

# Unicode's bidirectional controls (UAX #9, 2.1–2.6) can make a path read as another
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_HIDDEN = frozenset({"Cc", "Cs", "Cn", "Zl", "Zp"})


def number(value: int | float) -> str:
    """`1234567.5` → `1 234 567.5`; a float keeps up to three decimals."""
    if isinstance(value, int):
        return f"{value:,}".replace(",", THIN)
    text = f"{value:,.3f}".rstrip("0").rstrip(".")
    return text.replace(",", THIN)


def counted(value: int, one: str, many: str | None = None) -> str:
    """`1 item`, `2 items`."""
    return f"{number(value)} {one if value == 1 else many or one + 's'}"


def share(part: int, whole: int) -> str:
    """A percentage that says 0 % and 100 % only of none and all."""
    if whole <= 0:
        return "–"
    percent = 100 * part / whole
    if part and percent < 0.1:
        return f"<{THIN}0.1{THIN}%"
    if part < whole and percent > 99.9:
        return f">{THIN}99.9{THIN}%"
    return f"{percent:.1f}{THIN}%" if part not in (0, whole) else f"{percent:.0f}{THIN}%"


def size(value: int) -> str:
    """Bytes with a decimal prefix and three significant digits: `1.23 GB`."""
    if value < 1000:
        return counted(value, "byte")
    scaled, power = value / 1000, 0
    # 999.5 would be printed as 1000
    while scaled >= 999.5 and power < len(_PREFIXES) - 1:
        scaled, power = scaled / 1000, power + 1
    decimals = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
    text = f"{scaled:,.{decimals}f}".replace(",", THIN)
    return f"{text}{THIN}{_PREFIXES[power]}"


def exact_size(value: int) -> str:
    """The same, with the exact figure behind it."""
    return size(value) if value < 1000 else f"{size(value)} ({number(value)} bytes)"


def duration(seconds: float) -> str:
    """`0.84 s`, `12.3 s`, `4 min 5 s`, `3 h 12 min`, `2 d 4 h`: the two largest units."""
    if seconds < 59.95:
        text = f"{seconds:.2f}" if seconds < 10 else f"{seconds:.1f}"
        return f"{text.rstrip('0').rstrip('.')}{THIN}s"
    rest = round(seconds)
    if rest >= 86_400:
        rest = round(rest / 3600) * 3600
    elif rest >= 3600:
        rest = round(rest / 60) * 60
    parts = []
    for length, unit in _SPANS:
        amount, rest = divmod(rest, length)
        if amount:
            parts.append(f"{number(amount)}{THIN}{unit}")
    return " ".join(parts)


def exact_duration(seconds: float) -> str:
    """The same, with the exact figure behind it where it was rounded."""
    if seconds < 59.95:
        return f"{number(seconds)}{THIN}s"
    return f"{duration(seconds)} ({number(seconds)}{THIN}s)"


def moment(text: str) -> str:
    """An RFC 3339 time in UTC, to the second; anything else is given back as it is."""
    try:
        then = datetime.fromisoformat(text)
        if then.tzinfo is None:
            return text
        return then.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError):
        return text


def visible(text: str) -> str:
    """Text with control characters, lone surrogates and text-direction controls spelled out.

    A name from someone's disk can then neither break the page's encoding nor reorder what is
    read. Letters of every script stay as they are.
    """
    return "".join(_spell(c) if _is_hidden(c) else c for c in text)


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, cut in the middle: names often differ at their ends."""
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 2
    return f"{text[: limit - 1 - tail]}…{text[-tail:]}"


def words(code: str) -> str:
    """A code in words: `first_frame_only` → `first frame only`."""
    return re.sub(r"[_.]+", " ", code)


def _is_hidden(character: str) -> bool:
    return character in _BIDI or unicodedata.category(character) in _HIDDEN


def _spell(character: str) -> str:
    point = ord(character)
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
