"""What lies beside a picture says where it came from: `key.json`, or a row of a side table.

Members of one sample follow each other and share a key: the path up to the first dot of the
base name (webdataset's convention; a dot in a folder's name does not end the key). A dataset's
hash columns are of the *original* download, while the member is often a re-encoded copy, so both
are to be matched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Protocol

from brightline.sources.parts import Flowing, Held, Part
from brightline.sources.paths import IMAGE_EXTENSIONS, extension
from brightline.sources.sniff import looks_like_image
from brightline.sources.streams import MIB, BrokenStreamError
from brightline.types import Declared, NoContent

#: bounds of one sample; what is larger is passed on without its sidecar
MOST_MEMBERS = 16
MOST_BYTES = 64 * MIB
MOST_JSON = MIB


class SideTable(Protocol):
    """Rows that belong to the members of one archive."""

    def declared(self, key: str, *, image: bool) -> tuple[Declared, ...]:
        """What the rows with this key say; for an image, they count as found."""
        ...


def key_of(locator: str) -> str:
    """The sample that a member belongs to."""
    folder, slash, base = locator.rpartition("/")
    return folder + slash + base.partition(".")[0]


def is_image(name: str, head: bytes) -> bool:
    """Whether a member is a picture, by its extension or its first bytes."""
    return extension(name) in IMAGE_EXTENSIONS or looks_like_image(head)


def with_sidecars(parts: Iterator[Part], table: SideTable | None = None) -> Iterator[Part]:
    """The same parts in the same order; the pictures among them with what is declared of them.

    Where a sample holds a `key.json` and no picture, the declaration stays with the JSON: its
    hashes are to be matched all the same.
    """
    group: list[Held | NoContent] = []
    key = ""
    total = 0
    broken: BrokenStreamError | None = None
    while True:
        try:
            part = next(parts)
        except StopIteration:
            break
        except BrokenStreamError as error:
            # what was read before the break is still to be passed on
            broken = error
            break
        if type(part) is Held:
            own = key_of(part.locator)
            room = len(group) < MOST_MEMBERS and total + len(part.data) <= MOST_BYTES
            if group and (own != key or not room):
                if table is None and len(group) == 1 and not group[0].locator.endswith(".json"):
                    yield group[0]  # the most frequent case, without another generator
                else:
                    yield from _declare(group, key, table)
                group.clear()
                total = 0
            key = own
            group.append(part)
            total += len(part.data)
            continue
        if (
            isinstance(part, NoContent)
            and 0 < len(group) < MOST_MEMBERS
            and key_of(part.locator) == key
        ):
            # an empty caption must not part a picture from its JSON
            group.append(part)
            continue
        yield from _declare(group, key, table)
        group.clear()
        total = 0
        yield part if table is None else _declare_unheld(part, table)
    yield from _declare(group, key, table)
    if broken is not None:
        raise broken


def _declare(group: list[Held | NoContent], key: str, table: SideTable | None) -> Iterator[Part]:
    sidecar = f"{key}.json"
    said: Declared | None = None
    for part in group:
        if isinstance(part, Held) and part.locator == sidecar and len(part.data) <= MOST_JSON:
            said = from_json(part.data)
    if said is None and table is None:
        yield from group
        return
    pictures = {
        k
        for k, part in enumerate(group)
        if isinstance(part, Held) and is_image(part.locator, part.data)
    }
    for k, part in enumerate(group):
        if isinstance(part, NoContent):
            yield part if table is None else _declare_unheld(part, table)
            continue
        image = k in pictures
        extra: tuple[Declared, ...] = ()
        if table is not None and image:
            extra = table.declared(key, image=True)
        if said is not None and (image or (not pictures and part.locator == sidecar)):
            extra = merged((said,), extra)
        yield Held(part.locator, part.data, merged(part.declared, extra)) if extra else part


def _declare_unheld(part: Part, table: SideTable) -> Part:
    """A picture that is too large to hold, or that cannot be read, is in the table all the same."""
    if not isinstance(part, Flowing | NoContent):
        return part
    if extension(part.locator) not in IMAGE_EXTENSIONS:
        return part
    extra = merged(part.declared, table.declared(key_of(part.locator), image=True))
    return replace(part, declared=extra)


def merged(one: tuple[Declared, ...], two: tuple[Declared, ...]) -> tuple[Declared, ...]:
    """Both, each different declaration once."""
    return one + tuple(d for d in two if d not in one)


_DIGITS = {"md5": 32, "sha1": 40, "sha256": 64}


def from_json(data: bytes) -> Declared | None:
    """The declaration in a JSON sidecar, or None if it makes none or is no JSON object."""
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    found = declare({k.lower(): v for k, v in fields.items()})
    return found if found != Declared() else None


def declare(fields: dict[str, Any]) -> Declared:
    """A declaration from fields by their lower-case names; what is malformed is left out."""
    url = fields.get("url")
    return Declared(
        md5=_digest(fields, "md5"),
        sha1=_digest(fields, "sha1"),
        sha256=_digest(fields, "sha256"),
        url=url.strip() or None if isinstance(url, str) else None,
        width=_pixels(fields.get("original_width")),
        height=_pixels(fields.get("original_height")),
    )


def _digest(fields: dict[str, Any], name: str) -> bytes | None:
    text = fields.get(name)
    if not isinstance(text, str):
        return None
    text = text.strip(" \t\r\n")
    if len(text) != _DIGITS[name]:
        return None
    try:
        value = bytes.fromhex(text)
    except ValueError:
        return None
    return value if len(value) * 2 == len(text) else None


def _pixels(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 < value < 1 << 31:
        return None
    return int(value)
