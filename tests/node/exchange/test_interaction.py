"""A request is read whole or refused: nothing dropped, nothing guessed."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.exchange.interaction import Interaction, Kind, NotAllowedError

FORM = "application/x-www-form-urlencoded"
BSN = "999990135"


def _parse(
    method: str = "GET", path: str = "/Observation", query: str = "", content_type: str | None = None, body: bytes = b""
) -> Interaction:
    return Interaction.parse(method, path, query, content_type, body, fhir_version="r4")


def _code(method: str = "GET", path: str = "/Observation", query: str = "", **more: object) -> str:
    with pytest.raises(NotAllowedError) as caught:
        _parse(method, path, query, **more)  # type: ignore[arg-type]  # the cases are typed where they stand
    return caught.value.code


def test_a_search_keeps_every_parameter() -> None:
    read = _parse(query="patient=1&_include=A%3Ab&_include=C:d&category=http%3A%2F%2Fx%7Cy%2Cz")
    assert (read.kind, read.type, read.fhir_version) == ("search", "Observation", "r4")
    assert read.params == (("_include", "A:b"), ("_include", "C:d"), ("category", "http://x|y,z"), ("patient", "1"))


def test_query_and_body_are_one() -> None:
    read = _parse("POST", "/Condition/_search", "patient=other", content_type=FORM, body=b"code=x")
    assert read.params == (("code", "x"), ("patient", "other"))


def test_a_posted_search_with_an_empty_body_is_what_its_url_says() -> None:
    assert _parse("POST", "/Condition/_search", "patient=other").params == (("patient", "other"),)


@pytest.mark.parametrize("path", ["/Patient/1", "Patient/1"])
def test_a_read_by_id(path: str) -> None:
    read = _parse(path=path)
    assert (read.kind, read.type, read.id) == ("read", "Patient", "1")


def test_metadata_is_capabilities() -> None:
    assert _parse(path="/metadata").kind == "capabilities"


def test_our_own_paging_link() -> None:
    read = _parse(query="_cursor=abc")
    assert (read.kind, read.cursor, read.params) == ("page", "abc", ())
    assert "abc" not in repr(read)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "get", "", "PROPFIND", "GET ", "G\u0415T"])
def test_only_methods_that_fhir_gives_a_meaning(method: str) -> None:
    assert _code(method) == "method_not_allowed"


@pytest.mark.parametrize(
    "path",
    [
        "/../admin",
        "/Patient/..",
        "/Patient/.",
        "/Patient%2f1",
        "/Patient/%2e%2e/x",
        "//Patient",
        "/Patient//1",
        "/Patient/",
        "/Patient/1/",
        "/Patient/a\x00b",
        "/Patient/é",
        "/Patient\\1",
        "/Patient;x=1/1",
        "/Patient/1?x",
        "/Patient/1#x",
        "/ Patient",
        "https://elsewhere/Patient",
    ],
)
def test_path_tricks_are_refused(path: str) -> None:
    assert _code(path=path) == "path_not_plain"


@pytest.mark.parametrize(
    ("method", "path", "kind", "named"),
    [
        ("GET", "", "system_search", {}),
        ("GET", "/", "system_search", {}),
        ("POST", "/_search", "system_search", {}),
        ("POST", "/", "batch", {}),
        ("GET", "/_history", "history", {}),
        ("GET", "/Patient/_history", "history", {"type": "Patient"}),
        ("GET", "/Patient/1/_history", "history", {"type": "Patient", "id": "1"}),
        ("GET", "/Patient/1/_history/2", "vread", {"type": "Patient", "id": "1", "version": "2"}),
        ("GET", "/Patient/1/$everything", "operation", {"type": "Patient", "id": "1", "operation": "$everything"}),
        ("GET", "/Observation/$lastn", "operation", {"type": "Observation", "operation": "$lastn"}),
        ("POST", "/Observation/$lastn", "operation", {"type": "Observation", "operation": "$lastn"}),
        ("POST", "/Patient/$match", "operation", {"type": "Patient", "operation": "$match"}),
        ("GET", "/Composition/1/$document", "operation", {"type": "Composition", "id": "1", "operation": "$document"}),
        ("GET", "/$export", "operation", {"operation": "$export"}),
        ("POST", "/$graphql", "operation", {"operation": "$graphql"}),
        ("GET", "/Patient/1/$graphql", "operation", {"type": "Patient", "id": "1", "operation": "$graphql"}),
        ("GET", "/Patient/1/Observation", "compartment", {"type": "Patient", "id": "1", "member": "Observation"}),
        ("GET", "/Patient/1/*", "compartment", {"type": "Patient", "id": "1", "member": "*"}),
        ("POST", "/Patient/1/Observation/_search", "compartment", {"type": "Patient", "id": "1"}),
        ("POST", "/Observation", "create", {"type": "Observation"}),
        ("PUT", "/Task/1", "update", {"type": "Task", "id": "1"}),
        ("PUT", "/Task", "update", {"type": "Task", "id": ""}),
        ("PATCH", "/Task/1", "patch", {"type": "Task", "id": "1"}),
        ("DELETE", "/Task/1", "delete", {"type": "Task", "id": "1"}),
        ("DELETE", "/Task", "delete", {"type": "Task"}),
        ("HEAD", "/Patient/1", "head", {"type": "Patient", "id": "1"}),
        ("OPTIONS", "/metadata", "options", {}),
        ("OPTIONS", "/Patient", "options", {"type": "Patient"}),
    ],
)
def test_every_kind_of_fhir_request_has_its_name(method: str, path: str, kind: str, named: dict[str, str]) -> None:
    read = _parse(method, path)
    assert read.kind == kind
    assert {name: getattr(read, name) for name in named} == named
    assert read.get == (method == "GET")


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/Patient/1/2/3", "not_listed"),
        ("GET", "/Patient/_search", "not_listed"),
        ("GET", "/patient/1", "not_listed"),
        ("GET", "/Patient/" + "a" * 65, "not_listed"),
        ("POST", "/Patient/1", "not_listed"),
        ("POST", "/metadata", "not_listed"),
        ("PUT", "/", "not_listed"),
        ("DELETE", "/", "not_listed"),
        ("POST", "/$lastn/_search", "not_listed"),
        ("GET", "/Patient/1/_history/..", "path_not_plain"),
        ("GET", "/Patient/$every$thing", "not_listed"),
        ("GET", "/" + "A" * 300, "too_long"),
    ],
)
def test_a_path_that_fhir_does_not_know_is_refused(method: str, path: str, code: str) -> None:
    assert _code(method, path) == code


def test_an_absolute_reference_is_no_path_but_stays_whole_as_a_value() -> None:
    assert _code(path="https://elsewhere/Patient/1") == "path_not_plain"
    assert _parse(query="patient=https://elsewhere/Patient/1").params == (("patient", "https://elsewhere/Patient/1"),)


def test_what_is_written_stays_whole_and_is_not_looked_into() -> None:
    read = _parse("POST", "/Observation", content_type="application/fhir+json; charset=utf-8", body=b'{"a":1}')
    assert (read.kind, read.content, read.params) == ("create", b'{"a":1}', ())
    assert "content" not in repr(read)
    assert read.json
    assert not _parse("PUT", "/Task/1", content_type="application/fhir+xml", body=b"<a/>").json
    assert not _parse("POST", "/Observation", content_type="application/json; x=1", body=b"{}").json


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
def test_nothing_else_has_a_body(method: str) -> None:
    assert _code(method, "/Patient/1", body=b"x") == "body_not_allowed"


def test_the_record_names_no_operation_that_only_the_peer_knows() -> None:
    assert _parse(path="/Patient/1/$everything").summary == "operation Patient $everything"
    assert _parse(path="/Patient/1/$jansen-999990135").summary == "operation Patient"


@pytest.mark.parametrize(
    "query",
    [
        "a",
        "=x",
        "a=",
        "a=1&",
        "&a=1",
        "a=%zz",
        "a=%",
        "a=%ff",
        "a=%00",
        "a=%0a",
        "a=\x00",
        "a=é",
        "a b=1",
        "a=%E2%80%AE",
        "a=1&&b=2",
    ],
)
def test_parameters_that_could_be_read_two_ways_are_refused(query: str) -> None:
    assert _code(query=query) == "malformed_parameters"


def test_a_parameter_stands_in_one_place() -> None:
    assert _code("POST", "/A/_search", "patient=1", content_type=FORM, body=b"patient=1") == "parameter_twice"
    assert _code("POST", "/A/_search", "patient=1", content_type=FORM, body=b"patient=2") == "parameter_twice"
    assert _code(query="a=1&a=1") == "parameter_twice"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/fhir+json",
        "multipart/form-data",
        f"{FORM}; charset=latin-1",
        f"{FORM}x",
        "",
        None,
    ],
)
def test_only_forms_are_posted(content_type: str | None) -> None:
    assert _code("POST", "/A/_search", content_type=content_type, body=b"a=1") == "content_type_not_allowed"


@pytest.mark.parametrize("content_type", [FORM, FORM.upper(), f"{FORM};charset=UTF-8", f'{FORM}; charset="utf-8"'])
def test_forms_in_utf_8_are_read(content_type: str) -> None:
    assert _parse("POST", "/A/_search", content_type=content_type, body=b"a=1").params == (("a", "1"),)


def test_a_get_has_no_body() -> None:
    assert _code(body=b"x") == "body_not_allowed"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/Patient", f"identifier=http://fhir.nl/fhir/NamingSystem/bsn|{BSN}"),
        ("/Patient", f"identifier=http%3A%2F%2Ffhir.nl%2Ffhir%2FNamingSystem%2Fbsn%7C{BSN}"),
        ("/Patient", f"identifier=http%3A%2F%2FFHIR.nl%2Ffhir%2FNamingSystem%2F%62sn%7C{BSN}"),
        ("/Patient", f"identifier=http://fhir.nl/fhir/NamingSystem/%2562sn|{BSN}"),
        ("/Patient", f"identifier={BSN}"),
        ("/Observation", f"patient.identifier={BSN}"),
        ("/Observation", f"subject:identifier=urn%3Aoid%3A2.16.840.1.113883.2.4.6.3%7C{BSN}"),
    ],
)
def test_a_bsn_in_a_url_is_refused_as_such(path: str, query: str) -> None:
    assert _code(path=path, query=query) == "bsn_in_url"
    assert _code("POST", "/Patient/_search", query, content_type=FORM, body=b"a=1") == "bsn_in_url"


def test_neither_errors_nor_values_repeat_a_bsn() -> None:
    read = _parse("POST", "/Patient/_search", content_type=FORM, body=f"identifier=x|{BSN}".encode())
    assert BSN not in repr(read)
    with pytest.raises(NotAllowedError) as caught:
        _parse(query=f"identifier={BSN}")
    assert BSN not in str(caught.value)


def test_limits_hold() -> None:
    assert _code(query="&".join(f"a{n}=1" for n in range(33))) == "too_long"
    assert _code(query="a=" + "x" * 9000) == "too_long"
    assert _code("POST", "/A/_search", content_type=FORM, body=b"a" * 20_000) == "too_long"


PATHS = st.text("/.%$_APatientObs12-\x00é\\?", max_size=30) | st.sampled_from(
    ["/Patient/_search", "/Observation", "/Patient/1"]
)
QUERIES = st.text("abc=&%+2f0,|;:_", max_size=40) | st.text(max_size=20)


@given(
    st.sampled_from(["GET", "POST"]) | st.text(max_size=5),
    PATHS,
    QUERIES,
    st.none() | st.just(FORM),
    st.binary(max_size=40),
)
def test_any_input_gives_an_interaction_or_the_one_error(
    method: str, path: str, query: str, content_type: str | None, body: bytes
) -> None:
    try:
        read = _parse(method, path, query, content_type, body)
    except NotAllowedError:
        return
    assert read.kind in get_args(Kind)
    for text in (read.type, read.id, *(part for pair in read.params for part in pair)):
        assert text.isprintable()
    assert ".." not in read.type
    assert "/" not in read.id
