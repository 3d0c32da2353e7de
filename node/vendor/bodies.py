"""What vendors post to ``vcr/v2`` and ``crypto/v1``: names and defaults of nuts-node; members that nobody knows are ignored, as it does."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

_AS_NUTS_NODE = ConfigDict(
    strict=True,
    frozen=True,
    extra="ignore",
    populate_by_name=True,
    defer_build=True,  # each is made with its first message: a start has other things to do
)

OneOrMany = str | list[str]
Credential = str | dict[str, Any]


class IssueBody(BaseModel):
    """``POST issuer/vc``. ``withBitstringStatusListRevocation`` is ours."""

    model_config = _AS_NUTS_NODE

    context: OneOrMany | None = Field(default=None, alias="@context")
    type: OneOrMany
    issuer: str
    subject: dict[str, Any] | list[dict[str, Any]] = Field(alias="credentialSubject")
    expiration_date: str | None = Field(default=None, alias="expirationDate")
    format: Literal["ldp_vc", "jwt_vc"] = "ldp_vc"
    with_status_list: bool | None = Field(default=None, alias="withStatusList2021Revocation")
    with_bitstring: bool | None = Field(default=None, alias="withBitstringStatusListRevocation")
    publish_to_network: bool | None = Field(default=None, alias="publishToNetwork")
    visibility: str | None = None


class PresentBody(BaseModel):
    """``POST holder/vp``."""

    model_config = _AS_NUTS_NODE

    credentials: list[Credential] = Field(alias="verifiableCredentials")
    signer: str | None = Field(default=None, alias="signerDID")
    format: Literal["ldp_vp", "jwt_vp"] = "ldp_vp"
    domain: str | None = None
    challenge: str | None = None
    expires: str | None = None
    type: list[str] = []
    context: list[str] = Field(default=[], alias="@context")
    proof_purpose: str | None = Field(default=None, alias="proofPurpose")


class VerificationOptions(BaseModel):
    """Part of `VerifyCredentialBody`; for did:web issuers it changes nothing, in nuts-node neither."""

    model_config = _AS_NUTS_NODE

    allow_untrusted: bool = Field(default=False, alias="allowUntrustedIssuer")


class VerifyCredentialBody(BaseModel):
    """``POST verifier/vc``."""

    model_config = _AS_NUTS_NODE

    credential: Credential = Field(alias="verifiableCredential")
    options: VerificationOptions | None = Field(default=None, alias="verificationOptions")


class VerifyPresentationBody(BaseModel):
    """``POST verifier/vp``."""

    model_config = _AS_NUTS_NODE

    presentation: Credential = Field(alias="verifiablePresentation")
    verify_credentials: bool = Field(default=True, alias="verifyCredentials")
    valid_at: str | None = Field(default=None, alias="validAt")


class TrustBody(BaseModel):
    """``POST`` and ``DELETE verifier/trust``."""

    model_config = _AS_NUTS_NODE

    issuer: str = Field(min_length=1, max_length=1_024)
    credential_type: str = Field(alias="credentialType", min_length=1, max_length=512)


class SignJwtBody(BaseModel):
    """``POST crypto/v1/sign_jwt``."""

    model_config = _AS_NUTS_NODE

    kid: str = Field(min_length=1)
    claims: dict[str, Any] = Field(min_length=1)


class SignJwsBody(BaseModel):
    """``POST crypto/v1/sign_jws``."""

    model_config = _AS_NUTS_NODE

    kid: str = Field(min_length=1)
    headers: dict[str, Any]
    payload: str
    """Standard base64."""
    detached: bool = False
