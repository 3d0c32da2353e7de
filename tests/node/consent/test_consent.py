"""Reading FHIR Consents: what we understand, and that the rest is refused by name."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fhir.resources.R4B.consent import Consent as FhirConsent
from hypothesis import given, settings
from hypothesis import strategies as st

from credentials.errors import MalformedError
from node.consent.consent import Consent
from tests.node.consent.setting import BSN, a_consent, a_kind, a_provision, an_organisation


def test_the_shapes_that_we_take_are_valid_fhir() -> None:
    resource = a_consent(
        a_provision(
            "permit", actors=[an_organisation("90000102"), a_kind("V6")], codes=["GGC002"], period={"start": "2026-01-01"},
            provision=[a_provision("deny", codes=["GGC013"])],
        )
    )  # fmt: skip
    FhirConsent.model_validate(resource)
    consent = Consent.parse(resource)
    base, nested = consent.rules
    assert (base.permit, base.organisations, base.facility_types) == (True, frozenset({"90000102"}), frozenset({"V6"}))
    assert (base.categories, base.start) == (frozenset({"GGC002"}), datetime(2026, 1, 1, tzinfo=UTC))
    assert (nested.permit, nested.organisations, nested.categories) == (
        False,
        frozenset({"90000102"}),
        frozenset({"GGC013"}),
    )
    assert nested.start == base.start
    assert consent.is_active


def test_no_actor_is_everyone_and_no_code_is_all_data() -> None:
    (rule,) = Consent.parse(a_consent(a_provision("deny"))).rules
    assert rule.is_for_everyone
    assert rule.categories == frozenset()
    assert rule.is_current(datetime(1, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("status", ["draft", "proposed", "rejected", "inactive", "entered-in-error"])
def test_only_an_active_consent_has_effect(status: str) -> None:
    assert not Consent.parse(a_consent(a_provision("permit"), status=status)).is_active


@pytest.mark.parametrize(
    ("end", "last"),
    [
        ("2026", "2026-12-31T23:59:59.999999+00:00"),
        ("2026-02", "2026-02-28T23:59:59.999999+00:00"),
        ("2026-12", "2026-12-31T23:59:59.999999+00:00"),
        ("2026-11-22", "2026-11-22T23:59:59.999999+00:00"),
        ("2026-11-22T12:00:00+01:00", "2026-11-22T11:00:00+00:00"),
    ],
)
def test_the_end_of_a_period_is_included(end: str, last: str) -> None:
    (rule,) = Consent.parse(a_consent(a_provision("permit", period={"end": end}))).rules
    moment = datetime.fromisoformat(last)
    assert rule.is_current(moment)
    assert not rule.is_current(moment + timedelta(microseconds=1))


def test_a_nested_period_lies_within_that_of_its_parent() -> None:
    nested = a_provision("deny", codes=["GGC013"], period={"start": "2025", "end": "2030"})
    outer = a_provision("permit", period={"start": "2026", "end": "2027"}, provision=[nested])
    _, rule = Consent.parse(a_consent(outer)).rules
    assert (rule.start, rule.end) == (datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))


def changed(**members: Any) -> dict[str, Any]:
    resource = a_consent(a_provision("permit")) | members
    return {name: value for name, value in resource.items() if value is not None}


@pytest.mark.parametrize(
    ("resource", "named"),
    [
        ([], "Consent"),
        (changed(resourceType="Patient"), "resourceType"),
        (changed(id="a/b"), "Consent.id"),
        (changed(patient=None), "Consent.patient"),
        (changed(patient={"reference": "Patient/1"}), "Consent.patient.identifier"),
        (changed(patient={"identifier": {"system": "x", "value": BSN}}), "Consent.patient.identifier.system"),
        (
            changed(patient={"identifier": {"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "1"}}),
            "identifier.value",
        ),
        (changed(status="bogus"), "Consent.status"),
        (changed(status=None), "status"),
        (changed(scope=None), "Consent.scope"),
        (changed(category=[]), "Consent.category"),
        (changed(provision=None), "Consent.provision"),
        (changed(modifierExtension=[{}]), "Consent.modifierExtension"),
        (changed(implicitRules="x"), "Consent.implicitRules"),
        (changed(organization=[{"display": "x"}]), "Consent.organization[0].identifier"),
        (changed(provision={"type": "maybe"}), "Consent.provision.type"),
        (changed(provision={}), "Consent.provision: type"),
        (changed(provision=a_provision("permit", purpose=[{"code": "TREAT"}])), "Consent.provision.purpose"),
        (changed(provision=a_provision("permit", dataPeriod={})), "Consent.provision.dataPeriod"),
        (changed(provision=a_provision("permit", codes=["GGC999"])), "Consent.provision.code[0]"),
        (changed(provision=a_provision("permit", actors=[{"role": {"text": "x"}}])), "Consent.provision.actor[0]"),
        (
            changed(provision=a_provision("permit", actors=[an_organisation("1")])),
            "actor[0].reference.identifier.value",
        ),
        (changed(provision=a_provision("permit", actors=[a_kind("v6")])), "actor[0].role.coding[0].code"),
        (
            changed(provision=a_provision("permit", action=[{"coding": [{"code": "correct"}]}])),
            "Consent.provision.action",
        ),
        (changed(provision=a_provision("permit", period={"start": "x"})), "Consent.provision.period.start"),
        (
            changed(provision=a_provision("permit", period={"end": "2026-11-22T12:00:00"})),
            "Consent.provision.period.end",
        ),
        (changed(provision=a_provision("permit", period={"start": "2027", "end": "2026"})), "Consent.provision.period"),
        (changed(provision=a_provision("permit", period={"end": "9999"})), "Consent.provision.period.end"),
        (changed(provision=a_provision("permit", provision=[a_provision("deny")])), "Consent.provision.provision[0]"),
        (
            changed(
                provision=a_provision(
                    "permit", provision=[a_provision("deny", codes=["GGC013"], provision=[a_provision("permit")])]
                )
            ),
            "Consent.provision.provision[0].provision",
        ),
        (
            changed(provision=a_provision("permit", actors=[an_organisation("90000102")] * 201)),
            "Consent.provision.actor",
        ),
    ],
)
def test_what_we_do_not_understand_is_refused_by_name(resource: Any, named: str) -> None:
    with pytest.raises(MalformedError) as refused:
        Consent.parse(resource)
    assert named in str(refused.value)
    assert BSN not in str(refused.value)


LEAVES = st.sampled_from(["permit", "GGC002", "2026-02-30", "active"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["coding", "code", "system", "type", "actor"]), inner, max_size=3)
    ),
    max_leaves=8,
)
MEMBERS = ["id", "patient", "status", "scope", "category", "organization", "provision"]


PROVISION_MEMBERS = ["type", "actor", "code", "period", "action", "provision"]


@given(
    st.dictionaries(st.sampled_from(MEMBERS), ANYTHING, max_size=3),
    st.dictionaries(st.sampled_from(PROVISION_MEMBERS), ANYTHING, max_size=3),
)
@settings(max_examples=300, deadline=None)
def test_any_json_is_a_consent_or_malformed(members: dict[str, Any], provision: dict[str, Any]) -> None:
    resource = a_consent(a_provision("permit") | provision) | members
    try:
        consent = Consent.parse(json.loads(json.dumps(resource)))
    except MalformedError:
        return
    assert consent.rules
