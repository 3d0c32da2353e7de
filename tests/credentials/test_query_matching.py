from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import MalformedError
from credentials.query import candidates
from credentials.query.definition import PresentationDefinition
from credentials.query.matching import Match, NoMatch, match_wallet
from credentials.query.paths import ABSENT
from credentials.vc.credential import SignedCredential
from tests.support.query import (
    A_PROOF,
    HOLDER,
    ISSUER,
    NUTS_ORGANIZATION_AND_EMPLOYEE,
    definition,
    descriptor,
    field,
    jwt_credential,
    ld_credential,
    of_type,
)

GOUWE = {"organization": {"name": "De Gouwe", "city": "Gouda"}}
ORGANIZATION = jwt_credential("NutsOrganizationCredential", GOUWE)
EMPLOYEE = ld_credential("NutsEmployeeCredential", {"identifier": "U-1001"})


def claims_of(wanted: dict[str, Any], *credentials: SignedCredential) -> dict[str, Any]:
    return dict(match_wallet(definition(descriptor("a", {"id": "claim", **wanted})), credentials).claims)


@pytest.mark.spec("WIRE §2.15")
def test_the_recorded_definition_takes_a_jwt_and_a_self_attested_credential() -> None:
    match = match_wallet(PresentationDefinition.parse(NUTS_ORGANIZATION_AND_EMPLOYEE), [EMPLOYEE, ORGANIZATION])
    assert match.selected == (("id_org", ORGANIZATION), ("id_employee", EMPLOYEE))
    assert match.credentials == (EMPLOYEE, ORGANIZATION)  # wallet order, so that the verifier finds the same ones first
    assert match.claims == {
        "organization_name": "De Gouwe",
        "organization_city": "Gouda",
        "employee_identifier": "U-1001",
    }
    assert match.origins["organization_name"] is ORGANIZATION


@pytest.mark.spec("WIRE §2.15")
def test_a_jwt_credential_shows_arrays_and_a_json_ld_one_is_collapsed() -> None:
    jwt, ld = jwt_credential("X", {"name": "n"}), ld_credential("X", {"name": "n"})
    indexed, plain = field("$.credentialSubject[0].name"), field("$.credentialSubject.name")
    assert claims_of(indexed, jwt) == claims_of(plain, ld) == {"claim": "n"}
    for path, credential in ((indexed, ld), (plain, jwt)):
        with pytest.raises(NoMatch):
            claims_of(path, credential)


def test_paths_are_tried_in_order_and_a_failing_filter_goes_on_to_the_next() -> None:
    wanted = field(
        "$.nothing", "$.credentialSubject.a", "$.credentialSubject.b", filter={"type": "string", "pattern": "^x"}
    )
    assert claims_of(wanted, ld_credential("X", {"a": "y", "b": "xy"})) == {"claim": "x"}


def test_an_optional_field_may_be_absent_but_not_wrong() -> None:
    wanted = field("$.credentialSubject.a", "$.b", optional=True, filter={"type": "string"})
    assert claims_of(wanted, ld_credential("X", {})) == {"claim": None}
    assert claims_of(wanted, ld_credential("X", {"a": None})) == {"claim": None}
    with pytest.raises(NoMatch):
        claims_of(wanted, ld_credential("X", {"a": 1}))


def test_a_field_without_an_id_yields_no_claim() -> None:
    match = match_wallet(definition(descriptor("a", of_type("X"))), [ld_credential("X", {})])
    assert match.claims == {}


def test_the_first_fitting_credential_in_wallet_order_is_taken() -> None:
    first, second = ld_credential("X", {"v": "1"}), ld_credential("X", {"v": "2"})
    assert claims_of(field("$.credentialSubject.v"), first, second) == {"claim": "1"}
    assert claims_of(field("$.credentialSubject.v"), second, first) == {"claim": "2"}


def test_one_credential_may_serve_two_descriptors_and_is_shown_once() -> None:
    credential = ld_credential("X", {"v": "1"})
    match = match_wallet(definition(descriptor("a", of_type("X")), descriptor("b", field("$.id"))), [credential])
    assert match.selected == (("a", credential), ("b", credential))
    assert match.credentials == (credential,)


class TestFormats:
    LD_ONLY: ClassVar = {"ldp_vc": {"proof_type": ["JsonWebSignature2020"]}}
    JWT_ONLY: ClassVar = {"jwt_vc": {"alg": ["ES256"]}}

    @pytest.mark.parametrize(
        ("formats", "credential"),
        [
            (JWT_ONLY, jwt_credential("X", {})),
            (LD_ONLY, ld_credential("X", {}, proof=A_PROOF)),
            (LD_ONLY, ld_credential("X", {})),  # without a proof it counts as JSON-LD
            ({"ldp_vc": {}}, ld_credential("X", {})),
        ],
    )
    def test_an_accepted_format_fits(self, formats: dict[str, Any], credential: SignedCredential) -> None:
        assert match_wallet(definition(descriptor("a"), format=formats), [credential]).credentials
        assert match_wallet(definition(descriptor("a", format=formats)), [credential]).credentials

    @pytest.mark.parametrize(
        ("formats", "credential"),
        [
            (JWT_ONLY, jwt_credential("X", {}, alg="PS256")),
            (JWT_ONLY, ld_credential("X", {}, proof=A_PROOF)),
            (JWT_ONLY, ld_credential("X", {})),  # nothing self-attested where only JWT is asked for
            (LD_ONLY, jwt_credential("X", {})),
            ({"ldp_vc": {"proof_type": ["Other"]}}, ld_credential("X", {}, proof=A_PROOF)),
            ({"jwt_vc": {}}, jwt_credential("X", {})),
            ({"ldp_vc": {}}, ld_credential("X", {}, proof=A_PROOF)),
            ({"jwt_vp": {"alg": ["ES256"]}}, jwt_credential("X", {})),
        ],
    )
    def test_another_format_does_not(self, formats: dict[str, Any], credential: SignedCredential) -> None:
        with pytest.raises(NoMatch):
            match_wallet(definition(descriptor("a"), format=formats), [credential])
        with pytest.raises(NoMatch):
            match_wallet(definition(descriptor("a", format=formats)), [credential])


def test_subject_is_issuer_takes_only_what_the_subject_issued() -> None:
    wanted = {"id": "a", "constraints": {"subject_is_issuer": "required"}}
    own, other = ld_credential("X", {}, issuer=HOLDER), ld_credential("X", {}, issuer=ISSUER)
    assert match_wallet(definition(wanted), [other, own]).credentials == (own,)
    preferred = {"id": "a", "constraints": {"subject_is_issuer": "preferred"}}
    assert match_wallet(definition(preferred), [other, own]).credentials == (other,)


def test_two_credentials_that_disagree_on_a_claim_are_no_match() -> None:
    wanted = [descriptor(kind, of_type(kind), field("$.credentialSubject.v", id="v", optional=True)) for kind in "XY"]
    same = match_wallet(definition(*wanted), [ld_credential("X", {"v": "1"}), ld_credential("Y", {"v": "1"})])
    assert same.claims == {"v": "1"}
    absent = match_wallet(definition(*wanted), [ld_credential("X", {}), ld_credential("Y", {"v": "1"})])
    assert absent.claims == {"v": "1"}
    assert absent.origins["v"].types[1] == "Y"
    with pytest.raises(NoMatch, match="disagree on field v"):
        match_wallet(definition(*wanted), [ld_credential("X", {"v": "1"}), ld_credential("Y", {"v": "2"})])


X, Y, Z = (ld_credential(kind, {}) for kind in "XYZ")


def ids(match: Match) -> str:
    return "".join(identifier for identifier, _ in match.selected)


class TestRequirements:
    def match(self, requirements: list[dict[str, Any]], *wallet: SignedCredential, groups: str = "AAB") -> str:
        wanted = [
            descriptor(kind.lower(), of_type(kind), group=list(group))
            for kind, group in zip("XYZ", groups, strict=True)
        ]
        return ids(match_wallet(definition(*wanted, submission_requirements=requirements), wallet))

    def test_all_needs_every_member_of_the_group(self) -> None:
        rule: list[dict[str, Any]] = [{"rule": "all", "from": "A"}, {"rule": "pick", "max": 1, "from": "B"}]
        assert self.match(rule, X, Y) == "xy"
        assert self.match(rule, X, Y, Z) == "xyz"
        with pytest.raises(NoMatch, match="asks for all") as refused:
            self.match(rule, X)
        assert refused.value.missing == ("y", "z")
        assert {each.descriptor_id for each in refused.value.explanations} == {"y", "z"}

    def test_pick_takes_the_first_that_are_there(self) -> None:
        rest: dict[str, Any] = {"rule": "pick", "max": 1, "from": "B"}
        assert self.match([{"rule": "pick", "count": 1, "from": "A"}, rest], X, Y) == "x"
        assert self.match([{"rule": "pick", "count": 1, "from": "A"}, rest], Y) == "y"
        assert self.match([{"rule": "pick", "min": 1, "from": "A"}, rest], X, Y) == "xy"
        assert self.match([{"rule": "pick", "min": 1, "max": 1, "from": "A"}, rest], X, Y) == "x"
        assert self.match([{"rule": "pick", "max": 1, "from": "A"}, rest], Z) == "z"
        for rule in ({"count": 2}, {"min": 2}):
            with pytest.raises(NoMatch, match="asks for 2, and 1 are there"):
                self.match([{"rule": "pick", "from": "A", **rule}, rest], X)

    def test_requirements_choose_from_each_other(self) -> None:
        either: list[dict[str, Any]] = [
            {
                "rule": "pick",
                "count": 1,
                "name": "either",
                "from_nested": [{"rule": "all", "from": "A"}, {"rule": "all", "from": "B"}],
            }
        ]
        assert self.match(either, X, Y, Z) == "xy"
        assert self.match(either, X, Z) == "z"
        with pytest.raises(NoMatch, match="asks for 1, and 0 are there"):
            self.match(either, X)
        both = [{"rule": "all", "from_nested": either[0]["from_nested"]}]
        assert self.match(both, X, Y, Z) == "xyz"
        with pytest.raises(NoMatch, match="one is missing"):
            self.match(both, X, Y)

    def test_a_credential_that_is_shown_anyway_counts_for_all_it_fits(self) -> None:
        wanted = [descriptor("a", of_type("X"), group=["A"]), descriptor("b", field("$.id"), group=["A"])]
        parsed = definition(*wanted, submission_requirements=[{"rule": "pick", "count": 1, "from": "A"}])
        assert ids(match_wallet(parsed, [X])) == "ab"

    def test_what_is_chosen_is_what_the_verifier_chooses_from_it(self) -> None:
        # b's first fit is Y, which is not picked; once Y is gone, b fits X.
        wanted = [
            descriptor("a", of_type("X"), group=["A"]),
            descriptor("b", field("$.id"), group=["A"]),
            descriptor("c", of_type("Y"), field("$.nothing"), group=["A"]),
        ]
        parsed = definition(*wanted, submission_requirements=[{"rule": "pick", "count": 1, "from": "A"}])
        match = match_wallet(parsed, [Y, X])
        assert match.credentials == (X,)
        assert ids(match) == "ab"
        assert match_wallet(parsed, match.credentials).selected == match.selected


def test_paths_through_everything_count_for_all_they_visit() -> None:
    wild = [field(*[f"$[*][*][*].z{one}{two}" for two in range(16)], optional=True) for one in range(64)]
    deep = ld_credential("X", {"list": [{"a": "b"}] * 100})
    with pytest.raises(MalformedError, match="too much work"):
        match_wallet(definition(descriptor("a", *wild)), [deep])


def test_a_definition_cannot_make_us_work_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "MAX_STEPS", 1_000)
    wanted = field("$.credentialSubject.v", filter={"type": "string", "pattern": "a(?:b|c)*$"})
    with pytest.raises(MalformedError, match="too much work"):
        claims_of(wanted, ld_credential("X", {"v": "a" * 1_000}))


def test_a_thousand_credentials_are_looked_at_only_where_their_type_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[SignedCredential] = []
    view = SignedCredential.evaluation_view

    def watched(self: SignedCredential) -> Mapping[str, Any]:
        looked.append(self)
        return view(self)

    monkeypatch.setattr(SignedCredential, "evaluation_view", watched)
    wallet = [ld_credential(f"T{number % 100}", {}, identifier=str(number)) for number in range(1_000)]
    wanted = [
        descriptor(
            str(number), field("$.id", filter={"type": "string", "const": str(900 + number)}), of_type(f"T{number}")
        )
        for number in range(5)
    ]
    match = match_wallet(definition(*wanted), wallet)
    assert [each.id for each in match.credentials] == [str(900 + number) for number in range(5)]
    assert len(looked) <= 5 * 10  # each once, however often it was asked about


@pytest.mark.parametrize("credential", [jwt_credential("X", GOUWE), ld_credential("X", GOUWE)])
def test_the_quick_way_to_a_member_leads_to_what_the_view_has(credential: SignedCredential) -> None:
    view = credential.evaluation_view()
    for name in [*view, "nothing"]:
        assert candidates.quick_member(credential, name) in (view.get(name), ABSENT)
    found = {
        candidates.quick_member(credential, name) is not ABSENT for name in ("type", "issuer", "credentialSubject")
    }
    assert found == {credential.jws is not None}


def test_the_error_about_a_large_wallet_holds_some_of_the_reasons() -> None:
    wallet = [ld_credential("X", {}, identifier=str(number)) for number in range(400)]
    with pytest.raises(NoMatch) as refused:
        match_wallet(definition(descriptor("a", of_type("Y"))), wallet)
    assert len(refused.value.explanations) == 256


def test_a_refusal_stays_one_when_explaining_it_would_take_too_much_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "MAX_STEPS", 1_000)  # a path of two steps costs 400
    wanted = descriptor("a", of_type("Y"), field("$.credentialSubject.v"))
    wallet = [ld_credential("X", {}, identifier=str(number)) for number in range(9)]
    with pytest.raises(NoMatch) as refused:
        match_wallet(definition(wanted), wallet)
    assert 0 < len(refused.value.explanations) < 9


KINDS = "XYZ"


@st.composite
def _definitions(draw: st.DrawFn) -> Any:
    wanted = [
        descriptor(str(index), *([of_type(kind)] if kind else []), group=[draw(st.sampled_from("AB"))])
        for index, kind in enumerate(draw(st.lists(st.sampled_from(["", *KINDS]), min_size=1, max_size=4)))
    ]
    groups = sorted({each["group"][0] for each in wanted})
    rules: list[dict[str, Any]] = [{"rule": "all"}, {"rule": "pick", "count": 1}, {"rule": "pick", "min": 1, "max": 2}]
    requirements = [{**draw(st.sampled_from(rules)), "from": group} for group in groups]
    return definition(*wanted, **({"submission_requirements": requirements} if draw(st.booleans()) else {}))


@given(_definitions(), st.lists(st.sampled_from(KINDS), max_size=5))
def test_holder_and_verifier_come_to_the_same_choice(parsed: Any, wallet: str) -> None:
    credentials = [ld_credential(kind, {}, identifier=str(index)) for index, kind in enumerate(wallet)]
    try:
        match = match_wallet(parsed, credentials)
    except NoMatch:
        return
    again = match_wallet(parsed, [SignedCredential.parse(each.raw) for each in match.credentials])
    assert [(name, each.id) for name, each in again.selected] == [(name, each.id) for name, each in match.selected]
    assert len(again.credentials) == len(match.credentials)
