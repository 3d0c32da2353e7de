"""What a scope asks is asked whole: several definitions, provenance of claims, and definitions that cannot be served."""

from pathlib import Path
from typing import Any

import pytest

from credentials.query.definition import PresentationDefinition
from credentials.vc.issue import self_attested
from node.oauth.definitions import Definitions
from node.oauth.errors import OAuthError
from tests.node.oauth.setting import ASKER_URL, HOLDER_URL, SCOPE, Stranger, a_node, organization_definition, post_token
from tests.support.certificates import a_uzi_chain
from tests.support.world import ManualClock, SimulatedInternet


def definition(identifier: str, kind: str, **fields: str) -> dict[str, Any]:
    """A definition of one credential with claims by id and path."""
    asked: list[dict[str, Any]] = [{"path": ["$.type"], "filter": {"type": "string", "const": kind}}]
    asked += [
        {
            "id": name,
            "path": [f"$.credentialSubject.{path}", f"$.credentialSubject[0].{path}"],
            "filter": {"type": "string"},
        }
        for name, path in fields.items()
    ]
    return {"id": identifier, "input_descriptors": [{"id": f"id_{identifier}", "constraints": {"fields": asked}}]}


EMPLOYEE = definition("pd_user", "NutsEmployeeCredential", employee_identifier="identifier")


async def test_every_definition_of_a_scope_has_to_be_fulfilled_not_only_the_one_named(
    internet: SimulatedInternet, clock: ManualClock, tmp_path: Path
) -> None:
    organization = organization_definition()
    organization["input_descriptors"] = organization["input_descriptors"][:1]
    definitions = {SCOPE: {"organization": organization, "user": EMPLOYEE}}
    async with (
        a_node(internet, HOLDER_URL, tmp_path, clock, definitions) as holder,
        a_node(internet, ASKER_URL, tmp_path, clock) as asker,
    ):
        await holder.found("wending")
        await asker.found("oever", a_uzi_chain())
        stranger = await Stranger.of(asker, "oever")
        only = stranger.submission(
            descriptor_map=[{"id": "id_x509credential", "format": "jwt_vc", "path": "$.verifiableCredential[0]"}]
        )
        alone = stranger.presentation(credentials=[stranger.x509_credential])
        answer = await post_token(holder, stranger.form(assertion=alone, presentation_submission=only))
        assert (answer.status, answer.body["error"]) == (400, "invalid_request")
        user_only = stranger.submission(
            definition_id="pd_user",
            descriptor_map=[{"id": "id_pd_user", "format": "ldp_vc", "path": "$.verifiableCredential[0]"}],
        )
        nobody = stranger.presentation(credentials=[stranger.employee()])
        answer = await post_token(holder, stranger.form(assertion=nobody, presentation_submission=user_only))
        assert answer.status == 400
        both = await post_token(holder, stranger.form(presentation_submission=only))
        assert both.status == 200
        assert [record.user_id for record in holder.audit.of_kind("token")] == ["U-1001"]


async def test_an_organization_cannot_vouch_for_itself_where_a_definition_forgot_to_ask_for_an_issuer(
    internet: SimulatedInternet, clock: ManualClock, tmp_path: Path
) -> None:
    careless = definition("pd_organization", "NutsUraCredential", organization_ura="ura")
    async with (
        a_node(internet, HOLDER_URL, tmp_path, clock, {SCOPE: {"organization": careless}}) as holder,
        a_node(internet, ASKER_URL, tmp_path, clock) as asker,
    ):
        await holder.found("wending")
        await asker.found("oever")
        stranger = await Stranger.of(asker, "oever")
        claim = self_attested(
            holder=stranger.did,
            types=("NutsUraCredential",),
            subject={"ura": "99999999"},
            credential_id="8b0f1b7e-58a5-4b0e-9f0e-3a5b6f0c1d2e",
            now=clock.now(),
            contexts=(),
        )
        submission = stranger.submission(
            descriptor_map=[{"id": "id_pd_organization", "format": "ldp_vc", "path": "$.verifiableCredential[0]"}]
        )
        form = stranger.form(assertion=stranger.presentation(credentials=[claim]), presentation_submission=submission)
        assert (await post_token(holder, form)).status == 400
        assert [record.code for record in holder.audit.records] == ["self_attested_organization"]


async def test_a_definition_without_descriptors_still_takes_a_proof_of_possession(
    internet: SimulatedInternet, clock: ManualClock, tmp_path: Path
) -> None:
    empty = {"id": "pd_organization", "input_descriptors": []}
    async with (
        a_node(internet, HOLDER_URL, tmp_path, clock, {SCOPE: {"organization": empty}}) as holder,
        a_node(internet, ASKER_URL, tmp_path, clock) as asker,
    ):
        await holder.found("wending")
        await asker.found("oever")
        stranger = await Stranger.of(asker, "oever")
        submission = stranger.submission(descriptor_map=[])
        for assertion, status in [("[]", 400), (stranger.presentation(credentials=[]), 200)]:
            form = stranger.form(assertion=assertion, presentation_submission=submission)
            assert (await post_token(holder, form)).status == status


def test_a_field_id_that_means_something_in_introspection_is_refused_at_start() -> None:
    for reserved in ("active", "scope", "cnf", "exp"):
        parsed = PresentationDefinition.parse(definition("p", "Type", **{reserved: "x"}))
        with pytest.raises(ValueError, match="reserved"):
            Definitions({"s": {"organization": parsed}})


def test_a_scope_without_definitions_or_with_two_of_one_id_is_refused_at_start() -> None:
    parsed = PresentationDefinition.parse(EMPLOYEE)
    with pytest.raises(ValueError, match="no presentation definition"):
        Definitions({"s": {}})
    with pytest.raises(ValueError, match="one id"):
        Definitions({"s": {"organization": parsed, "user": parsed}})


def test_a_scope_is_found_by_its_whole_name_only() -> None:
    definitions = Definitions({"s": {"organization": PresentationDefinition.parse(EMPLOYEE)}})
    assert definitions.scopes == {"s"}
    for scope in ("", "S", "s s", " s"):
        with pytest.raises(OAuthError):
            definitions.required(scope)
