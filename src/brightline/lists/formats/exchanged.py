"""The types of signals as Meta's ThreatExchange family of tools names them.

`SignalType.get_name()` of python-threatexchange 1.2.17 (threatexchange/signal_type/*.py:
`pdq`, `video_md5`, `video_sha256`, `url`, `url_md5`, `raw_text`, `trend_query`) and the
indicator types of the ThreatExchange API (`HASH_PDQ`, `URI`, …). Extensions add further ones,
so an unknown type is no fault: it has no signal that can be matched here.
"""

from __future__ import annotations

from brightline.lists.formats.faults import Fault, FaultyRecordError
from brightline.lists.formats.values import PHOTODNA, hex_value, photodna_value
from brightline.signals.url import url_digest
from brightline.types import SignalType

_SIGNALS = {
    "pdq": SignalType.PDQ,
    "md5": SignalType.MD5,
    "video_md5": SignalType.MD5,
    "sha1": SignalType.SHA1,
    "sha256": SignalType.SHA256,
    "video_sha256": SignalType.SHA256,
    "url": SignalType.URL,
}
#: what a line of `TYPE VALUE` may begin with
TYPE_NAMES = frozenset((*_SIGNALS, PHOTODNA, "url_md5", "raw_text", "trend_query"))
_ALIASES = {"uri": "url", "raw_uri": "url", "pdna": PHOTODNA}


def exchanged_signal(
    name: str, text: str
) -> tuple[tuple[SignalType, bytes] | None, tuple[str, bytes] | None]:
    """(signal, None), (None, opaque signal), or (None, None) for a type not matched here."""
    name = name.strip().lower().removeprefix("hash_")
    name = _ALIASES.get(name, name)
    text = text.strip()
    if name == PHOTODNA:
        return None, (PHOTODNA, photodna_value(text))
    signal = _SIGNALS.get(name)
    if signal is None:
        return None, None
    if signal is not SignalType.URL:
        return (signal, hex_value(text, signal)), None
    digest = url_digest(text)
    if digest is None:
        raise FaultyRecordError(Fault.NOT_AN_ADDRESS)
    return (signal, digest), None
