"""A presentation definition with ten input descriptors matched against a wallet of 1,000 credentials.

Every descriptor asks for a type, an issuer and a field; of each type there are a hundred credentials, and the last one is the
first that fits. The harder wallet has one type only, so that every descriptor is compared with every credential; it has no target.
Nothing is kept from one match to the next.
"""

from collections.abc import Callable, Sequence
from typing import Any

from credentials.query import match_wallet
from credentials.query.definition import PresentationDefinition
from credentials.vc.credential import SignedCredential
from tests.bench.measure import side_by_side
from tests.bench.result import Result, Target
from tests.bench.setting import Setting
from tests.bench.unit import es256_verification
from tests.support.query import ISSUER, definition, descriptor, field, jwt_credential, of_type

CREDENTIALS = 1_000
DESCRIPTORS = 10
LIMIT_MS = 20.0
LIMIT_ONE_TYPE_MS = 200.0


def a_wallet(types: int) -> list[SignedCredential]:
    """Make the credentials, their types in turns."""
    return [
        jwt_credential(
            f"Type{number % types}Credential",
            {"organization": {"name": "De Gouwe", "city": "Gouda"}, "patient": {"identifier": f"{number:06d}"}},
            identifier=str(number),
        )
        for number in range(CREDENTIALS)
    ]


def a_definition(types: int) -> PresentationDefinition:
    """Ask for the last ten credentials of `a_wallet`, each by its own number."""
    paths = ["$.credentialSubject.patient.identifier", "$.credentialSubject[0].patient.identifier"]

    def one(number: int) -> dict[str, Any]:
        return descriptor(
            f"descriptor_{number}",
            of_type(f"Type{number % types}Credential"),
            field("$.issuer", filter={"type": "string", "pattern": f"^{ISSUER}$"}),
            field(*paths, id=f"patient_{number}", filter={"type": "string", "pattern": f"^({number:06d})$"}),
        )

    return definition(*(one(number) for number in range(CREDENTIALS - DESCRIPTORS, CREDENTIALS)))


def matching(types: int) -> Callable[[], object]:
    """Return what matches once."""
    wanted, wallet = a_definition(types), a_wallet(types)
    return lambda: match_wallet(wanted, wallet)


async def run(setting: Setting) -> Sequence[Result]:
    """Measure both wallets."""
    works = {"types": matching(DESCRIPTORS), "one": matching(1), "unit": es256_verification()}
    measured = side_by_side(works, repetitions=setting.repetitions, seconds=setting.seconds)
    unit = measured["unit"]
    return [
        Result(
            group="Presentation exchange",
            what=f"{DESCRIPTORS} input descriptors matched against {CREDENTIALS:,} credentials {of}",
            measured=measured[name].scaled(1e3),
            unit="ms",
            baseline=("one ES256 verification", unit.scaled(1e6), "µs"),
            ratio=f"{measured[name].median / unit.median:,.0f} ES256 verifications",
            target=target,
            note="The credential that fits is the last of its type.",
        )
        for name, of, target in (
            ("types", f"of {DESCRIPTORS} types", Target(kind="less than", limit=LIMIT_MS)),
            ("one", "of one type", Target(kind="less than", limit=LIMIT_ONE_TYPE_MS, source="design")),
        )
    ]
