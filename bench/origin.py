"""What origin evidence finds, misses and costs; writes the measured part of docs/origin.md.

    python -m bench.origin [--write]

The labelled set and the harmless files are those of the tests. Costs are ratios to decoding
the same file with Pillow, in one run, both in processor time.
"""

from __future__ import annotations

import argparse
import io
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image
from tests.origin import harmless, labelled, writers
from tests.pictures import encode, photo

from bench import conditions, table, write_between_markers
from brightline.origin import examine
from brightline.origin.evidence import AI_CLAIMS

_PACKAGES = ("brightline", "numpy", "pillow", "pillow-heif", "c2pa-python")
#: many short rounds rather than few long ones: some of them fall between other work
_ROUNDS = 90
_TIMES = 10
_DECODES = 9


def _seconds(work: Callable[[], object], times: int, rounds: int) -> float:
    """Processor time of one call: the least of several rounds, as other work only adds to it."""
    found = []
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(times):
            work()
        found.append((time.process_time() - start) / times)
    return min(found)


def _decode(data: bytes) -> None:
    with Image.open(io.BytesIO(data)) as image:
        np.asarray(image.convert("RGB"))


def _large(form: str, kind: str) -> bytes:
    """A photograph of 1 megapixel with the headers of a camera and an editor."""
    pixels = photo(1, 1152, 864)
    block = writers.exif_block(
        {
            "make": "Canon",
            "model": "Canon EOS R5",
            "software": "Adobe Photoshop 25.0",
            "makernote": "\1\2" * 500,
            "usercomment": "a harbour at dusk",
        }
    )
    packet = writers.xmp_packet("xmp:CreatorTool", "Adobe Photoshop 25.0")
    if kind == "bare":
        return encode(pixels, form)
    if form == "TIFF":
        return encode(pixels, form)
    return encode(pixels, form, exif=b"Exif\0\0" + block, xmp=packet)


def _files() -> Iterator[tuple[str, bytes]]:
    for form in ("JPEG", "WEBP", "PNG", "AVIF"):
        yield f"{form}, no metadata", _large(form, "bare")
        if form != "PNG":
            yield f"{form}, EXIF and XMP", _large(form, "headers")
    yield "GIF, no metadata", _large("GIF", "bare")
    yield "TIFF, no metadata", _large("TIFF", "bare")
    rule = next(r for r in labelled.labelled() if r.rule.id == "generator.a1111.parameters")
    text = rule.rule.example
    yield "PNG, a generator's parameters", _with_text(_large("PNG", "bare"), text)


def _with_text(data: bytes, text: str) -> bytes:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("parameters", text)
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        image.save(out, "PNG", pnginfo=info)
    return out.getvalue()


def costs() -> str:
    """One row a kind of file: metadata alone, decoding, their ratio."""
    rows = []
    for name, data in _files():
        took = _seconds(lambda d=data: examine(d), _TIMES, _ROUNDS)  # type: ignore[misc]
        decoded = _seconds(lambda d=data: _decode(d), 1, _DECODES)  # type: ignore[misc]
        rows.append(
            [name, f"{took * 1e3:.3f}", f"{decoded * 1e3:.1f}", f"{100 * took / decoded:.2f} %"]
        )
    head = ["1 megapixel", "examine, ms", "decode with Pillow, ms", "share of decoding"]
    return table(head, rows)


def harmless_files() -> str:
    """Files that claim nothing, by kind, and how many AI claims were made on them."""
    files, wrong = Counter[str](), Counter[str]()
    for kind, data in [*harmless.made(600), *harmless.shipped()]:
        files[kind] += 1
        wrong[kind] += any(p.claim in AI_CLAIMS for p in labelled.look(data).evidence)
    rows: list[list[object]] = [[kind, files[kind], wrong[kind]] for kind in sorted(files)]
    rows.append(["all", files.total(), wrong.total()])
    return table(["files", "number", "with an AI claim"], rows)


def main() -> None:
    """Print the page's measured part, or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="into docs/origin.md")
    arguments = parser.parse_args()
    pillow_heif.register_heif_opener()
    page = "\n\n".join(
        [
            conditions("python -m bench.origin --write", _PACKAGES),
            "## Cost",
            costs(),
            "## Found and missed",
            labelled.report(),
            "## Files that claim nothing",
            harmless_files(),
        ]
    )
    if arguments.write:
        write_between_markers(Path(__file__).parents[1] / "docs" / "origin.md", page)
    else:
        print(page)


if __name__ == "__main__":
    main()
