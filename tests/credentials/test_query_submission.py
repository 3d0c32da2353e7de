import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import MalformedError, UntrustedError
from credentials.query import NoMatch, PresentationSubmission, build_submission, fulfil, match_wallet
from credentials.query.submission import MAX_SUBMISSION_BYTES
from credentials.vc.presentation import VerifiedPresentation
from tests.support.query import definition, descriptor, field, jwt_credential, ld_credential, of_type, presentation

ORGANIZATION = jwt_credential("NutsOrganizationCredential", {"name": "De Gouwe"})
EMPLOYEE = ld_credential("NutsEmployeeCredential", {"identifier": "U-1001"})
ASKED = definition(
    descriptor("id_org", of_type("NutsOrganizationCredential"), field("$.credentialSubject[0].name", id="name")),
    descriptor("id_employee", of_type("NutsEmployeeCredential")),
)
ONE = definition(descriptor("id_org", of_type("NutsOrganizationCredential")))


def submission(*lines: tuple[str, str, str], definition_id: str = "pd", **rest: Any) -> PresentationSubmission:
    descriptors = [{"id": name, "format": form, "path": path, **rest} for name, form, path in lines]
    return PresentationSubmission.parse(
        json.dumps({"id": "s", "definition_id": definition_id, "descriptor_map": descriptors})
    )


BOTH = submission(
    ("id_org", "jwt_vc", "$.verifiableCredential[0]"), ("id_employee", "ldp_vc", "$.verifiableCredential[1]")
)


@pytest.mark.spec("WIRE §2.5.3")
def test_a_submission_is_written_as_recorded() -> None:
    match = match_wallet(ASKED, [ORGANIZATION, EMPLOYEE])
    assert build_submission(ASKED, match, submission_id="1b70") == {
        "id": "1b70",
        "definition_id": "pd",
        "descriptor_map": [
            {"format": "jwt_vc", "id": "id_org", "path": "$.verifiableCredential[0]"},
            {"format": "ldp_vc", "id": "id_employee", "path": "$.verifiableCredential[1]"},
        ],
    }


@pytest.mark.spec("WIRE §0")
def test_the_path_of_a_single_credential_fits_the_shape_that_is_sent() -> None:
    match = match_wallet(ONE, [EMPLOYEE, ORGANIZATION])
    path = {
        shape: build_submission(ONE, match, shape, submission_id="x")["descriptor_map"][0]["path"]
        for shape in ("array", "collapsed")
    }
    assert path == {"array": "$.verifiableCredential[0]", "collapsed": "$.verifiableCredential"}
    both = build_submission(ASKED, match_wallet(ASKED, [ORGANIZATION, EMPLOYEE]), "collapsed", submission_id="x")
    assert both["descriptor_map"][1]["path"] == "$.verifiableCredential[1]"


@pytest.mark.spec("WIRE §0")
@pytest.mark.parametrize("collapsed", [True, False])
@pytest.mark.parametrize("path", ["$.verifiableCredential", "$.verifiableCredential[0]"])
def test_a_single_credential_is_found_in_both_dialects(path: str, *, collapsed: bool) -> None:
    sent = presentation([ORGANIZATION], collapsed=collapsed)
    assert fulfil(ONE, submission(("id_org", "jwt_vc", path)), sent) == {}


def test_what_we_build_fulfils() -> None:
    match = match_wallet(ASKED, [ORGANIZATION, EMPLOYEE])
    built = build_submission(ASKED, match, submission_id="x")
    sent = presentation(match.credentials)
    claims = fulfil(ASKED, PresentationSubmission.parse(json.dumps(built)), sent, exact=True)
    assert claims == {"name": "De Gouwe"}
    assert fulfil(ASKED, None, VerifiedPresentation(presentation=sent, credentials=())) == claims


@pytest.mark.parametrize(
    "lines",
    [
        [{"id": "id_org", "format": "jwt_vc", "path": "$[1].verifiableCredential[0]"}],
        [
            {
                "id": "id_org",
                "format": "jwt_vp",
                "path": "$[1]",
                "path_nested": {"id": "id_org", "format": "jwt_vc", "path": "$.verifiableCredential[0]"},
            }
        ],
    ],
)
def test_a_presentation_in_an_array_is_found_by_its_position(lines: list[dict[str, Any]]) -> None:
    parsed = PresentationSubmission.parse(json.dumps({"id": "s", "definition_id": "pd", "descriptor_map": lines}))
    assert fulfil(ONE, parsed, presentation([ORGANIZATION]), position=1) == {}
    for position in (None, 0):
        with pytest.raises(MalformedError, match="another presentation"):
            fulfil(ONE, parsed, presentation([ORGANIZATION]), position=position)


@pytest.mark.parametrize("collapsed", [True, False])
def test_what_we_build_for_one_of_several_presentations_fulfils_there_only(*, collapsed: bool) -> None:
    match = match_wallet(ONE, [ORGANIZATION])
    built = build_submission(ONE, match, "collapsed" if collapsed else "array", submission_id="x", position=1)
    assert built["descriptor_map"][0]["path"] == f"$[1].verifiableCredential{'' if collapsed else '[0]'}"
    parsed = PresentationSubmission.parse(json.dumps(built))
    assert fulfil(ONE, parsed, presentation(match.credentials, collapsed=collapsed), position=1) == {}
    with pytest.raises(MalformedError, match="another presentation"):
        fulfil(ONE, parsed, presentation(match.credentials, collapsed=collapsed))


def test_surplus_is_tolerated_unless_it_is_not() -> None:
    sent = presentation([ORGANIZATION, EMPLOYEE])
    parsed = submission(("id_org", "jwt_vc", "$.verifiableCredential[0]"))
    assert fulfil(ONE, parsed, sent) == {}
    with pytest.raises(UntrustedError, match="does not ask for"):
        fulfil(ONE, parsed, sent, exact=True)


OTHER = jwt_credential("NutsOrganizationCredential", {"name": "De Wending"}, identifier="7")


@pytest.mark.parametrize(
    ("parsed", "credentials", "error", "reason"),
    [
        (submission(definition_id="other"), [ORGANIZATION], UntrustedError, "another definition"),
        (BOTH, [ORGANIZATION], NoMatch, "id_employee"),
        (
            submission(("id_org", "jwt_vc", "$.verifiableCredential[0]")),
            [ORGANIZATION, EMPLOYEE],
            UntrustedError,
            "other input descriptors",
        ),
        (
            submission(
                ("id_org", "jwt_vc", "$.verifiableCredential[1]"),
                ("id_employee", "ldp_vc", "$.verifiableCredential[2]"),
            ),
            [ORGANIZATION, OTHER, EMPLOYEE],
            UntrustedError,
            "than the first that fits",
        ),
        (
            submission(
                ("id_org", "ldp_vc", "$.verifiableCredential[0]"),
                ("id_employee", "ldp_vc", "$.verifiableCredential[1]"),
            ),
            [ORGANIZATION, EMPLOYEE],
            UntrustedError,
            "than the first that fits",
        ),
        (
            submission(
                ("id_org", "jwt_vc", "$.verifiableCredential[9]"),
                ("id_employee", "ldp_vc", "$.verifiableCredential[1]"),
            ),
            [ORGANIZATION, EMPLOYEE],
            MalformedError,
            "points to no credential",
        ),
        (
            submission(
                ("id_org", "jwt_vc", "$.verifiableCredential"), ("id_employee", "ldp_vc", "$.verifiableCredential[1]")
            ),
            [ORGANIZATION, EMPLOYEE],
            MalformedError,
            "points to no credential",
        ),
    ],
)
def test_a_submission_that_is_not_our_own_choice_is_refused(
    parsed: PresentationSubmission, credentials: list[Any], error: type[Exception], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        fulfil(ASKED, parsed, presentation(credentials))


LINE: dict[str, Any] = {"id": "a", "format": "jwt_vc", "path": "$.verifiableCredential"}
NESTED = {**LINE, "path": "$", "path_nested": LINE}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"extra": 1}, "not known"),
        ({"id": None}, "id is not"),
        ({"id": "x" * 257}, "longer"),
        ({"descriptor_map": {}}, "not an array"),
        ({"descriptor_map": [LINE] * 33}, "more than 32"),
        ({"descriptor_map": [LINE, LINE]}, "twice"),
        ({"descriptor_map": [{**LINE, "extra": 1}]}, "not known"),
        ({"descriptor_map": [{**LINE, "path": "$.vp"}]}, "does not point to a credential"),
        ({"descriptor_map": [{**LINE, "path": "$.verifiableCredential[*]"}]}, "does not point to a credential"),
        ({"descriptor_map": [{**LINE, "path": "$.verifiableCredential[1000]"}]}, "does not point to a credential"),
        ({"descriptor_map": [{**LINE, "format": 1}]}, "format"),
        ({"descriptor_map": [{**LINE, "path_nested": {**LINE, "path": "x"}}]}, "below this one"),
        ({"descriptor_map": [{**LINE, "path_nested": {**LINE, "id": "b"}}]}, "below this one"),
        ({"descriptor_map": [{**LINE, "path_nested": {**LINE, "x": 1}}]}, "not known"),
        (
            {"descriptor_map": [{**NESTED, "path_nested": {**NESTED, "path_nested": NESTED}}]},
            "too deep",
        ),
    ],
)
def test_what_is_no_submission_is_malformed(changes: dict[str, Any], reason: str) -> None:
    wire = {"id": "s", "definition_id": "pd", "descriptor_map": [LINE], **changes}
    with pytest.raises(MalformedError, match=reason):
        PresentationSubmission.parse(json.dumps(wire))


def test_a_large_submission_is_refused_unread() -> None:
    with pytest.raises(MalformedError, match="larger"):
        PresentationSubmission.parse(b" " * (MAX_SUBMISSION_BYTES + 1))


@given(
    st.binary(max_size=100)
    | st.builds(
        lambda path, nested: json.dumps(
            {"id": "s", "definition_id": "pd", "descriptor_map": [{**LINE, "path": path, "path_nested": nested}]}
        ).encode(),
        st.text(max_size=10) | st.sampled_from(["$", "$[0]", "$.verifiableCredential"]),
        st.sampled_from([None, {}, LINE, NESTED, [], "x"]),
    )
)
def test_any_bytes_give_a_submission_or_are_malformed(body: bytes) -> None:
    try:
        PresentationSubmission.parse(body)
    except MalformedError:
        return
