"""The canonical form, and the documents that are refused one."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyld import jsonld

from credentials.errors import MalformedError
from credentials.fields import parse_json
from credentials.jsonld import expansion
from credentials.jsonld.canonical import _canonical, canonical_nquads, check_defined
from credentials.jsonld.contexts import JWS_2020_CONTEXT, STATUS_LIST_2021_CONTEXT, embedded
from credentials.jsonld.expansion import expand
from credentials.jsonld.statements import Statement, statements
from credentials.vc.credential import NUTS_CONTEXT, VC_CONTEXT

SCHEMA = "https://schema.org"
HOLDER = "did:web:oever.example"
CR = "https://www.w3.org/2018/credentials#"


def a_document(**changes: Any) -> dict[str, Any]:
    """An organisation credential without proof."""
    document: dict[str, Any] = {
        "@context": [VC_CONTEXT, NUTS_CONTEXT, STATUS_LIST_2021_CONTEXT, JWS_2020_CONTEXT],
        "id": "did:web:ministry.example#1",
        "type": ["VerifiableCredential", "NutsOrganizationCredential"],
        "issuer": "did:web:ministry.example",
        "issuanceDate": "2026-11-22T12:00:00Z",
        "credentialSubject": {"id": HOLDER, "organization": {"name": "De Oever", "city": "Arnhem"}},
        "credentialStatus": {
            "id": "https://ministry.example/list/1#7",
            "type": "StatusList2021Entry",
            "statusPurpose": "revocation",
            "statusListIndex": "7",
            "statusListCredential": "https://ministry.example/list/1",
        },
    }
    return {name: value for name, value in (document | changes).items() if value is not ...}


def with_subject(**subject: Any) -> dict[str, Any]:
    return a_document(credentialSubject={"id": HOLDER, **subject})


def in_schema_org(anything: Any) -> dict[str, Any]:
    """A document where every name means something, so that the shape can be anything."""
    return {
        "@context": [VC_CONTEXT, SCHEMA],
        "id": "urn:x:1",
        "type": "VerifiableCredential",
        "credentialSubject": {"id": HOLDER, "a": anything},
    }


def a_presentation(*carried: Any, **changes: Any) -> dict[str, Any]:
    document = {
        "@context": [VC_CONTEXT, JWS_2020_CONTEXT],
        "id": f"{HOLDER}#2",
        "type": "VerifiablePresentation",
        "holder": HOLDER,
        "verifiableCredential": list(carried),
    }
    return document | changes


def by_pyld(document: Mapping[str, Any]) -> bytes:
    """The canonical form according to PyLD alone."""

    def load(url: str, _options: object) -> dict[str, Any]:
        return {"contextUrl": None, "documentUrl": url, "document": dict(embedded(url)), "tag": "static"}

    options = {"algorithm": "URDNA2015", "format": "application/n-quads", "base": None, "documentLoader": load}
    text = jsonld.normalize(json.loads(json.dumps(document)), options)
    assert isinstance(text, str)
    return text.encode()


SELF_ATTESTED = {
    "@context": [VC_CONTEXT, NUTS_CONTEXT],
    "id": "0f3f1d8e-6f5b-4a4e-9d0c-000000000001",
    "type": ["VerifiableCredential", "NutsEmployeeCredential"],
    "issuer": HOLDER,
    "issuanceDate": "2026-11-22T12:00:00Z",
    "credentialSubject": {"id": HOLDER, "name": "J. de Vries", "roleName": "01.015"},
}


# --- what comes out ---


def test_the_canonical_form_of_a_credential() -> None:
    document = with_subject(organization={"name": 'De "Oever"\n\\', "city": "Ĳmuiden"})
    credential, entry = "<did:web:ministry.example#1>", "<https://ministry.example/list/1#7>"
    is_a = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
    status = "https://w3id.org/vc/status-list#"
    assert canonical_nquads(document).decode() == (
        f"{credential} {is_a} <https://nuts.nl/credentials/v1#NutsOrganizationCredential> .\n"
        f"{credential} {is_a} <{CR}VerifiableCredential> .\n"
        f"{credential} <{CR}credentialStatus> {entry} .\n"
        f"{credential} <{CR}credentialSubject> <{HOLDER}> .\n"
        f'{credential} <{CR}issuanceDate> "2026-11-22T12:00:00Z"^^<http://www.w3.org/2001/XMLSchema#dateTime> .\n'
        f"{credential} <{CR}issuer> <did:web:ministry.example> .\n"
        f"<{HOLDER}> <http://schema.org/organization> _:c14n0 .\n"
        f"{entry} {is_a} <{status}StatusList2021Entry> .\n"
        f"{entry} <{status}statusListCredential> <https://ministry.example/list/1> .\n"
        f'{entry} <{status}statusListIndex> "7" .\n'
        f'{entry} <{status}statusPurpose> "revocation" .\n'
        '_:c14n0 <http://schema.org/city> "Ĳmuiden" .\n'
        '_:c14n0 <http://schema.org/legalname> "De \\"Oever\\"\\n\\\\" .\n'
    )


@pytest.mark.parametrize(
    "document",
    [
        a_document(),
        a_document(issuer={"id": "did:web:ministry.example"}, credentialSubject=[{"id": HOLDER}]),
        in_schema_org([1, 2.5, -0.25, 1e22, 1e-7, True, "x", {"b": {"c": ["d", "d"]}}, "e"]),
        in_schema_org({"type": ["Thing", "urn:x:Thing"], "id": "urn:x:9", "url": "urn:x:8", "birthDate": "2001-01-01"}),
        in_schema_org([{"b": [{}, {}, {"c": {}}]}, {"b": [{}, {}, {"c": {}}]}, {"b": "x"}]),
        a_presentation(SELF_ATTESTED),
        a_presentation("eyJhbGciOiJFUzI1NiJ9.e30.c2ln"),
        a_presentation(a_document(proof={"type": "JsonWebSignature2020", "jws": "a..b"}), SELF_ATTESTED),
        {
            "@context": NUTS_CONTEXT,
            "id": "urn:x:1",
            "type": "NutsAuthorizationCredential",
            "resources": [{"path": "/a", "operations": ["write"]}, {"path": "/b", "operations": ["read"]}],
            "localParameters": {"ö": ["\u0001", {"z": 1, "a": "é"}]},
        },
    ],
)
def test_the_form_is_the_one_pyld_makes(document: dict[str, Any]) -> None:
    assert canonical_nquads(document) == by_pyld(document)


def test_a_whole_number_is_an_integer_however_it_is_written() -> None:
    assert canonical_nquads(in_schema_org(10.0)) == canonical_nquads(in_schema_org(10))


def test_the_order_of_members_and_elements_does_not_matter() -> None:
    shuffled = dict(reversed(list(a_document(type=["NutsOrganizationCredential", "VerifiableCredential"]).items())))
    assert canonical_nquads(shuffled) == canonical_nquads(a_document())


def test_the_document_is_left_as_it_was() -> None:
    document, copy = a_presentation(a_document(), SELF_ATTESTED), a_presentation(a_document(), SELF_ATTESTED)
    canonical_nquads(document)
    assert document == copy


NODES = st.sampled_from([f"_:n{index}" for index in range(5)])
PLACES = NODES | st.just("<urn:x:a>")
GRAPHS = st.sampled_from(["", "", "_:n0", "<urn:x:g>"])
STATEMENTS = st.tuples(PLACES, st.sampled_from(["<urn:x:p>", "<urn:x:q>"]), PLACES | st.just('"text"'), GRAPHS).filter(
    lambda found: len({found[0], found[2], found[3]}) == 3
)  # PyLD counts a node twice that is linked to itself


def ring(*links: tuple[str, str]) -> frozenset[Statement]:
    """A graph of blank nodes that all look the same at first."""
    return frozenset((f"_:{one}", "<urn:x:p>", f"_:{other}", "") for one, other in links)


FOUR = ["n0", "n1", "n2", "n3"]
EACH_WITH_EACH = ring(*((one, other) for one in FOUR for other in FOUR if one != other))
FORKED = {
    *ring(*((one, other) for index in "1234" for one, other in (("r", f"a{index}"), (f"a{index}", f"b{index}")))),
    *ring(*((f"b{index}", f"c{index}") for index in "1234")),
    *((f"_:c{index}", "<urn:x:q4>", f'"{index}"', "") for index in "1234"),
}
TWICE_FORKED = frozenset(FORKED | {(f"{s}z", p, f"{o}z" if o.startswith("_:") else o, g) for s, p, o, g in FORKED})


@settings(max_examples=200, deadline=None)
@example(EACH_WITH_EACH, [4, 3, 2, 1, 0])
@example(TWICE_FORKED, [0, 1, 2, 3, 4])
@given(st.frozensets(STATEMENTS, min_size=1, max_size=9), st.permutations(range(5)))
def test_any_graph_has_the_form_pyld_gives_it_whatever_its_nodes_are_called(
    said: frozenset[Statement], order: list[int]
) -> None:
    lines = "".join(f"{s} {p} {o} {g} .\n" if g else f"{s} {p} {o} .\n" for s, p, o, g in sorted(said))
    options = {"algorithm": "URDNA2015", "inputFormat": "application/n-quads", "format": "application/n-quads"}
    expected = jsonld.normalize(lines, options).encode()
    names = {f"_:n{index}": f"_:m{other}" for index, other in enumerate(order)}
    renamed = frozenset((names.get(s, s), p, names.get(o, o), names.get(g, g)) for s, p, o, g in said)
    assert _canonical(said) == expected
    assert _canonical(renamed) == expected


# --- one sentence said in two ways ---

HIDDEN_STATUS = f"{CR}credentialStatus"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        # members that hide from a reader of JSON while the statements stay the same
        (a_document(credentialStatus=..., **{HIDDEN_STATUS: a_document()["credentialStatus"]}), "named by an IRI"),
        (a_document(credentialStatus=..., **{"cred:credentialStatus": {"id": "urn:x:2"}}), "named by an IRI"),
        (a_document(**{"@type": ["NutsOrganizationCredential"]}), "keywords"),
        (a_document(id=..., **{"@id": "did:web:ministry.example#1"}), "keywords"),
        (a_document(**{"@included": [{"id": HOLDER}]}), "keywords"),
        (a_document(**{"@reverse": {"issuer": {"id": HOLDER}}}), "keywords"),
        ({"@context": [VC_CONTEXT], "@graph": [a_document()]}, "keywords"),
        (with_subject(organization={"@value": "De Oever"}), "keywords"),
        (with_subject(organization={"name": {"@list": ["De Oever"]}}), "keywords"),
        (
            a_document(credentialSubject=[{"id": HOLDER}, {"id": HOLDER, "organization": {"name": "x", "city": "y"}}]),
            None,
        ),
        (
            a_document(
                credentialSubject=[
                    {"id": HOLDER, "organization": {"name": "x"}},
                    {"id": HOLDER, "organization": {"name": "y"}},
                ]
            ),
            "described in two places",
        ),
        (
            a_document(credentialSubject={"id": "did:web:ministry.example#1", "type": "VerifiableCredential"}),
            "two places",
        ),
        # contexts from elsewhere, and contexts that give words another meaning half-way
        (a_document(**{"@context": [VC_CONTEXT, "https://evil.example/context"]}), "not one of the embedded"),
        (a_document(**{"@context": "http://www.w3.org/2018/credentials/v1"}), "not one of the embedded"),
        (a_document(**{"@context": [VC_CONTEXT, {"organization": "urn:x:other"}]}), "inline"),
        (a_document(**{"@context": {"@import": NUTS_CONTEXT}}), "inline"),
        (a_document(**{"@context": [VC_CONTEXT, {"@base": "https://evil.example/"}]}), "inline"),
        (a_document(**{"@context": [VC_CONTEXT, {"@vocab": "urn:x:"}]}), "inline"),
        (a_document(**{"@context": [VC_CONTEXT, None]}), "inline"),
        (a_document(**{"@context": []}), "between 1 and 8"),
        (a_document(**{"@context": [VC_CONTEXT] * 9}), "between 1 and 8"),
        (a_document(**{"@context": [VC_CONTEXT, VC_CONTEXT]}), "named twice"),
        (with_subject(**{"@context": SCHEMA}, name="x"), "at the top"),
        (a_presentation({**SELF_ATTESTED, "credentialSubject": {"@context": SCHEMA, "id": HOLDER}}), "at the top"),
        # words without a meaning
        (a_document(name="De Oever"), "'name' is not defined"),
        (with_subject(organization={"name": "x", "kvk": "1"}), "'kvk' is not defined"),
        (a_document(**{"n" * 65: "x"}), "a member is not defined"),
        (a_document(type=["VerifiableCredential", "X"], credentialSubject={"id": HOLDER}), "absolute IRI"),
        (a_document(**{"@context": [VC_CONTEXT, STATUS_LIST_2021_CONTEXT]}), "is not defined"),
        # links that a signature would not cover, or that would say more than they seem to
        (a_document(id="1"), "absolute IRI"),
        (a_document(id="_:b0"), "absolute IRI"),
        (a_document(issuer="ministry"), "absolute IRI"),
        (with_subject(organization={"id": "x", "name": "Hospital", "city": "y"}), "absolute IRI"),
        (a_document(issuer='did:web:a> <urn:x:p> "injected" .\n<urn:x:s'), "absolute IRI"),
        (a_document(issuer="did:web:a\n"), "absolute IRI"),
        (a_document(type=["VerifiableCredential", "urn:x:a b"], credentialSubject={"id": HOLDER}), "absolute IRI"),
        (in_schema_org({"a<b": "x"}), "absolute IRI"),
        (in_schema_org({"a b": "x"}), "not defined"),
        (a_presentation({**SELF_ATTESTED, "proof": {"type": "JsonWebSignature2020"}}), "absolute IRI"),
        # values
        (a_document(expirationDate=None), "null"),
        (with_subject(organization={"name": ["x", None]}), "null"),
        (with_subject(organization={"name": "\x00", "city": "y"}), "control characters"),
        (with_subject(organization={"name": "\x7f", "city": "y"}), "control characters"),
        (with_subject(organization={"name": "\ud800", "city": "y"}), "surrogate"),
        (in_schema_org(float("nan")), "out of range"),
        (in_schema_org(float("inf")), "out of range"),
        (in_schema_org(object()), "not JSON"),
        (in_schema_org({1: 2}), "not a text"),
        (in_schema_org({"id": 5}), "contexts allow"),
        (in_schema_org({"type": 5}), "contexts allow"),
        (in_schema_org({"type": {"a": 5}}), "contexts allow"),
        (a_presentation(5), "a value stands where an object belongs"),
        (
            {
                "@context": NUTS_CONTEXT,
                "id": "urn:x:1",
                "type": "NutsAuthorizationCredential",
                "localParameters": {"a": 1.5},
            },
            "number with a fraction",
        ),
        # nothing at all
        ({"@context": [VC_CONTEXT]}, "nothing that could be signed"),
        ({"@context": [VC_CONTEXT], "id": "urn:x:1"}, "nothing that could be signed"),
        ({"id": "urn:x:1", "type": "Thing"}, "is not defined"),
        # too much
        (in_schema_org("x" * (1 << 20)), "characters"),
        (in_schema_org([0] * 2_048), "more than 2048 values"),
        (in_schema_org([{} for _ in range(513)]), "more than 512 nodes without an id"),
    ],
)
def test_what_a_reader_of_json_would_not_see_is_refused(document: dict[str, Any], reason: str | None) -> None:
    if reason is None:
        canonical_nquads(document)  # a link to something that is described elsewhere is fine
        return
    with pytest.raises(MalformedError, match=reason):
        canonical_nquads(document)


def test_a_status_hidden_from_readers_of_json_has_the_same_signature_and_is_refused_all_the_same() -> None:
    """The attack that the narrow grammar is for: a holder rewrites a revoked credential, and its signature still matches."""
    document, hidden = a_document(), a_document(credentialStatus=...)
    hidden |= {HIDDEN_STATUS: document["credentialStatus"]}
    assert by_pyld(hidden) == by_pyld(document) == canonical_nquads(document)
    with pytest.raises(MalformedError, match="named by an IRI"):
        canonical_nquads(hidden)


def test_an_organisation_that_the_signature_does_not_name_is_refused() -> None:
    """What a processor of JSON-LD drops, a reader of JSON would believe."""
    document = with_subject(organization={"name": "Evil", "city": "x"})
    beside = with_subject(organization=[{"name": "Evil", "city": "x"}, {"id": "it", "name": "Hospital", "city": "y"}])
    assert by_pyld(beside) == by_pyld(document)
    with pytest.raises(MalformedError, match="absolute IRI"):
        canonical_nquads(beside)


def test_before_signing_everything_has_to_have_a_meaning() -> None:
    check_defined(a_document())
    check_defined(a_presentation(a_document()))
    for carried in (SELF_ATTESTED, "eyJhbGciOiJFUzI1NiJ9.e30.c2ln"):
        canonical_nquads(a_presentation(carried))
        with pytest.raises(MalformedError, match="absolute IRI"):
            check_defined(a_presentation(carried))


@pytest.mark.parametrize(
    ("expanded", "reason"),
    [
        ([{"@value": "x"}], "where an object belongs"),
        (["x"], "where an object belongs"),
        ([{"urn:x:p": ["x"]}], "not accepted here"),
        ([{"urn:x:p": [{"@value": None}]}], "not accepted here"),
        ([{"urn:x:p": [{"@value": "x", "@language": "nl"}]}], "languages"),
        ([{"urn:x:p": [{"@graph": [], "@id": "urn:x:g"}]}], "graphs"),
        ([{"@included": []}], "use of keywords"),
    ],
)
def test_what_our_contexts_never_expand_to_is_refused_all_the_same(expanded: list[Any], reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        statements(expanded)


# --- too deep, too much ---


def nested(levels: int) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for _ in range(levels):
        document = {"a": document}
    return document


def test_nesting_ten_thousand_deep_is_refused() -> None:
    with pytest.raises(MalformedError, match="nested deeper"):
        canonical_nquads(in_schema_org(nested(10_000)))
    arrays: list[Any] = []
    for _ in range(10_000):
        arrays = [arrays]
    with pytest.raises(MalformedError, match="array in an array"):
        canonical_nquads(in_schema_org(arrays))


@pytest.mark.parametrize("added", [[], [[]], [[], []], [["a"]], ["a", []], {"b": []}])
def test_what_no_statement_is_made_of_can_not_be_added_to_what_was_signed(added: Any) -> None:
    with pytest.raises(MalformedError, match="no signature covers it"):
        canonical_nquads(in_schema_org(added))


def tree(width: int, depth: int) -> dict[str, Any]:
    return {"b": [tree(width, depth - 1) for _ in range(width)]} if depth else {}


def of(width: int, leaf: Any) -> dict[str, Any]:
    return {"b": [leaf for _ in range(width)]}


@pytest.mark.parametrize(
    ("graph", "refused"),
    [
        pytest.param(lambda: tree(2, 7), True, id="a tree of twos"),
        pytest.param(lambda: tree(3, 5), True, id="a tree of threes"),
        pytest.param(lambda: tree(6, 2), True, id="a tree of sixes"),
        pytest.param(lambda: [of(6, {}) for _ in range(60)], True, id="sixty groups of six"),
        pytest.param(lambda: [of(12, {}), of(12, {})], True, id="two groups of twelve"),
        pytest.param(lambda: [of(400, {}), of(100, {})], False, id="two large groups that differ"),
        pytest.param(lambda: [nested(20) for _ in range(10)], True, id="ten chains of twenty"),
        pytest.param(lambda: [nested(8) for _ in range(4)], False, id="four chains of eight"),
        pytest.param(lambda: [{} for _ in range(500)], False, id="five hundred alike"),
    ],
)
def test_a_graph_made_to_take_long_is_over_within_200_ms(graph: Callable[[], Any], refused: bool) -> None:
    document = in_schema_org(graph())
    canonical_nquads(in_schema_org("loads PyLD"))
    started = time.thread_time()
    try:
        canonical_nquads(document)
        outcome = False
    except MalformedError as error:
        outcome = "too much work" in str(error)
    assert time.thread_time() - started < 0.2
    assert outcome is refused


def test_permuted_contexts_do_not_fill_the_memory() -> None:
    from itertools import permutations

    some = [VC_CONTEXT, NUTS_CONTEXT, STATUS_LIST_2021_CONTEXT, JWS_2020_CONTEXT, SCHEMA]
    expected = canonical_nquads(a_document())
    for index, order in enumerate(permutations(some)):
        if index % 4 == 0:  # thirty orders, each worked out anew, with what is inside them
            canonical_nquads(a_document(**{"@context": list(order)}))
    assert len(expansion._EXPANDER._remembered) <= expansion.MAX_REMEMBERED
    assert canonical_nquads(a_document()) == expected


def test_a_full_memory_starts_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expansion, "MAX_REMEMBERED", 2)
    monkeypatch.setattr(expansion._EXPANDER, "_remembered", {})
    expected = by_pyld(a_document())
    for _ in range(3):
        assert canonical_nquads(a_document()) == expected


def test_nothing_is_fetched() -> None:
    with pytest.raises(MalformedError, match="nothing is fetched"):
        expansion._no_documents("https://evil.example/context", {})


# --- any bytes ---


def keys() -> st.SearchStrategy[str]:
    return st.sampled_from(
        [
            *("id", "type", "@context", "@id", "@type", "@graph", "@value", "issuer", "credentialSubject", "proof"),
            *("holder", "verifiableCredential", "organization", "name", "localParameters", "resources", "a", "urn:x:p"),
        ]
    )


SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=4)
TEXTS = st.sampled_from([VC_CONTEXT, NUTS_CONTEXT, SCHEMA, HOLDER, "VerifiableCredential", "urn:x:1", "_:b0"])
JSON = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(keys(), JSON, max_size=6))
def test_any_document_has_a_canonical_form_or_one_error(document: dict[str, Any]) -> None:
    for context in ([VC_CONTEXT, NUTS_CONTEXT], [VC_CONTEXT, SCHEMA], document.get("@context", SCHEMA)):
        try:
            found = canonical_nquads({**document, "@context": context})
        except MalformedError:
            continue
        assert found.endswith(b" .\n")


def test_an_error_of_pyld_itself_is_a_malformed_document(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_document: object) -> Iterator[None]:
        raise KeyError("@id")

    monkeypatch.setattr(expansion._EXPANDER, "expanded", broken)
    with pytest.raises(MalformedError, match="not a JSON-LD document"):
        expand({})


def test_the_limits_of_json_come_first() -> None:
    with pytest.raises(MalformedError, match="nested deeper"):
        parse_json('{"a":' * 10_000 + "1" + "}" * 10_000)
