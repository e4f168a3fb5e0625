"""The rules of the house that a machine can check."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import brightline

ROOT = Path(brightline.__file__).parent

#: room → rooms that it may import (DESIGN: imports point one way)
ALLOWED = {
    "reasons": set(),
    "types": {"reasons"},
    "errors": set(),
    "_version": set(),
    "__main__": {"cli"},
    "kernels": set(),
    "storage": {"errors"},
    "signals": {"types", "kernels", "errors"},
    "match": {"types", "kernels", "errors", "storage"},
    "sources": {"types", "errors", "signals"},
    "lists": {"types", "errors", "storage", "match", "signals"},
    "findings": {"types", "errors", "storage"},
    "ledger": {"types", "errors", "storage"},
    "workspace": {"errors", "storage", "findings", "ledger"},
    "screen": {"types", "kernels", "errors", "storage", "signals", "match", "sources", "lists"}
    | {"findings", "ledger", "workspace", "origin", "_version"},
    "origin": {"types", "errors"},
    "law": {"types", "errors"},
    "release": {"types", "errors", "storage", "sources", "lists", "findings", "ledger"}
    | {"screen", "workspace", "signals", "_version"},
    "referral": {"types", "errors", "storage", "findings", "ledger", "workspace", "screen"}
    | {"sources", "signals", "origin", "law", "lists", "release", "_version"},
    "report": {"types", "errors", "storage", "screen", "ledger", "workspace", "origin"}
    | {"_version"},
    "api": {"types", "errors", "signals", "lists", "screen", "workspace", "origin"},
    "demo": {"types", "errors", "storage", "api", "screen", "report", "lists", "findings"}
    | {"ledger", "workspace", "signals", "_version"},
}


def room(path: Path) -> str:
    part = path.relative_to(ROOT).parts[0]
    return part.removesuffix(".py")


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
            if node.module == "brightline":
                names = [f"brightline.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {n.split(".")[1] for n in names if n.startswith("brightline.")}
    return found


MODULES = sorted(p for p in ROOT.rglob("*.py") if p.name != "__init__.py" or p.parent != ROOT)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    here = room(path)
    if here == "cli":
        return
    assert imports(path) - {here} <= ALLOWED[here]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_are_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_only_storage_syncs_and_renames() -> None:
    allowed = {"storage"}
    for path in MODULES:
        tree = ast.parse(path.read_text())
        calls = {
            f"{node.func.value.id}.{node.func.attr}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
        }
        if room(path) not in allowed:
            assert not calls & {"os.fsync", "os.rename", "os.replace"}, path


def test_public_names_are_complete_sorted_and_documented() -> None:
    assert brightline.__all__ == sorted(brightline.__all__, key=lambda n: (n.islower(), n)) or (
        set(brightline.__all__) == set(dir(brightline)) & set(brightline.__all__)
    )
    for name in brightline.__all__:
        found = getattr(brightline, name)
        if name not in ("__version__", "Outcome"):
            assert found.__doc__, name


def test_every_module_imports() -> None:
    for module in pkgutil.walk_packages(brightline.__path__, "brightline."):
        importlib.import_module(module.name)


def test_help_is_light() -> None:
    """No kernel, no decoder, no Parquet for `--help`."""
    code = (
        "import sys; from brightline.cli import run; run(['--help']);"
        "heavy = {'numba', 'pyarrow', 'PIL', 'simplejpeg', 'jinja2', 'pyrage'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "audit" in done.stdout
