"""The walkers read what ExifTool reads: field by field over the labelled set."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from brightline.origin.containers import read_container
from tests.origin.harmless import made, shipped
from tests.origin.labelled import labelled

#: ExifTool's groups and tags of whose texts the walkers read all
GROUPS = {"PNG", "XMP-iptcExt", "XMP-dc", "XMP-plus"}
NAMES = {"IFD0:ImageDescription", "IFD0:Make", "IFD0:Model", "IFD0:Software", "IFD0:Artist"}
NAMES |= {"ExifIFD:UserComment", "IFD0:XPComment", "File:Comment", "GIF:Comment", "IPTC:Credit"}
NAMES |= {"IPTC:Caption-Abstract", "IPTC:OriginatingProgram", "XMP-photoshop:Credit"}
NAMES |= {"XMP-xmp:CreatorTool", "XMP-exif:UserComment"}
#: what ExifTool makes of a header, which is no text
MADE = {"ColorType", "Compression", "Filter", "Interlace", "BitDepth", "ModifyDate", "Gamma"}
MADE |= {"PixelsPerUnitX", "PixelsPerUnitY", "PixelUnits", "BackgroundColor", "Transparency"}
MADE |= {"SRGBRendering", "SignificantBits", "Palette", "ProfileName"}
_NESTED = ("stEvt:", "xmpMM:", "other:")


def _text(value: object) -> str:
    return " ".join(str(value).replace("\0", " ").split())


@pytest.mark.interop
def test_fields_are_those_of_exiftool(tmp_path: Path) -> None:
    files = [one.data for one in labelled() if not one.kind.startswith("stealth")]
    files += [data for _, data in made(300)] + [data for _, data in shipped()]
    for number, data in enumerate(files):
        (tmp_path / f"{number:05d}.bin").write_bytes(data)
    done = subprocess.run(
        [
            "exiftool",
            "-j",
            "-G1",
            "-a",
            "-u",
            "-n",
            "-s",
            "-ext",
            "bin",
            "-charset",
            "exif=utf8",
            tmp_path,
        ],
        capture_output=True,
        text=True,
        timeout=500,
    )
    theirs = {int(Path(one["SourceFile"]).stem): one for one in json.loads(done.stdout)}
    compared, wrong = 0, []
    for number, data in enumerate(files):
        container = read_container(data)
        ours = {_text(field.text) for field in container.fields}
        listed: set[str] = set()
        for tag, value in theirs[number].items():
            group, _, name = tag.partition(":")
            values = value if isinstance(value, list) else [value]
            listed |= {_text(one) for one in values}
            if not (tag in NAMES or (group in GROUPS and name not in MADE)):
                continue
            for one in values:
                if isinstance(one, str) and _text(one):
                    compared += 1
                    if _text(one) not in ours:
                        wrong.append(("only ExifTool", container.media_type, tag))
        for field in container.fields:
            # nested properties come out of ExifTool joined, dates and numbers converted
            if field.key.startswith(_NESTED) or not field.text.strip()[:1].isalpha():
                continue
            compared += 1
            if _text(field.text) not in listed and _text(field.text):
                wrong.append(("only we", container.media_type, field.path))
    assert compared > 2000
    assert not sorted(set(wrong))
