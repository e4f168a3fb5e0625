"""Credentials: from the environment or a file that only its owner can read; never shown.

Variables are called `BRIGHTLINE_LIST_SECRET`: the list's name in capitals with `_` for every
character that is not a letter or digit, and `USER`, `PASSWORD`, `KEY` or `FUNCTION_KEY`. The
file is TOML with the same words in small letters.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from brightline.lists.feeds.errors import FeedError

_MAX_FILE = 1 << 16


class Credentials:
    """Secrets by name. Printing one shows nothing of them."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        """Raises FeedError if a value is empty or cannot stand in a header."""
        for name, value in values.items():
            if not value or not value.isascii() or not value.isprintable():
                raise FeedError(f"the credential {name!r} is empty or has a character of no use")
        self._values = dict(values)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __repr__(self) -> str:
        return "Credentials(…)"


def find_credentials(
    list_name: str,
    secrets: Sequence[str],
    file: Path | None,
    environment: Mapping[str, str] = os.environ,
) -> Credentials:
    """The secrets that a kind of feed needs.

    From the environment if any of its variables is set, and then all from there; else from the
    file. Raises FeedError, naming variables and the file, if any is missing, or if the file can
    be read by others than its owner.
    """
    variables = {name: variable(list_name, name) for name in secrets}
    if any(key in environment for key in variables.values()):
        missing = [key for key in variables.values() if key not in environment]
        if missing:
            raise FeedError(f"set {' and '.join(missing)} too; not every credential is there")
        return Credentials({name: environment[key] for name, key in variables.items()})
    if file is None:
        raise FeedError(
            f"no credentials: set {' and '.join(variables.values())}, or name a file of mode "
            "0600 with --credentials"
        )
    document = _read(file)
    missing = [name for name in secrets if not isinstance(document.get(name), str)]
    if missing:
        raise FeedError(f'{file} lacks {" and ".join(missing)}; write each as NAME = "…"')
    return Credentials({name: str(document[name]) for name in secrets})


def variable(list_name: str, secret: str) -> str:
    """The environment variable of one secret."""
    return f"BRIGHTLINE_{re.sub('[^A-Za-z0-9]', '_', list_name)}_{secret}".upper()


def _read(file: Path) -> dict[str, object]:
    try:
        fd = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as stream:
            # of the file that is open, so that nobody can put another in its place between
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077:
                raise FeedError(
                    f"{file} can be read by others than its owner; chmod 600 {file}, and "
                    "change the credentials if someone may have seen them"
                )
            if status.st_uid not in (os.geteuid(), 0):
                raise FeedError(f"{file} belongs to another user; use a file of your own")
            data = stream.read(_MAX_FILE)
        return tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        raise FeedError(f"cannot read {file}: {error.strerror}") from None
    except ValueError:
        # tomllib's message may quote the line
        raise FeedError(f'{file} is not TOML; write a line NAME = "…" for each secret') from None
