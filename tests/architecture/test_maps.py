"""Every room has a map: the docstring of a package names each of its modules."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = sorted(
    file.parent
    for package in ("credentials", "registry", "node")
    for file in (ROOT / package).rglob("__init__.py")
    if "migrations" not in file.parts
)


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(ROOT)))
def test_the_map_of_a_room_names_its_modules(room: Path) -> None:
    words = set(re.findall(r"[a-z0-9_]+", (room / "__init__.py").read_text(encoding="utf-8")))
    modules = {file.stem for file in room.glob("*.py")} - {"__init__", "__main__"}
    assert modules - words == set()
