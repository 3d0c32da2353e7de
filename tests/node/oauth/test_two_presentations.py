"""Two presentations in one request: an organisation, and the service provider that acts for it (RFC 7523, WIRE §2.5.6)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from credentials.encoding import b64url_encode
from credentials.jws import compact_json, sign_jws
from credentials.vc.credential import VC_CONTEXT
from credentials.vc.issue import self_attested
from node.oauth.dpop import make_proof
from node.oauth.user import User
from tests.node.oauth.setting import (
    ASKER_URL,
    HOLDER,
    HOLDER_URL,
    SCOPE,
    Answer,
    NodeUnderTest,
    Stranger,
    a_node,
    organization_definition,
    post_token,
)
from tests.node.oauth.test_rules_of_grants import EMPLOYEE
from tests.node.verification.setting import Publisher
from tests.support.certificates import a_uzi_chain
from tests.support.keys import a_did, a_key
from tests.support.world import ManualClock, SimulatedInternet

MARK = "zq7-reflected"
USER = User(identifier="U-1001", name="J. Jansen", role="01.015")


def mandate_definition(**more: Any) -> dict[str, Any]:
    """A mandate by the ministry that names an organisation by its number, asked of the service provider."""
    both = ["$.credentialSubject[0].onBehalfOf", "$.credentialSubject.onBehalfOf"]
    fields: list[dict[str, Any]] = [
        {"path": ["$.type"], "filter": {"type": "string", "const": "MandateCredential"}},
        {"id": "organization_ura", "path": both, "filter": {"type": "string"}},
        *(
            {"id": name, "path": [f"$.credentialSubject[0].{path}"], "filter": {"type": "string"}}
            for name, path in more.items()
        ),
    ]
    return {
        "id": "pd_service_provider",
        "input_descriptors": [{"id": "id_mandate", "constraints": {"fields": fields}}],
    }


def a_mandate(to: str, *, ura: str, now: int, issuer: str | None = None, key: Any = None, **subject: Any) -> str:
    """A signed mandate for the DID ``to``."""
    iss = issuer or a_did("ministry")
    claims = {
        "iss": iss,
        "sub": to,
        "jti": f"{iss}#mandate-{ura}",
        "nbf": now - 60,
        "exp": now + 86_400,
        "vc": {
            "@context": [VC_CONTEXT],
            "type": ["VerifiableCredential", "MandateCredential"],
            "credentialSubject": [{"id": to, "onBehalfOf": ura, **subject}],
        },
    }
    return sign_jws({"typ": "JWT"}, compact_json(claims), key or a_key("ministry"))


@pytest.fixture
async def holder(internet: SimulatedInternet, clock: ManualClock, tmp_path: Path) -> AsyncIterator[NodeUnderTest]:
    definitions = {
        SCOPE: {"organization": organization_definition(), "service_provider": mandate_definition()},
        "alone": {"organization": organization_definition()},
    }
    async with a_node(internet, HOLDER_URL, tmp_path, clock, definitions) as node:
        await node.found("wending")
        yield node


class Provider:
    """A service provider with a mandate, beside the organisation it acts for; each message can be bent."""

    def __init__(self, organization: Stranger, provider: Stranger) -> None:
        self.organization = organization
        self.provider = provider

    @property
    def now(self) -> int:
        return int(self.organization.clock.now().timestamp())

    def mandate(self, ura: str = "00001111", **options: Any) -> str:
        return a_mandate(self.provider.did, ura=ura, now=self.now, **options)

    def client_assertion(self, mandate: str | dict[str, Any] | None = None, **claims: Any) -> str:
        return self.provider.presentation(credentials=[mandate or self.mandate()], **claims)

    def form(self, **parameters: Any) -> dict[str, str]:
        """A good request; ``parameters`` replace, None leaves one out."""
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": parameters.pop("assertion", None) or self.organization.presentation(),
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": parameters.pop("client_assertion", None) or self.client_assertion(),
            "scope": SCOPE,
        } | parameters
        return {name: value for name, value in form.items() if value is not None}


@pytest.fixture
async def both(asker: NodeUnderTest, internet: SimulatedInternet, clock: ManualClock) -> Provider:
    Publisher(internet, clock)
    await asker.found("leverancier")
    return Provider(await Stranger.of(asker, "oever"), await Stranger.of(asker, "leverancier"))


def refusal(answer: Answer, code: str) -> str:
    assert (answer.status, answer.body["error"]) == (400, code), answer.text
    assert MARK not in answer.text
    return str(answer.body["error_description"])


async def test_an_organisation_and_its_service_provider_get_one_token(holder: NodeUnderTest, both: Provider) -> None:
    provider = both.provider
    proof = make_proof(
        provider.key, method="POST", url=f"{HOLDER}/token", access_token=None, jti="1", now=provider.clock.now()
    )
    answer = await post_token(holder, both.form(), dpop=proof)
    assert (answer.status, answer.body.get("token_type")) == (200, "DPoP"), answer.text
    stored = await holder.store.find(answer.body["access_token"])
    assert stored is not None
    grant = stored.grant
    assert (grant.holder, grant.provider, grant.client_id) == (both.organization.did, provider.did, provider.did)
    assert (grant.organization_ura, grant.organization_name) == ("00001111", "Huisartsenpraktijk De Oever")
    assert (grant.user_identifier, grant.user_evidence) == ("U-1001", "self_attested")
    assert grant.jkt == provider.key.public.thumbprint()
    assert len(grant.presentations) == 2
    assert type(grant).from_json(grant.to_json()) == grant
    [record] = holder.audit.of_kind("token")
    assert (record.peer_did, record.peer_ura) == (both.organization.did, "00001111")
    assert [(rule.rule, dict(rule.evidence)) for rule in record.rules] == [("service_provider", {"did": provider.did})]
    said = await holder.introspection.introspect(answer.body["access_token"])
    assert (said["active"], said["organization_ura"], said["service_provider_did"]) == (True, "00001111", provider.did)
    extended = await holder.introspection.introspect_extended(answer.body["access_token"])
    assert len(extended["vps"]) == 2
    assert extended["presentation_submissions"] == {}
    assert set(extended["presentation_definitions"]) == {"organization", "service_provider"}


async def test_both_seats_are_ours_and_the_vendor_names_the_service_provider(
    holder: NodeUnderTest, internet: SimulatedInternet, clock: ManualClock, tmp_path: Path
) -> None:
    """As with nuts-node's client: what is presented follows from the asker's own definitions, and the provider's key is bound."""
    Publisher(internet, clock)
    definitions = {SCOPE: {"organization": organization_definition(), "service_provider": mandate_definition()}}
    async with a_node(internet, ASKER_URL, tmp_path, clock, definitions) as asker:
        organization = await asker.found("oever", a_uzi_chain())
        provider = await asker.found("dienst")
        now = int(clock.now().timestamp())
        for ura in ("99999999", "00001111"):
            await asker.wallet.load("dienst", a_mandate(provider, ura=ura, now=now), clock.now())
        token = await asker.requester.token(
            "oever", authorization_server=HOLDER, scope=SCOPE, user=USER, service_provider="dienst"
        )
    stored = await holder.store.find(token.access_token)
    assert stored is not None
    grant = stored.grant
    assert (grant.holder, grant.provider, grant.organization_ura) == (organization, provider, "00001111")
    assert token.key is not None
    assert token.key.kid.startswith(provider)
    assert grant.jkt == token.key.public.thumbprint()


async def test_the_grant_is_advertised_and_both_definitions_are_shown(holder: NodeUnderTest) -> None:
    async with holder.public.get("/.well-known/oauth-authorization-server/oauth2/wending") as reply:
        assert "urn:ietf:params:oauth:grant-type:jwt-bearer" in (await reply.json())["grant_types_supported"]
    for owner, identifier in (("organization", "pd_organization"), ("service_provider", "pd_service_provider")):
        query = {"scope": SCOPE, "wallet_owner_type": owner}
        async with holder.public.get("/oauth2/wending/presentation_definition", params=query) as reply:
            assert (await reply.json())["id"] == identifier


async def test_each_of_the_two_works_once(holder: NodeUnderTest, both: Provider) -> None:
    """A presentation of either kind that was seen does not come in again beside a fresh one."""
    form = both.form()
    assert (await post_token(holder, form)).status == 200
    for again in ("assertion", "client_assertion"):
        answer = await post_token(holder, both.form(**{again: form[again]}))
        assert "used before" in refusal(answer, "invalid_request")
    assert len(holder.audit.of_kind("token")) == 1


async def test_presentations_that_change_places_are_refused(holder: NodeUnderTest, both: Provider) -> None:
    swapped = both.form(assertion=both.client_assertion(), client_assertion=both.organization.presentation())
    refusal(await post_token(holder, swapped), "invalid_grant")
    one = both.organization.presentation()
    refusal(await post_token(holder, both.form(assertion=one, client_assertion=one)), "invalid_request")
    own = both.form(client_assertion=both.organization.presentation())
    refusal(await post_token(holder, own), "invalid_client")


async def test_a_provider_that_acts_for_another_organisation_is_refused(holder: NodeUnderTest, both: Provider) -> None:
    """The presentation of an organisation is worth nothing beside a mandate of somebody else's."""
    refused = both.form(client_assertion=both.client_assertion(both.mandate(ura="99999999")))
    assert "disagree" in refusal(await post_token(holder, refused), "invalid_grant")
    assert [record.code for record in holder.audit.of_kind("refusal")] == ["disagreement"]


async def test_a_provider_does_not_mandate_itself(holder: NodeUnderTest, both: Provider) -> None:
    provider = both.provider
    signed = a_mandate(provider.did, ura="00001111", now=both.now, issuer=provider.did, key=provider.key)
    said = self_attested(
        holder=provider.did,
        types=("MandateCredential",),
        subject={"onBehalfOf": "00001111"},
        credential_id=provider.entropy.uuid(),
        now=provider.clock.now(),
        contexts=(),
    )
    for mandate in (signed, said):
        answer = await post_token(holder, both.form(client_assertion=both.client_assertion(mandate)))
        assert "ties" in refusal(answer, "invalid_client")


async def test_a_mandate_by_the_organisation_itself_ties_the_two(
    both: Provider, internet: SimulatedInternet, clock: ManualClock, tmp_path: Path
) -> None:
    """Where the two definitions share no field, nothing but a credential of the organisation's own does."""
    fields = [{"path": ["$.type"], "filter": {"type": "string", "const": "MandateCredential"}}]
    loose = {"id": "pd_sp", "input_descriptors": [{"id": "id_sp", "constraints": {"fields": fields}}]}
    definitions = {SCOPE: {"organization": organization_definition(), "service_provider": loose}}
    async with a_node(internet, "https://linde.example", tmp_path, clock, definitions) as node:
        await node.found("linde")
        to, organization = both.provider.did, both.organization
        own = a_mandate(to, ura="x", now=both.now, issuer=organization.did, key=organization.key)
        for mandate, status in ((both.mandate(), 400), (own, 200)):
            form = both.form(
                assertion=organization.presentation(aud=[node.issuer("linde")]),
                client_assertion=both.client_assertion(mandate, aud=[node.issuer("linde")]),
            )
            assert (await post_token(node, form, subject="linde")).status == status


async def test_a_scope_that_asks_nothing_of_a_provider_is_not_given_to_one(
    holder: NodeUnderTest, both: Provider
) -> None:
    refusal(await post_token(holder, both.form(scope="alone")), "invalid_scope")


async def test_a_request_with_one_presentation_does_not_get_by_without_the_provider(
    holder: NodeUnderTest, stranger: Stranger
) -> None:
    assert "does not fulfil" in refusal(await post_token(holder, stranger.form()), "invalid_request")


async def test_what_is_missing_or_mixed_up_is_refused(holder: NodeUnderTest, both: Provider) -> None:
    for name in ("assertion", "client_assertion", "client_assertion_type", "scope"):
        good = both.form()
        del good[name]
        refusal(await post_token(holder, good), "invalid_request")
    for changes, code in (
        ({"client_assertion_type": MARK}, "invalid_request"),
        ({"assertion": MARK}, "invalid_grant"),
        ({"client_assertion": MARK}, "invalid_client"),
        ({"assertion": "[]"}, "invalid_grant"),
        ({"client_assertion": "{}"}, "invalid_client"),
        ({"client_assertion": both.organization.employee()["id"]}, "invalid_client"),
    ):
        refusal(await post_token(holder, both.form() | changes), code)
    mixed = both.organization.form(client_assertion=both.client_assertion())
    refusal(await post_token(holder, mixed), "invalid_request")
    assert holder.audit.records == [], "who proved nothing is counted, not recorded"


async def test_every_rule_holds_for_the_provider_too(holder: NodeUnderTest, both: Provider) -> None:
    """Audience, life time, nonce, holder and signature, as for the organisation, each with the code of its own message."""
    now = both.now
    thief = type(both.provider.key).generate(both.provider.key.kid)
    for bent in (
        {"aud": [MARK]},
        {"lifetime": 6},
        {"nonce": None},
        {"nbf": now - 20, "iat": now - 20, "exp": now - 15},
        {"mandate": a_mandate(both.organization.did, ura="00001111", now=now)},
        {"key": thief},
    ):
        answer = await post_token(holder, both.form(client_assertion=both.client_assertion(**bent)))
        refusal(answer, "invalid_client")
    refusal(await post_token(holder, both.form(assertion=both.organization.presentation(aud=[MARK]))), "invalid_grant")
    forged = both.mandate(key=a_key("thief"))
    refusal(await post_token(holder, both.form(client_assertion=both.client_assertion(forged))), "invalid_client")
    assert holder.audit.of_kind("token") == []


async def test_the_organisation_is_never_known_by_what_its_provider_says(
    both: Provider, internet: SimulatedInternet, clock: ManualClock, tmp_path: Path
) -> None:
    """A definition that asks the organisation nothing but a person leaves it without a number, whatever the provider shows."""
    user = {**EMPLOYEE, "id": "pd_organization"}
    definitions = {SCOPE: {"organization": user, "service_provider": mandate_definition(employee_role="role")}}
    async with a_node(internet, "https://linde.example", tmp_path, clock, definitions) as node:
        await node.found("linde")
        organization = both.organization
        mandate = a_mandate(
            both.provider.did,
            ura="00001111",
            now=both.now,
            role="01.015",
            issuer=organization.did,
            key=organization.key,
        )
        aud = [node.issuer("linde")]
        form = both.form(
            assertion=organization.presentation(credentials=[organization.employee()], aud=aud),
            client_assertion=both.client_assertion(mandate, aud=aud),
        )
        answer = await post_token(node, form, subject="linde")
        assert answer.status == 200, answer.text
        stored = await node.store.find(answer.body["access_token"])
        assert stored is not None
        assert (stored.grant.organization_ura, stored.grant.user_identifier, stored.grant.user_role) == (
            None,
            "U-1001",
            None,
        )


async def test_two_nonces_that_are_the_same_are_fine_since_they_are_of_two(
    holder: NodeUnderTest, both: Provider
) -> None:
    nonce = b64url_encode(bytes(32))
    form = both.form(
        assertion=both.organization.presentation(nonce=nonce), client_assertion=both.client_assertion(nonce=nonce)
    )
    assert (await post_token(holder, form)).status == 200
