"""Per scope: what the other side asks, whether our wallet has it, and whether it gives us a token."""

from collections.abc import Mapping, Sequence
from typing import Any

from credentials.errors import MalformedError
from node.doctor.finding import Finding, failed, ok, skipped, warning
from node.keys.errors import VaultError
from node.oauth.errors import TokenRefusedError
from node.oauth.explaining import UserAsked, WalletExplainer, WalletQuestion
from node.oauth.requester import TokenRequester
from node.web.replies import RequestError

EMPLOYEE = "NutsEmployeeCredential"
MAX_REASONS = 3
"""Reasons told of one input descriptor; ``hazel credential explain`` has all."""

_WHY_NO_TOKEN: Mapping[str, tuple[str, str]] = {
    "refused": (
        "it refused",
        "its operator can look up why; often it can not fetch our DID document (hazel doctor, without an address) or trusts other roots",
    ),
    "failed": ("its answer was none", "its operator has to look at its log"),
    "busy": ("it says that it is busy", "try again in a while"),
    "timeout": ("it did not answer in time", "try again; its operator can see in its log what it waited for"),
    "unreachable": (
        "its token endpoint can not be reached",
        "it may be at another address than its metadata: look at step metadata",
    ),
    "no_match": ("our wallet has nothing that fits", "see the step before"),
}


async def look_at_scope(
    explainer: WalletExplainer,
    requester: TokenRequester,
    *,
    subject: str,
    issuer: str,
    scope: str,
    user: UserAsked | None,
    with_token: bool,
) -> list[Finding]:
    """Go the way of one token; at the end there is one, which is not used and not kept."""
    try:
        told = await explainer.explain(subject, WalletQuestion(scope=scope, authorization_server=issuer, user=user))
    except TokenRefusedError as error:
        return [
            _without_definition(error, scope),
            skipped("wallet", "no_definition", "it is not known what would be asked", about=scope),
            skipped("token", "no_definition", "it is not known what would be asked", about=scope),
        ]
    except (MalformedError, RequestError) as error:
        return [
            failed(
                "definition",
                "malformed",
                f"it can not be answered: {error}",
                "the other side has to mend it",
                about=scope,
            )
        ]
    asked = [each["id"] for one in told["definitions"] for each in one["holders"][0]["input_descriptors"]]
    definition = ok("definition", f"it asks for {', '.join(asked) or 'nothing'}", about=scope, input_descriptors=asked)
    if not told["satisfied"]:
        lacking = _lacking(told, scope, has_user=user is not None)
        return [definition, lacking, skipped("token", "no_match", "there is nothing to present", about=scope)]
    wallet = ok("wallet", "our wallet has what is asked", about=scope)
    if not with_token:
        return [definition, wallet, skipped("token", "not_wanted", "not asked for", about=scope)]
    return [definition, wallet, await _token(requester, subject, issuer, scope, user)]


async def _token(requester: TokenRequester, subject: str, issuer: str, scope: str, user: UserAsked | None) -> Finding:
    try:
        token = await requester.token(
            subject,
            authorization_server=issuer,
            scope=scope,
            user=None if user is None else user.to_user(),
            fresh=True,
        )
    except TokenRefusedError as error:
        detail, remedy = _WHY_NO_TOKEN.get(error.code, ("it gives no token", "see the steps before"))
        said = f" ({error.oauth_code})" if error.oauth_code else ""
        return failed("token", error.code, f"{detail}{said}", remedy, about=scope, status=error.status or 0)
    except VaultError as error:
        return failed(
            "token", "vault_away", "our own key can not be used", error.remedy or "see: hazel status", about=scope
        )
    if token.scope != scope:
        return warning(
            "token",
            "other_scope",
            "it gave a token for another scope",
            "queries may be refused; ask the other side",
            about=scope,
        )
    return ok("token", "it gives a token, bound to our key", about=scope)


def _without_definition(error: TokenRefusedError, scope: str) -> Finding:
    if error.code == "refused":
        return failed(
            "definition",
            "unknown_scope",
            f"it knows no such scope (status {error.status or 0})",
            "the other side does not take part in this use case, or calls it otherwise: compare wire_scope of both",
            about=scope,
        )
    return failed(
        "definition",
        error.code,
        f"it does not say what it asks: {error.code}",
        "the other side has to mend its presentation definition, or what is in front of it",
        about=scope,
    )


def _lacking(told: Mapping[str, Any], scope: str, *, has_user: bool) -> Finding:
    """Say what is missing, of the identifier of ours that comes nearest."""
    holders: Sequence[Mapping[str, Any]] = [one for definition in told["definitions"] for one in definition["holders"]]
    nearest = min(holders, key=lambda one: sum(not _fits(each) for each in one["input_descriptors"]))
    misfits = [each for each in nearest["input_descriptors"] if not _fits(each)]
    if misfits and not has_user and all(EMPLOYEE in each["types"] for each in misfits):
        return warning(
            "wallet",
            "nobody_named",
            "it wants to know on whose behalf we ask, and nobody is named here",
            "say who: --user ID --role CODE, or set cli_user in hazel.yaml",
            about=scope,
        )
    reasons = [f"{each['id']}: {_nearest_reason(each)}" for each in misfits[:MAX_REASONS]] or [str(nearest["message"])]
    return failed(
        "wallet",
        "no_match",
        "; ".join(reasons),
        f"hazel credential explain {scope} --server {told['authorization_server']} shows every credential and field",
        about=scope,
        input_descriptors=[each["id"] for each in misfits],
    )


def _fits(descriptor: Mapping[str, Any]) -> bool:
    return any(each["fits"] for each in descriptor["credentials"])


def _nearest_reason(descriptor: Mapping[str, Any]) -> str:
    types = ", ".join(descriptor["types"])
    of_type = [each for each in descriptor["credentials"] if each["type"] in descriptor["types"]]
    if of_type:
        return str(of_type[0]["reason"])
    return f"there is no {types}" if types else "no credential fits"
