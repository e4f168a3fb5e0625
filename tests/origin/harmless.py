"""Files that claim nothing about a generator: cameras', scanners', screenshots', editors'.

Headers in the manner of real programs over drawn pictures, and pictures that packages ship.
Some hold words that rules look for, in places or forms in which they mean nothing.
"""

from __future__ import annotations

import importlib.util
import io
import random
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from tests.origin import writers

_CAMERAS = (
    ("Canon", "Canon EOS R5", "RF24-70mm F2.8 L IS USM"),
    ("NIKON CORPORATION", "NIKON Z 6_2", "NIKKOR Z 24-70mm f/4 S"),
    ("SONY", "ILCE-7M4", "FE 35mm F1.8"),
    ("FUJIFILM", "X-T5", "XF23mmF2 R WR"),
    ("Apple", "iPhone 15 Pro", "iPhone 15 Pro back triple camera 6.765mm f/1.78"),
    ("samsung", "SM-S918B", "Samsung Galaxy S23 Ultra Rear Wide Camera"),
    ("Google", "Pixel 8 Pro", "Pixel 8 Pro back camera 6.9mm f/1.68"),
    ("OLYMPUS CORPORATION", "E-M10MarkII", "OLYMPUS M.25mm F1.8"),
    ("Panasonic", "DC-GH5", "LUMIX G VARIO 12-60"),
    ("DJI", "FC3582", ""),
)
_SOFTWARE = (
    "Adobe Photoshop 25.0 (Windows)",
    "Adobe Photoshop Lightroom Classic 13.0 (Macintosh)",
    "GIMP 2.10.36",
    "Capture One 23 Windows",
    "darktable 4.4.2",
    "Ver.1.01",
    "HDR+ 1.0.540104767zd",
    "17.1.2",
    "Picasa",
    "Snapseed 2.0",
    "EPSON Scan",
    "Paint.NET 5.0",
    "Windows Photo Editor 10.0.10011.16384",
    "Firefly Studio Pro",
    "ImageMagick 7.1",
)
_CAPTIONS = (
    "A lighthouse near the midjourney of the stream",
    "Steps: mix the dough, wait. Sampler box of seeds: 12",
    "Recipe. Steps: 4, CFG scale: none, no numbers for luck",
    "prompt: {not json}",
    '{"title": "harbour", "seed": "sunflower"}',
    '{"nodes of interest": 3}',
    "Job ID: 12345",
    "Signature: Anna Example",
    "AIGC conference, Label: press",
    "Made with love, edited with care",
    "A dream -- the sea -- at dusk",
    "Digital source type: trainedAlgorithmicMedia is a term of the IPTC",
    "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia is an address",
    "How Stable Diffusion works, a lecture",
    "灯台と海",
)
_NEUTRAL = ("digitalCreation", "humanEdits", "algorithmicallyEnhanced", "composite", "digitalArt")


def _camera_block(dice: random.Random, software: str, caption: str) -> bytes:
    make, model, lens = dice.choice(_CAMERAS)
    exif = Image.Exif()
    exif[0x010E], exif[0x010F], exif[0x0110], exif[0x0131] = caption, make, model, software
    exif[0x0132] = "2024:05:17 10:22:31"
    sub = exif.get_ifd(0x8769)
    sub[0x829A] = IFDRational(1, dice.choice((60, 125, 500, 2000)))
    sub[0x829D] = IFDRational(dice.choice((18, 28, 56)), 10)
    sub[0x8827] = dice.choice((100, 200, 1600))
    sub[0x920A] = IFDRational(dice.choice((24, 35, 85)), 1)
    sub[0xA002], sub[0xA003] = writers.WIDTH, writers.HEIGHT
    if lens:
        sub[0xA434] = lens
    sub[0x927C] = dice.randbytes(600)
    sub[0x9286] = writers.user_comment(caption, dice.choice(("ascii", "unicode-le", "undefined")))
    return bytes(exif.tobytes()).removeprefix(b"Exif\0\0")


def _photoshop_packet(dice: random.Random, caption: str) -> bytes:
    tool = dice.choice(_SOFTWARE)
    events = "".join(
        f'<rdf:li stEvt:action="saved" stEvt:instanceID="xmp.iid:{dice.randbytes(8).hex()}" '
        f'stEvt:when="2024-05-17T10:22:3{k}+02:00" stEvt:softwareAgent="{tool}"/>'
        for k in range(dice.randint(1, 6))
    )
    neutral = dice.choice(_NEUTRAL)
    text = escape(caption)
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta '
        f'xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 9.1"><rdf:RDF xmlns:rdf="{writers.RDF}">'
        '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
        'xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        'xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#" '
        f'xmp:CreatorTool="{tool}" photoshop:Credit="Example Press" '
        "Iptc4xmpExt:DigitalSourceType="
        f'"http://cv.iptc.org/newscodes/digitalsourcetype/{neutral}">'
        f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt>'
        f"</dc:description><xmpMM:History><rdf:Seq>{events}</rdf:Seq></xmpMM:History>"
        "</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
    ).encode()


def made(count: int, seed: int = 1) -> Iterator[tuple[str, bytes]]:
    """Files by the ways in which pictures usually come about, as (kind, bytes)."""
    dice = random.Random(seed)
    for number in range(count):
        software, caption = dice.choice(_SOFTWARE), _CAPTIONS[number % len(_CAPTIONS)]
        match number % 10:
            case 0 | 1:
                yield "camera JPEG", writers.jpeg_exif(_camera_block(dice, software, caption))
            case 2:
                yield "camera HEIC", writers.heic(exif=_camera_block(dice, software, caption))
            case 3:
                yield "scan", writers.tiff(exif=_camera_block(dice, "EPSON Scan", caption))
            case 4:
                yield "screenshot", writers.png_text("Software", "gnome-screenshot")
            case 5:
                yield "editor JPEG", writers.jpeg_xmp(_photoshop_packet(dice, caption))
            case 6:
                key = dice.choice(
                    ("Comment", "Description", "Title", "Source", "prompt", "parameters")
                )
                yield "captioned PNG", writers.png_text(key, caption, "iTXt")
            case 7:
                yield "editor WebP", writers.webp(b"XMP ", _photoshop_packet(dice, caption))
            case 8:
                yield "captioned GIF", writers.gif_comment(caption)
            case _:
                block = writers.iptc_block(dice.choice((80, 110, 120)), caption)
                yield "press JPEG", writers.jpeg_iptc(block)


def shipped() -> Iterator[tuple[str, bytes]]:
    """Pictures in the packages that are installed for tests, at most 20 MB each."""
    for package in ("skimage", "sklearn", "matplotlib", "networkx", "torchvision", "scipy"):
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.origin:
            continue
        for path in sorted(Path(spec.origin).parent.rglob("*")):
            kind = path.suffix.lower()
            if kind in (".jpg", ".jpeg", ".png", ".gif", ".webp", ".tif", ".tiff"):
                data = path.read_bytes()
                if len(data) < 20 << 20:
                    yield f"shipped with {package}", data


def resaves(data: bytes) -> Iterator[bytes]:
    """A shipped picture in other formats, small, its metadata kept where Pillow keeps any."""
    with Image.open(io.BytesIO(data)) as image:
        exif = image.getexif().tobytes()
        small = image.convert("RGB").resize((64, 48))
    for form in ("JPEG", "PNG", "WEBP"):
        out = io.BytesIO()
        small.save(out, form, exif=exif)
        yield out.getvalue()
