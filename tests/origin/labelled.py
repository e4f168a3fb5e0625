"""The labelled set: every rule in every place of every container, as written and re-saved.

    python -m tests.origin.labelled

Prints what is found and what is missed, as Markdown. Headers are written over pictures drawn
by code; no generator is involved.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, PngImagePlugin

from brightline.origin import Examination, examine
from brightline.origin.rules import Rule, rule_book
from tests.origin import writers

#: a key for rules that take any
ANY = {"text": "Comment", "comment": "comment", "exif": "usercomment", "xmp": "dc:description"}
ANY_MORE = {"stealth": "parameters", "iptc": "caption-abstract"}
#: the namespace in which programs write a property that a rule takes in any
SPACE_OF = {
    "digitalsourcetype": "Iptc4xmpExt:DigitalSourceType",
    "credit": "photoshop:Credit",
    "creditline": "plus:CreditLine",
    "usercomment": "exif:UserComment",
    "aigc": "TC260:AIGC",
    "softwareagent": "stEvt:softwareAgent",
    "xmp:creatortool": "xmp:CreatorTool",
    "tiff:software": "tiff:Software",
    "dc:description": "dc:description",
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """One file that carries what one rule looks for."""

    rule: Rule
    kind: str
    place: str
    data: bytes


def written_key(kind: str, key: str) -> str:
    """A real field's name for a rule's key."""
    if key == "*":
        return {**ANY, **ANY_MORE}[kind]
    if kind == "xmp":
        return SPACE_OF[key.removeprefix("*:")]
    return key


def slots(rule: Rule) -> Iterator[tuple[str, str]]:
    """The places of a rule that can be written: kind and field name."""
    known = {*writers.IFD0, *writers.SUB, *writers.XP}
    for kind, key in rule.where:
        name = written_key(kind, key)
        if kind != "exif" or name in known:  # a property's name that EXIF itself does not have
            yield kind, name


#: containers whose encoders take most of the time that the set takes to write
_SLOW = ("avif item", "heic item")
_IN_SLOW = ("declared.iptc.trained", "generator.comfyui.prompt", "declared.aigc.label1")


@functools.cache
def labelled(short: bool = False) -> tuple[Labelled, ...]:
    """All files of the set; `short` leaves out AVIF and HEIC but of three rules."""
    found = []
    for rule in rule_book().rules:
        extra = {more.where[1]: more.example for more in rule.also if more.where}
        for kind, name in slots(rule):
            for place, make in writers.places(kind, name, extra):
                if short and place in _SLOW and rule.id not in _IN_SLOW:
                    continue
                found.append(Labelled(rule, f"{kind}:{name}", place, make(rule.example)))
    return tuple(found)


def look(data: bytes) -> Examination:
    """The examination of a file of the set."""
    return examine(data, stealth=True, c2pa=False)


def holds(one: Labelled, data: bytes) -> bool:
    """Whether the rule is found in a file."""
    return any(piece.rule_id == one.rule.id for piece in look(data).evidence)


def resaved(data: bytes, keep: bool) -> bytes:
    """The picture opened and saved by Pillow in its own format; `keep` carries metadata over."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        form = image.format or "PNG"
        options: dict[str, object] = {}
        if keep:
            options = _kept(image, form)
        out = io.BytesIO()
        image.save(out, form, **options)
        return out.getvalue()


def _kept(image: Image.Image, form: str) -> dict[str, object]:
    options: dict[str, object] = {}
    if form == "PNG":
        info = PngImagePlugin.PngInfo()
        for key, value in getattr(image, "text", {}).items():
            info.add_itxt(key, value)
        options["pnginfo"] = info
    exif = image.getexif()
    if len(exif):
        options["exif"] = exif if form == "TIFF" else exif.tobytes()
    if image.info.get("xmp") and form != "TIFF":
        options["xmp"] = image.info["xmp"]
    if image.info.get("comment"):
        options["comment"] = image.info["comment"]
    return options


def report() -> str:
    """Per rule: files, found as written, after a re-save that keeps metadata, after a plain one."""
    rows = []
    total = [0, 0, 0, 0]
    for rule in rule_book().rules:
        mine = [one for one in labelled() if one.rule is rule]
        found = sum(holds(one, one.data) for one in mine)
        kept = sum(holds(one, resaved(one.data, True)) for one in mine)
        lost = sum(holds(one, resaved(one.data, False)) for one in mine)
        row = [len(mine), found, kept, lost]
        total = [a + b for a, b in zip(total, row, strict=True)]
        rows.append([f"`{rule.id}`", *row])
    rows.append(["all", *total])
    head = ["rule", "files", "found", "found after a re-save that keeps metadata"]
    head.append("found after a plain re-save")
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    import pillow_heif

    pillow_heif.register_heif_opener()
    print(report())
