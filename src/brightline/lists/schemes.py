"""Category schemes: what the categories of a list stand for, as data.

The package's are in `schemes.toml`; a workspace's own, in `lists/schemes.toml`, are added to
them and replace those of the same name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from brightline.errors import ListError

SCHEMES = "schemes.toml"


@dataclass(frozen=True, slots=True)
class Scheme:
    """`categories` maps a category, as lists write it, to a plain description.

    A scheme without categories leaves their meaning to the list's maker.
    """

    name: str
    title: str
    categories: Mapping[str, str]

    def unknown(self, categories: Mapping[str, int]) -> list[str]:
        """Those of a list's categories that the scheme does not have."""
        return [name for name in categories if self.categories and name not in self.categories]


def load_schemes(workspace_lists: Path) -> dict[str, Scheme]:
    """All schemes by name. ListError if the workspace's file cannot be read or understood."""
    package = resources.files("brightline.lists").joinpath(SCHEMES)
    schemes = _parse(package.read_text("utf-8"), SCHEMES)
    path = workspace_lists / SCHEMES
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return schemes
    except (OSError, UnicodeDecodeError):
        raise ListError(f"{path} cannot be read as UTF-8 text; correct or remove it") from None
    return {**schemes, **_parse(text, str(path))}


def find_scheme(workspace_lists: Path, name: str) -> Scheme:
    """A scheme by name; ListError naming those that there are."""
    schemes = load_schemes(workspace_lists)
    if name not in schemes:
        raise ListError(
            f"there is no category scheme of this name; known schemes: {', '.join(schemes)}; "
            f"add one to {workspace_lists / SCHEMES}"
        )
    return schemes[name]


def _parse(text: str, file: str) -> dict[str, Scheme]:
    try:
        document: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ListError(f"{file} is not TOML: {error}") from None
    found = {}
    for name, table in document.items():
        match table:
            case {"title": str(title), "categories": dict(categories)} if all(
                isinstance(description, str) for description in categories.values()
            ):
                found[name] = Scheme(name, title, categories)
            case _:
                raise ListError(
                    f"{file}: scheme {name} needs a title and a table of categories, "
                    "each with a description"
                )
    return found
