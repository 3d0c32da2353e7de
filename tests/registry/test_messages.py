import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import MalformedError
from registry.messages import (
    MAX_PAGE_BYTES,
    MAX_REGISTRATION_BYTES,
    ListPage,
    parse_registration,
    registration_to_wire,
)
from registry.service import ServiceDefinition
from tests.support.registry import ENDPOINT, VALIDITY, a_service


@pytest.mark.spec("WIRE §2.10.1")
def test_the_reply_of_a_nuts_node_is_read() -> None:
    # Recorded on 2026-11-22: before the first registration, and nothing new.
    assert ListPage.parse(b'{"entries":{},"seed":"","timestamp":0}') == ListPage(seed="", timestamp=0, entries=())
    page = ListPage.parse(b'{"entries":{},"seed":"b55b7572-d87f-4bb4-bb8c-ce544777785d","timestamp":1}')
    assert (page.seed, page.timestamp) == ("b55b7572-d87f-4bb4-bb8c-ce544777785d", 1)
    assert ListPage.parse(b'{"entries":null,"seed":"","timestamp":0}').entries == ()


def test_entries_are_sorted_by_number_and_not_by_text() -> None:
    page = ListPage.parse(b'{"entries":{"10":"c","9":"b","2":"a"},"seed":"s","timestamp":10}')
    assert page.entries == ((2, "a"), (9, "b"), (10, "c"))
    assert page.to_wire() == b'{"entries":{"2":"a","9":"b","10":"c"},"seed":"s","timestamp":10}'


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'{"entries":{},"timestamp":0}',
        b'{"entries":{},"seed":1,"timestamp":0}',
        b'{"entries":{},"seed":"s"}',
        b'{"entries":{},"seed":"s","timestamp":-1}',
        b'{"entries":{},"seed":"s","timestamp":"1"}',
        b'{"entries":[],"seed":"s","timestamp":1}',
        b'{"entries":{"1":2},"seed":"s","timestamp":1}',
        b'{"entries":{"01":"a"},"seed":"s","timestamp":1}',
        b'{"entries":{"0":"a"},"seed":"s","timestamp":1}',
        b'{"entries":{"-1":"a"},"seed":"s","timestamp":1}',
        b'{"entries":{"":"a"},"seed":"s","timestamp":1}',
        '{"entries":{"²":"a"},"seed":"s","timestamp":1}'.encode(),
        b'{"entries":{"99999999999999999":"a"},"seed":"s","timestamp":1}',
        json.dumps({"entries": {}, "seed": "s" * 257, "timestamp": 1}).encode(),
        json.dumps({"entries": {}, "seed": "s\0", "timestamp": 1}).encode(),
        b" " * (MAX_PAGE_BYTES + 1),
    ],
)
def test_what_is_no_page_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError):
        ListPage.parse(body)


@given(
    st.binary(max_size=200)
    | st.builds(
        lambda seed, timestamp, entries: json.dumps(
            {"seed": seed, "timestamp": timestamp, "entries": entries}
        ).encode(),
        st.text(max_size=4),
        st.integers(min_value=-1, max_value=2**54),
        st.dictionaries(st.integers(min_value=0, max_value=2**54).map(str) | st.text(max_size=3), st.text(max_size=4)),
    )
)
def test_any_bytes_either_parse_and_round_trip_or_are_malformed(body: bytes) -> None:
    try:
        page = ListPage.parse(body)
    except MalformedError:
        return
    assert ListPage.parse(page.to_wire()) == page


@pytest.mark.spec("WIRE §2.10.1")
def test_a_registration_is_a_bare_json_string() -> None:
    assert registration_to_wire("eyJ.a.b") == b'"eyJ.a.b"'
    assert parse_registration(b'"eyJ.a.b"') == "eyJ.a.b"
    for body in (b"eyJ.a.b", b'{"vp":"x"}', b"null", b'"' + b"x" * MAX_REGISTRATION_BYTES + b'"'):
        with pytest.raises(MalformedError):
            parse_registration(body)


def _definition(**changes: Any) -> bytes:
    return json.dumps({**a_service().raw, **changes}).encode()


def test_a_service_definition_is_read_and_unknown_members_are_kept() -> None:
    service = ServiceDefinition.parse(_definition(did_methods=["web"], theirs="k"))
    assert (service.id, service.endpoint) == ("care", ENDPOINT)
    assert service.presentation_max_validity == VALIDITY
    assert service.did_methods == ("web",)
    assert service.presentation_definition.id == "pd_care"
    assert service.raw["theirs"] == "k"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": ""}, "id has characters"),
        ({"id": "../x"}, "id has characters"),
        ({"id": "x" * 129}, "id has characters"),
        ({"endpoint": "ftp://x"}, "endpoint"),
        ({"endpoint": "https://"}, "endpoint"),
        ({"endpoint": "https://x/?a=b"}, "endpoint"),
        ({"endpoint": "https://x/#a"}, "endpoint"),
        ({"endpoint": "https://[x"}, "endpoint"),
        ({"presentation_max_validity": 0}, "presentation_max_validity"),
        ({"presentation_max_validity": 2**40}, "presentation_max_validity"),
        ({"presentation_max_validity": 1.5}, "presentation_max_validity"),
        ({"did_methods": "web"}, "did_methods"),
        ({"presentation_definition": None}, "presentation_definition"),
        ({"presentation_definition": {"id": "x"}}, "input_descriptors"),
    ],
)
def test_what_is_no_service_definition_says_which_member(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        ServiceDefinition.parse(_definition(**changes))


@given(st.binary(max_size=100))
def test_any_bytes_are_a_service_definition_or_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError):
        ServiceDefinition.parse(body)


def test_a_page_may_have_more_registrations_than_a_message_has_values() -> None:
    entries = ",".join(f'"{number}":"e30.e30.AA"' for number in range(1, 28_001))
    assert len(ListPage.parse(f'{{"seed":"s","timestamp":28000,"entries":{{{entries}}}}}'.encode()).entries) == 28_000
