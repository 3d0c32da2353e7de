"""What must never be found in clear: the region's citizen numbers, and anything clinical or personal in its record systems."""

import base64
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from examples.region.data import AVAILABLE, records
from examples.region.ehr.pages import STRAY_BSN
from examples.region.organisations import ORGANISATIONS
from examples.region.patients import PATIENTS

MIN_LENGTH = 8
"""Shorter texts are found by chance."""

NOT_ABOUT_PATIENTS = frozenset({"Organization", "Practitioner", "PractitionerRole"})
TEXT_MEMBERS = frozenset(
    {"text", "display", "div", "comment", "valueString", "family", "line", "title", "value", "name"}
)


def citizen_numbers() -> dict[bytes, str]:
    """Bytes that give away a citizen number, with what they are: plain, in hexadecimal, in base64 at each alignment."""
    found: dict[bytes, str] = {}
    for number in (*(citizen.bsn for citizen in PATIENTS), STRAY_BSN):
        plain = number.encode()
        found[plain] = f"BSN {number}"
        found[plain.hex().encode()] = f"BSN {number} in hexadecimal"
        found[number.encode("utf-16-le")] = f"BSN {number} in UTF-16"
        for shift in range(3):
            encoded = base64.b64encode(b"\0" * shift + plain)
            # the characters that depend on this number alone, whatever stands before and behind it
            found[encoded[(8 * shift + 5) // 6 : 8 * (shift + len(plain)) // 6]] = f"BSN {number} in base64"
    return found


def clinical_texts() -> dict[bytes, str]:
    """Bytes of every text in the record systems that is about a patient, as UTF-8 and as JSON escapes it."""
    known = " ".join(f"{one.name}, {one.city}" for one in ORGANISATIONS)
    texts: set[str] = set()
    for key, versions in AVAILABLE.items():
        for version in versions:
            for resource in records(key, version):
                if resource["resourceType"] not in NOT_ABOUT_PATIENTS:
                    texts.update(_texts(resource))
    for citizen in PATIENTS:
        texts |= {citizen.name, f"{citizen.given} {citizen.family.text}", citizen.birth_date, citizen.phone}
        texts |= {identity for identity in citizen.in_care.values() if not identity.isdigit() and len(identity) > 5}
    wanted = {text for text in texts if text not in known and not _is_administrative(text)}
    return {form: text for text in wanted for form in (text.encode(), json.dumps(text)[1:-1].encode())}


def files_below(directory: Path) -> Iterator[Path]:
    """Every file below ``directory``."""
    return (path for path in sorted(directory.rglob("*")) if path.is_file())


def checkpoint(files: Iterable[Path]) -> int:
    """Let SQLite move everything from its write-ahead logs into the databases; return how many databases there were."""
    count = 0
    for file in files:
        with file.open("rb") as opened:
            if opened.read(16) != b"SQLite format 3\0":
                continue
        with closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        count += 1
    return count


def leaks_in(files: Iterable[Path], forbidden: dict[bytes, str]) -> list[str]:
    """Which of ``forbidden`` is found in which file."""
    found = []
    for file in files:
        content = file.read_bytes()
        found += [f"{file.name}: {what}" for needle, what in forbidden.items() if needle in content]
    return found


def _texts(value: Any, member: str = "") -> Iterator[str]:
    match value:
        case str() if member in TEXT_MEMBERS and len(value) >= MIN_LENGTH:
            yield value
        case dict():
            for name, child in value.items():
                yield from _texts(child, name)
        case list():
            for child in value:
                yield from _texts(child, member)
        case _:
            pass


def _is_administrative(text: str) -> bool:
    """Numbers of organisations and professionals, addresses of systems: these are no secret and stand in every node."""
    return text.startswith(("http", "urn:", "9000", "0100", "0600", "0200", "7500")) or text in (
        "Condition",  # display of a category, and the name of a type that records of queries hold
        "Laboratory",
        "Vital Signs",
    )
