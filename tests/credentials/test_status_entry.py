"""What a credential says about where its status is."""

from typing import Any

import pytest

from credentials.errors import MalformedError, UntrustedError
from credentials.status.build import status_entry
from credentials.status.entry import MAX_ENTRIES, StatusEntry, entries_of
from credentials.vc.credential import SignedCredential
from tests.support.status_lists import LIST_URL, a_credential_with_status

NUTS_ENTRY = {
    "id": "https://node.example/statuslist/did:web:node.example:iam:1/1#1",
    "type": "StatusList2021Entry",
    "statusPurpose": "revocation",
    "statusListIndex": "1",
    "statusListCredential": "https://node.example/statuslist/did:web:node.example:iam:1/1",
}
BITSTRING_ENTRY = {
    "id": "https://example.com/credentials/status/3#94567",
    "type": "BitstringStatusListEntry",
    "statusPurpose": "suspension",
    "statusListIndex": "94567",
    "statusListCredential": "https://example.com/credentials/status/3",
}


def test_both_kinds_are_read() -> None:
    assert StatusEntry.parse(NUTS_ENTRY) == StatusEntry(
        kind="StatusList2021", purpose="revocation", url=NUTS_ENTRY["statusListCredential"], index=1
    )
    assert StatusEntry.parse(BITSTRING_ENTRY) == StatusEntry(
        kind="BitstringStatusList", purpose="suspension", url="https://example.com/credentials/status/3", index=94_567
    )


@pytest.mark.parametrize("entry", [NUTS_ENTRY, BITSTRING_ENTRY])
def test_what_is_read_is_written_the_same(entry: dict[str, str]) -> None:
    parsed = StatusEntry.parse(entry)
    assert parsed is not None
    assert parsed.to_wire() == entry
    assert status_entry(parsed.url, parsed.index, kind=parsed.kind, purpose=parsed.purpose) == entry


@pytest.mark.parametrize("purpose", ["refresh", "message"])
def test_a_purpose_that_says_nothing_about_validity_is_passed_over(purpose: str) -> None:
    entry = BITSTRING_ENTRY | {"statusPurpose": purpose, "statusSize": 4}
    assert StatusEntry.parse(entry) is None
    assert entries_of(SignedCredential.parse(a_credential_with_status(entries=[entry]))) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"type": "RevocationList2020Status"},
        {"statusPurpose": "somethingElse"},
        {"statusPurpose": "refresh"},
        {"statusSize": 2},
    ],
)
def test_what_can_not_be_looked_up_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UntrustedError):
        StatusEntry.parse(NUTS_ENTRY | change)


@pytest.mark.parametrize(
    "change",
    [
        {"type": None},
        {"statusPurpose": 1},
        {"statusListIndex": 1},
        {"statusListIndex": "-1"},
        {"statusListIndex": "01"},
        {"statusListIndex": "1 "},
        {"statusListIndex": "\u0661"},
        {"statusListIndex": "99999999999"},
        {"statusListCredential": None},
        {"statusListCredential": "http://node.example/1"},
        {"statusListCredential": "https:///1"},
        {"statusListCredential": "https://user@node.example/1"},
        {"statusListCredential": "https://node.example:0/1"},
        {"statusListCredential": "https://node.example:99999/1"},
        {"statusListCredential": "https://[::1/1"},
        {"statusListCredential": "https://node.example/1#x"},
        {"statusListCredential": "https://node.example/a b"},
        {"statusListCredential": "https://node.example/\u00e9"},
        {"statusListCredential": f"https://node.example/{'x' * 2_048}"},
        {"statusListCredential": "did:web:node.example"},
        {"id": NUTS_ENTRY["statusListCredential"]},
        {"id": 1},
    ],
)
def test_what_is_not_an_entry_is_malformed(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        StatusEntry.parse(NUTS_ENTRY | change)


def test_a_credential_has_few_entries() -> None:
    entries = [status_entry(f"{LIST_URL}{number}", 1) for number in range(MAX_ENTRIES + 1)]
    found = entries_of(SignedCredential.parse(a_credential_with_status(entries=entries[:-1])))
    assert len(found) == MAX_ENTRIES
    with pytest.raises(MalformedError, match="more than"):
        entries_of(SignedCredential.parse(a_credential_with_status(entries=entries)))
