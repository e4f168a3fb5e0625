from __future__ import annotations

import os
from pathlib import Path

import pytest

from brightline.lists.feeds.credentials import Credentials, find_credentials, variable
from brightline.lists.feeds.errors import FeedError

NAMES = ("user", "password")
SECRET = "correct-horse-battery"


def secret_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "secrets.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_environment_comes_first(tmp_path: Path) -> None:
    file = secret_file(tmp_path, 'user = "from the file"\npassword = "x"\n')
    environment = {"BRIGHTLINE_MY_LIST_2_USER": "ann", "BRIGHTLINE_MY_LIST_2_PASSWORD": SECRET}
    found = find_credentials("my-list.2", NAMES, file, environment)
    assert (found["user"], found["password"]) == ("ann", SECRET)
    found = find_credentials("my-list.2", NAMES, file, {})
    assert (found["user"], found["password"]) == ("from the file", "x")
    assert variable("my-list.2", "function_key") == "BRIGHTLINE_MY_LIST_2_FUNCTION_KEY"


def test_half_of_the_environment_is_not_filled_up_from_a_file(tmp_path: Path) -> None:
    file = secret_file(tmp_path, f'user = "u"\npassword = "{SECRET}"\n')
    with pytest.raises(FeedError, match="set BRIGHTLINE_L_PASSWORD too"):
        find_credentials("l", NAMES, file, {"BRIGHTLINE_L_USER": "ann"})


def test_what_is_missing_is_named() -> None:
    with pytest.raises(FeedError, match="BRIGHTLINE_L_USER and BRIGHTLINE_L_PASSWORD"):
        find_credentials("l", NAMES, None, {})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o601])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = secret_file(tmp_path, f'user = "u"\npassword = "{SECRET}"\n', mode)
    with pytest.raises(FeedError, match="chmod 600"):
        find_credentials("l", NAMES, file, {})


@pytest.mark.parametrize(
    "text",
    [
        f"user = {SECRET}",
        f'user = "{SECRET}"',
        f'user = "{SECRET}"\npassword = 5',
        f'user = "{SECRET}"\npassword = ""',
        f'user = "{SECRET}"\npassword = "a\\nb"',
        f'user = "{SECRET}"\npassword = "é"',
    ],
)
def test_no_message_holds_a_secret(tmp_path: Path, text: str) -> None:
    with pytest.raises(FeedError) as caught:
        find_credentials("l", NAMES, secret_file(tmp_path, text), {})
    assert SECRET not in str(caught.value) and SECRET not in repr(caught.value)


def test_other_things_than_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path / "pipe", tmp_path / "missing", tmp_path):
        with pytest.raises(FeedError):
            find_credentials("l", NAMES, path, {})


def test_credentials_do_not_show_themselves() -> None:
    held = Credentials({"user": SECRET})
    assert SECRET not in f"{held!r} {held} {[held]}"
