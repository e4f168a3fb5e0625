"""Writing a list's version to a file that others can read, with a count of what is lost."""

from __future__ import annotations

import enum
import os
from pathlib import Path
from typing import assert_never

from brightline import storage
from brightline.errors import ListError
from brightline.lists.exporting.csv_file import write_csv
from brightline.lists.exporting.groups import groups
from brightline.lists.exporting.losses import Exported, Loss
from brightline.lists.exporting.vics_file import write_vics
from brightline.lists.snapshot import HashList

__all__ = ["ExportFormat", "Exported", "Loss", "export_list"]


class ExportFormat(enum.StrEnum):
    """What a list can be written as."""

    CSV = "csv"
    VICS = "vics"


def export_list(hash_list: HashList, file: Path, format: ExportFormat) -> Exported:
    """Write a version as a whole, readable by its owner only (0600), or not at all.

    Raises ListError if the file exists or cannot be written, DamagedError if the list's own
    files are not what they were.
    """
    if file.exists() or file.is_symlink():
        raise ListError(f"{file} exists; remove it or export to another name")
    entries = hash_list.entries()
    done: list[Exported] = []

    def fill(temporary: Path) -> None:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8", newline="") as out:
            match format:
                case ExportFormat.CSV:
                    done.append(write_csv(out, groups(entries)))
                case ExportFormat.VICS:
                    done.append(write_vics(out, groups(entries)))
                case _:
                    assert_never(format)

    try:
        storage.write_atomic_with(file, fill)
    except OSError as error:
        raise ListError(f"cannot write {file}: {error.strerror}") from None
    return done[0]
