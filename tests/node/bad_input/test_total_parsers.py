"""Every parser of the node, one by one: whatever comes in, a value or its one error, and nothing else.

What arrives over HTTP is tried at the doors (``test_bad_input.py``); here are the parsers themselves, with near misses, since good
messages with a member or a few bytes changed find more than noise. Those of the pure packages are in ``tests/credentials`` and
``tests/registry``.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from credentials.errors import CredentialError, MalformedError
from node.audit.asking import ReportRequest, parse_moment, parse_search, patient_of
from node.audit.head import SignedHead
from node.audit.pseudonym import is_pseudonym
from node.audit.search import Cursor
from node.config.load import ConfigError, parse_config
from node.config.text_yaml import YamlError, read_text_yaml
from node.consent.consent import Consent
from node.exchange.explaining import ExplainRequest
from node.exchange.interaction import Interaction, NotAllowedError
from node.exchange.question import Question
from node.exchange.references import Bases, page_link, read_reference
from node.identity.path_ids import id_in_path
from node.identity.routes import NewSubject
from node.oauth.definitions import ScopeAsked
from node.oauth.dpop import check_proof
from node.oauth.errors import OAuthError, origin_of
from node.oauth.grant import read_request
from node.oauth.messages import TokenReply, TokenRequest, oauth_error_code
from node.oauth.peer_metadata import ServerMetadata
from node.oauth.routes import ProofCall, ProofCheckCall, ServiceTokenCall
from node.registries.routes import Activation
from node.usecases.load import UseCaseError, parse_usecase
from node.usecases.parameters import Parameter
from node.web.bodies import parse_form
from node.web.boundary import check_target
from node.web.replies import RequestError
from tests.node.bad_input.setting import ISSUER, token_request
from tests.node.consent.setting import a_consent, a_provision
from tests.support.world import NOON

SECRET = b"s" * 32
BASES = Bases.of(["https://own.example/fhir"])
FEW = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
texts = st.text(max_size=200)

CONSENT = a_consent(a_provision("permit", actors=[], codes=["GGC002"]))
REPORT = {"patient": {"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "176286603"}, "from": "2026-11-22"}
QUESTION = {
    "patient": REPORT["patient"],
    "user": {"identifier": "1", "name": "x", "role": "01.015"},
    "purpose": "TREAT",
}
EXPLAIN = {"requester_ura": "00002222", "scope": "x", "path": "Patient/1"}
METADATA = {
    "issuer": ISSUER,
    "token_endpoint": f"{ISSUER}/token",
    "presentation_definition_endpoint": f"{ISSUER}/presentation_definition",
    "did_methods_supported": ["web"],
    "vp_formats_supported": {"jwt_vp_json": {"alg_values_supported": ["ES256"]}},
}
REPLY = {"access_token": "x", "token_type": "DPoP", "expires_in": 900, "scope": "x"}
CONFIG = {
    "organisation": {"name": "x", "city": "x", "ura": "00001111", "subject": "x"},
    "url": "https://x.example",
    "public": {"address": "x:1"},
}


def near(good: dict[str, Any]) -> st.SearchStrategy[Any]:
    """The object with some members replaced, left out or added, at the top or one level down; or any other value."""

    def changed(new: dict[str, Any], gone: set[str], deeper: dict[str, Any]) -> dict[str, Any]:
        top = {name: value for name, value in (good | new).items() if name not in gone}
        return {name: {**value, **deeper} if isinstance(value, dict) else value for name, value in top.items()}

    names = st.sampled_from([*good])
    below = st.sampled_from([*{name for value in good.values() if isinstance(value, dict) for name in value}, "x"])
    return values | st.builds(
        changed,
        st.dictionaries(names | st.text(max_size=5), values, max_size=2),
        st.sets(names, max_size=1),
        st.dictionaries(below, values, max_size=1),
    )


def near_bytes(good: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """The same as JSON, or any bytes."""
    return st.binary(max_size=100) | near(good).map(lambda value: json.dumps(value).encode())


def of_model(model: type[BaseModel]) -> Callable[[Any], object]:
    return model.model_validate


def near_form() -> st.SearchStrategy[list[tuple[str, str]]]:
    good = token_request("parsers")
    names = st.sampled_from([name for name, _ in good])

    def changed(new: dict[str, str], more: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [*(dict(good) | new).items(), *more]

    pair = st.tuples(names | st.text(max_size=5), texts)
    return st.lists(pair, max_size=6) | st.builds(
        changed, st.dictionaries(names, texts, max_size=1), st.lists(pair, max_size=1)
    )


def read_token_request(form: list[tuple[str, str]]) -> object:
    request = TokenRequest.parse(form)
    return read_request(request, issuer=ISSUER, scope=ScopeAsked(profile="s"), required={}, now=NOON)


def interaction(method: str, parts: tuple[str, str, str | None, bytes]) -> object:
    path, query, content_type, body = parts
    return Interaction.parse(method, path, query, content_type, body, fhir_version="r4")


asked = st.tuples(
    texts, texts, st.none() | texts | st.just("application/x-www-form-urlencoded"), st.binary(max_size=60)
)

PARSERS: dict[str, tuple[Callable[[Any], object], st.SearchStrategy[Any], tuple[type[Exception], ...]]] = {
    "consent": (Consent.parse, near(CONSENT), (MalformedError,)),
    "provision": (
        lambda value: Consent.parse({**CONSENT, "provision": value}),
        near(CONSENT["provision"]),
        (MalformedError,),
    ),
    "report request": (lambda value: ReportRequest.parse(value, SECRET), near(REPORT), (RequestError,)),
    "audit search": (
        lambda pairs: parse_search("x", pairs, SECRET),
        st.lists(
            st.tuples(
                st.sampled_from(["from", "to", "patient-id", "peer", "outcome", "_count", "_cursor", "x"]), texts
            ),
            max_size=3,
        ),
        (RequestError,),
    ),
    "audit cursor": (Cursor.parse, texts, (MalformedError,)),
    "signed head": (SignedHead.parse, texts, (CredentialError,)),
    "moment": (lambda text: parse_moment("from", text), texts | st.datetimes().map(str), (RequestError,)),
    "patient": (lambda text: patient_of(text, SECRET), texts, (RequestError,)),
    "pseudonym": (is_pseudonym, texts, ()),
    "question": (of_model(Question), near(QUESTION), (ValidationError,)),
    "explain request": (of_model(ExplainRequest), near(EXPLAIN), (ValidationError,)),
    "new subject": (of_model(NewSubject), near({"subject": "x", "keys": {"assertionKey": True}}), (ValidationError,)),
    "activation": (of_model(Activation), near({"registrationParameters": {"a": "b"}}), (ValidationError,)),
    "service token call": (
        of_model(ServiceTokenCall),
        near({"authorization_server": "x", "scope": "x", "credentials": []}),
        (ValidationError,),
    ),
    "proof call": (of_model(ProofCall), near({"htm": "GET", "htu": "x", "token": "x"}), (ValidationError,)),
    "proof check call": (
        of_model(ProofCheckCall),
        near({"dpop_proof": "x", "method": "x", "thumbprint": "x", "token": "x", "url": "x"}),
        (ValidationError,),
    ),
    "token request": (read_token_request, near_form(), (OAuthError,)),
    "token reply": (lambda body: TokenReply.parse(body, scope="x"), near_bytes(REPLY), (MalformedError,)),
    "metadata": (lambda body: ServerMetadata.parse(ISSUER, body), near_bytes(METADATA), (MalformedError,)),
    "a peer's refusal": (oauth_error_code, near_bytes({"error": "invalid_request"}), ()),
    "proof": (
        lambda proof: check_proof(proof, method="GET", url=ISSUER, now=NOON, access_token=None, jkt=None),
        texts,
        (CredentialError,),
    ),
    "interaction": (lambda parts: interaction("POST", parts), asked, (NotAllowedError,)),
    "interaction with GET": (lambda parts: interaction("GET", parts), asked, (NotAllowedError,)),
    "form": (parse_form, st.binary(max_size=200), (RequestError,)),
    "address": (check_target, texts | texts.map("/".__add__), (RequestError,)),
    "id in a path": (id_in_path, texts, ()),
    "origin": (origin_of, texts | texts.map("https://".__add__), ()),
    "configuration": (lambda value: parse_config(value, Path("/nowhere")), near(CONFIG), (ConfigError,)),
    "YAML": (read_text_yaml, texts, (YamlError,)),
    "use case": (lambda body: parse_usecase(body, "x.yaml"), st.binary(max_size=200), (UseCaseError,)),
    "use case, nearly": (
        lambda value: parse_usecase(json.dumps(value).encode(), "x.yaml"),
        near({"id": "x", "version": "1.0.0", "title": {"nl": "x", "en": "x"}, "wire_scope": "x", "tables": []}),
        (UseCaseError,),
    ),
    "parameter": (Parameter.parse, texts | texts.map("name=".__add__), (ValueError,)),
    "reference": (lambda text: read_reference(text, BASES), texts, ()),
    "paging link": (lambda text: page_link(text, BASES), texts | texts.map("https://own.example/fhir?".__add__), ()),
}


@pytest.mark.parametrize("name", PARSERS)
@FEW
@given(data=st.data())
def test_any_input_is_a_value_or_the_one_error(name: str, data: st.DataObject) -> None:
    parse, inputs, errors = PARSERS[name]
    value = data.draw(inputs)
    with suppress(*errors):
        parse(value)
