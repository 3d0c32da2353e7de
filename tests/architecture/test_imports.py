"""Imports run one way, and the world stays outside the pure packages.

The same layers stand in ``pyproject.toml`` for import-linter; here they hold for whoever only runs pytest, and say a
little more: no clock and no chance below ``node``, one module that opens connections.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALLOWED = {
    "credentials": {"credentials"},
    "registry": {"credentials", "registry"},
    "node": {"credentials", "registry", "node"},
}
OURS = {"credentials", "registry", "node", "examples", "tests"}
INPUT_OUTPUT = {
    "aiohttp",
    "aiosqlite",
    "alembic",
    "asyncpg",
    "ctypes",
    "http",
    "httpx",
    "multiprocessing",
    "pydantic",
    "requests",
    "select",
    "selectors",
    "shutil",
    "signal",
    "socket",
    "sqlalchemy",
    "sqlite3",
    "ssl",
    "subprocess",
    "tempfile",
    "urllib.request",
    "yaml",
}
CLOCKS_AND_CHANCE = {"random", "secrets", "time"}
READS_THE_WORLD = {
    ("datetime", "now"),
    ("datetime", "today"),
    ("datetime", "utcnow"),
    ("date", "today"),
    ("os", "urandom"),
    ("os", "environ"),
    ("uuid", "uuid1"),
    ("uuid", "uuid4"),
}
ONE_CLIENT = ROOT / "node/web/client.py"
HANDSHAKES = ROOT / "node/web/probe.py"


def modules(package: str) -> list[tuple[Path, ast.Module]]:
    return [(path, ast.parse(path.read_text())) for path in sorted((ROOT / package).rglob("*.py"))]


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module=str(module), level=0, names=names):
                yield module
                yield from (f"{module}.{each.name}" for each in names)
            case ast.ImportFrom(level=level) if level:
                yield "a relative import"
            case _:
                pass


def within(name: str, roots: set[str]) -> bool:
    return any(name == root or name.startswith(f"{root}.") for root in roots)


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_imports_run_one_way(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path, tree in modules(package)
        for name in imported(tree)
        if name == "a relative import" or within(name, OURS - ALLOWED[package])
    ]
    assert wrong == []


@pytest.mark.parametrize("package", ["credentials", "registry"])
def test_below_node_nothing_touches_the_world(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path, tree in modules(package)
        for name in imported(tree)
        if within(name, INPUT_OUTPUT | CLOCKS_AND_CHANCE)
    ]
    assert wrong == []


@pytest.mark.parametrize("package", ["credentials", "registry"])
def test_below_node_time_and_chance_are_arguments(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.value.id}.{node.attr}"
        for path, tree in modules(package)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in READS_THE_WORLD
    ]
    opened = [
        f"{path.relative_to(ROOT)}:{node.lineno}: open(…)"
        for path, tree in modules(package)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open"
    ]
    assert wrong + opened == []


def test_one_module_opens_connections() -> None:
    """Limits and the address check live in it; a second client would have neither. One more shakes hands, and sends nothing."""
    wrong = [
        str(path.relative_to(ROOT))
        for package in ALLOWED
        for path, tree in modules(package)
        if path not in (ONE_CLIENT, HANDSHAKES)
        for node in ast.walk(tree)
        if getattr(node, "attr", getattr(node, "id", None)) in {"ClientSession", "open_connection", "create_connection"}
        or (isinstance(node, ast.ImportFrom) and any(each.name == "ClientSession" for each in node.names))
    ]
    assert wrong == []
