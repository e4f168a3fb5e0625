"""An image folder's metadata follows every file that it names."""

from __future__ import annotations

import json

import pytest

from brightline.release.coupling import names_files, samples_named, without_rows


@pytest.mark.parametrize(
    ("name", "does"),
    [
        ("file_name", True),
        ("mask_file_name", True),
        ("file_names", True),
        ("view_file_names", True),
        ("profile_name", False),
        ("file_name_old", False),
        ("name", False),
    ],
)
def test_columns_that_name_files(name: str, does: bool) -> None:
    assert names_files(name) is does


def test_names_stand_in_lists_and_are_relative_to_the_table() -> None:
    assert samples_named("d", "x/../a.b.png") == ("d/a",)
    assert samples_named("", ["a.png", None, ["b.png", ""], 3]) == ("a", "b")


@pytest.mark.parametrize(
    ("row", "leaves"),
    [
        ({"file_name": "a.png"}, True),
        ({"file_name": "b.png"}, False),
        ({"image_file_name": "b.png", "mask_file_name": "a.mask.png"}, True),
        ({"file_names": ["b.png", "a.png"]}, True),
        ({"pair": {"left_file_name": "b.png", "right_file_names": ["a.png"]}}, True),
        ({"pairs": [{"file_name": "b.png"}, {"file_name": "a.png"}]}, True),
        ({"file_name": None, "text": "a.png"}, False),
        (["a.png"], False),
    ],
)
def test_a_line_leaves_with_any_of_its_files(row: object, leaves: bool) -> None:
    line = json.dumps(row).encode() + b"\r\n"
    other = b'{"file_name": "z.png"}\n'
    found = without_rows("d/metadata.jsonl", line + other, {"d/a"})
    assert found == (other if leaves else None)


def test_a_row_of_csv_leaves_with_any_of_its_files() -> None:
    data = (
        b"\xef\xbb\xbftext,image_file_name,mask_file_name\r\n"
        b'"one\r\nof b",b.png,b.mask.png\r\n'
        b"of both,b.png,sub/a.png\r\n"
        b"short,a.png\r\n"
        b"\r\n"
        b"last,c.png,c.png"
    )
    lines = data.split(b"\r\n")
    found = without_rows("metadata.csv", data, {"sub/a", "a"})
    assert found == b"\r\n".join(line for line in lines if b"a.png" not in line)
