"""The rings and what must never be in the source: packs say, engine computes, apps remember."""

from __future__ import annotations

import ast
import csv
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"
APPS = sorted(f.parent.name for f in (SOURCE / "rongtong" / "apps").glob("*/__init__.py"))
HEAVY = {"scipy", "numpy", "duckdb", "django", "sqlglot", "openpyxl", "docx", "vl_convert", "psycopg"}
MADE = {".git", ".venv", "var", "build", "dist", "wheels", "__pycache__", ".hypothesis"}


@cache
def modules() -> dict[str, Path]:
    """Every module of the source by its dotted name."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name: str, *, at_import_only: bool = False) -> set[str]:
    """What a module imports: dotted names of modules as far as they are ours, of packages otherwise.

    With `at_import_only` without what functions import when called, or type checkers only.
    """
    tree = ast.parse(modules()[name].read_text(encoding="utf-8"))
    found = set()
    for node in _at_import(tree) if at_import_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(name, node)
            found |= {f"{base}.{a.name}" if f"{base}.{a.name}" in modules() else base for a in node.names}
    return found


def _at_import(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        types_only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
        if not types_only and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from _at_import(child)


def _absolute(name: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = name if modules()[name].name == "__init__.py" else name.rpartition(".")[0]
    base = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
    return f"{base}.{node.module}" if node.module else base


def within(name: str, package: str) -> bool:
    """Whether a module is a package or lies in it."""
    return name == package or name.startswith(f"{package}.")


@cache
def kept_files() -> tuple[Path, ...]:
    """The files that belong to the project: those that git has or would take; without git all that no command makes."""
    if (ROOT / ".git").exists():
        command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, capture_output=True, check=True).stdout.decode("utf-8").split("\0")
        paths = [ROOT / name for name in names if name]
    else:
        paths = [
            Path(folder) / name
            for folder, folders, names in os.walk(ROOT)
            for name in names
            if not folders.__setitem__(slice(None), [f for f in folders if f not in MADE and not f.endswith("_cache")])
        ]
    return tuple(sorted(p for p in paths if p.is_file() and not p.is_symlink()))


def text_lines(path: Path) -> list[tuple[str, str]]:
    """The lines of a text file with their addresses (`file:line`); none for a binary file."""
    content = path.read_bytes()
    if b"\0" in content:
        return []
    lines = content.decode("utf-8").splitlines()
    return [(f"{path.relative_to(ROOT)}:{number}", line) for number, line in enumerate(lines, 1)]


def test_the_engine_knows_neither_django_nor_the_apps_nor_the_rest_of_the_program():
    wrong = [
        f"{name} imports {imported}"
        for name in modules()
        if within(name, "rongtong.engine")
        for imported in imports(name)
        if imported.split(".")[0] == "django"
        or (within(imported, "rongtong") and not within(imported, "rongtong.engine"))
    ]
    assert wrong == []


def test_no_one_imports_the_portal_but_the_portal():
    wrong = [
        f"{name} imports {imported}"
        for name in modules()
        if not within(name, "rongtong.apps.portal")
        for imported in imports(name)
        if within(imported, "rongtong.apps.portal")
    ]
    assert wrong == []


def test_no_modules_import_one_another_in_a_circle():
    graph = {name: imports(name, at_import_only=True) & modules().keys() - {name} for name in modules()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_the_rules_on_imports_are_not_empty():
    assert len([name for name in modules() if within(name, "rongtong.engine")]) > 10
    assert "rongtong.engine.merkle" in imports("rongtong.apps.records.queries")
    assert {"packs", "records", "registry"} <= set(APPS)


def test_no_jurisdiction_is_named_in_the_source():
    """Provinces and cities of the packs, in Chinese and English; and no pack's folder (its code may be a plain word)."""
    chinese, latin, codes = set(), set(), set()
    for places in (ROOT / "packs").glob("*/places.csv"):
        with places.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["level"] in ("province", "city"):
                    chinese |= {row["name"], row["short"]}
                    latin |= set(row.get("name_en", "").split()[:1])
        codes.add(places.parent.name)
    chinese.discard("")
    assert len(chinese) > 10
    pattern = re.compile(
        rf"{'|'.join(sorted(chinese))}|\b(?i:{'|'.join(sorted(latin))})\b|packs/(?:{'|'.join(sorted(codes))})\b"
    )
    files = [p for p in kept_files() if p.is_relative_to(SOURCE)]
    assert [
        f"{where}: {found[0]}" for p in files for where, line in text_lines(p) if (found := pattern.search(line))
    ] == []


def test_no_package_index_and_no_path_of_one_machine_is_named():
    addresses = r"(?:https?|file)://\S*(?:pypi|pythonhosted|npmjs|registry|mirror|simple)\b"
    # Written in two parts, so that this line is not a finding.
    folders = "|".join(f"/{name}/" for name in ("work", "root", "home" + "/[a-z]+", "Users", "opt" + "/wheels"))
    pattern = re.compile(rf"{addresses}|(?<![\w.<$}}-])(?:{folders})|[A-Z]:\\Users")
    found = [
        f"{where}: {match[0]}"
        for path in kept_files()
        if path != Path(__file__)
        for where, line in text_lines(path)
        if (match := pattern.search(line))
    ]
    assert found == []


def test_no_file_is_over_five_megabytes():
    assert [str(p.relative_to(ROOT)) for p in kept_files() if p.stat().st_size > 5_000_000] == []


def test_what_the_setup_downloads_is_locked_by_hash():
    for group in ("runtime", "dev", "bench"):
        text = (ROOT / "requirements" / f"{group}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
        wrong = [line for line in text.splitlines() if line and not re.match(r"[\w.-]+==\S+ .*--hash=sha256:", line)]
        assert wrong == [], group


def test_importing_the_engine_loads_no_heavy_library():
    engine = [name for name in modules() if within(name, "rongtong.engine") or name == "rongtong"]
    program = f"import sys, importlib\nfor n in {engine!r}: importlib.import_module(n)\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {name.split(".")[0] for name in done.stdout.split()} & HEAVY == set()
