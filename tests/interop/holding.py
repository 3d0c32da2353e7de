"""Steps about credentials outside any token: loading, verifying and presenting what the other has issued."""

from collections.abc import Awaitable, Callable
from typing import Any

from credentials.encoding import b64url_decode
from tests.interop.altering import altered_credential
from tests.interop.seat import Seat
from tests.interop.step import Step, expect, require
from tests.interop.vendor import NUTS_CONTEXT

_CHAPTER = "Credentials"
FORMATS = {"jwt_vc": "jwt_vp", "ldp_vc": "ldp_vp"}
WORDS = {"jwt_vc": "JWT", "ldp_vc": "JSON-LD"}
KIND = "NutsOrganizationCredential"


async def issue_organization(issuing: Seat, holding: Seat, form: str, *, issuer: str | None = None) -> Any:
    """Let one side say who the other is."""
    subject = {
        "id": holding.did,
        "organization": {"name": holding.organisation["name"], "city": holding.organisation["city"]},
    }
    return await issuing.vendor.issue(issuer or issuing.issuer_did, KIND, subject, form=form, contexts=[NUTS_CONTEXT])


def _loads(form: str) -> Callable[[Seat, Seat], Awaitable[str]]:
    async def loads(acting: Seat, other: Seat) -> str:
        """The other issues a revocable credential about us; it goes into our wallet, twice without harm, and stands there."""
        credential = await issue_organization(other, acting, form)
        expect("the form of the credential", isinstance(credential, str), form == "jwt_vc")
        other.issued[form] = credential
        await acting.vendor.load(acting.holder, credential)
        await acting.vendor.load(acting.holder, credential)
        held = await acting.vendor.wallet(acting.holder)
        expect("how often the wallet holds it", held.count(credential), 1)
        return f"{len(held)} in the wallet"

    return loads


def _verifies(form: str) -> Callable[[Seat, Seat], Awaitable[str]]:
    async def verifies(acting: Seat, other: Seat) -> str:
        """What the other issued is good; the same with another name in it is not."""
        credential = other.issued[form]
        valid, why = await acting.vendor.verify_credential(credential)
        require(f"it is valid ({why})", holds=valid)
        valid, why = await acting.vendor.verify_credential(altered_credential(credential))
        require("an altered one is refused", holds=not valid)
        return f"valid; altered: {why}"

    return verifies


def _presents(form: str) -> Callable[[Seat, Seat], Awaitable[str]]:
    async def presents(acting: Seat, other: Seat) -> str:
        """A presentation made by our vendor call verifies at the other, with the credential that the other issued."""
        presentation = await acting.vendor.present(
            [other.issued[form]], signer=acting.did, form=FORMATS[form], audience=other.server
        )
        expect("the form of the presentation", isinstance(presentation, str), form == "jwt_vc")
        valid, why = await other.vendor.verify_presentation(presentation)
        require(f"the other finds it valid ({why})", holds=valid)
        return "valid"

    return presents


async def verifies_certified(acting: Seat, other: Seat) -> str:
    """The other's X509Credential, with its certificates, is good; presented by the other, too."""
    held = [each for each in await other.vendor.wallet(other.holder) if isinstance(each, str) and _is_certified(each)]
    expect("how many X509Credentials the other holds", len(held), 1)
    valid, why = await acting.vendor.verify_credential(held[0])
    require(f"it is valid ({why})", holds=valid)
    presentation = await other.vendor.present(held, signer=other.did, form="jwt_vp", audience=acting.server)
    valid, why = await acting.vendor.verify_presentation(presentation)
    require(f"presented it is valid ({why})", holds=valid)
    return "valid"


def _is_certified(compact: str) -> bool:
    return b'"x5c"' in b64url_decode(compact.partition(".")[0])


def _of(form: str) -> tuple[Step, ...]:
    word = WORDS[form]
    return (
        Step(
            id=f"load-{form}", chapter=_CHAPTER, title=f"holds a {word} credential that the other issued", run=_loads(form)
        ),
        Step(
            id=f"verify-{form}", chapter=_CHAPTER, title=f"verifies that {word} credential, and refuses it altered",
            run=_verifies(form), needs=(f"load-{form}",),
        ),
        Step(
            id=f"present-{form}", chapter=_CHAPTER, title=f"presents it as a {word} presentation that the other verifies",
            run=_presents(form), needs=(f"load-{form}",),
        ),
    )  # fmt: skip


STEPS = (
    *_of("jwt_vc"),
    *_of("ldp_vc"),
    Step(
        id="verify-x509", chapter=_CHAPTER, title="verifies the other's X509Credential, alone and presented",
        run=verifies_certified,
    ),
)  # fmt: skip
