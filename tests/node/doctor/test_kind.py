"""What kind of node it is, and which differences are told."""

import json
from typing import Any

import pytest

from node.doctor.differences import differences
from node.doctor.kind import Kind, kind_of
from node.version import VERSION

RELEASE = ("ES256", "EdDSA", "ES384", "ES512", "PS256", "PS384", "PS512")


def client(**members: Any) -> bytes:
    return json.dumps(members).encode()


@pytest.mark.parametrize(
    ("body", "algorithms", "kind"),
    [
        (client(software_id="hazel", software_version="0.1.0"), RELEASE, Kind(software="hazel", version="0.1.0")),
        (
            client(software_id="nuts-node-refimpl", software_version="v6.2.10"),
            RELEASE,
            Kind(software="nuts-node", version="v6.2.10", dialect="6.2"),
        ),
        (
            client(software_id="nuts-node-refimpl", software_version="unknown"),
            (*RELEASE, "RS256"),
            Kind(software="nuts-node", version="unknown", dialect="master"),
        ),
        (client(software_id="another"), RELEASE, Kind(software="other")),
        (client(software_id=7), RELEASE, Kind(software="other")),
        (client(software_id="hazel", software_version="<script>"), RELEASE, Kind(software="hazel")),
        (client(software_id="hazel", software_version="1" * 99), RELEASE, Kind(software="hazel")),
        (b"<html>", (), Kind(software="other")),
        (b"{" * 9_000, (), Kind(software="other")),
        (None, RELEASE, Kind(software="other")),
    ],
)
def test_a_node_is_known_by_what_it_publishes(body: bytes | None, algorithms: tuple[str, ...], kind: Kind) -> None:
    assert kind_of(body, algorithms) == kind
    assert kind.sentence


def test_each_kind_has_its_differences_and_our_own_version_none() -> None:
    assert differences(Kind(software="hazel", version=VERSION)) == ()
    assert [each.topic for each in differences(Kind(software="hazel", version="9.9"))] == ["version"]
    release = {each.topic for each in differences(Kind(software="nuts-node", dialect="6.2"))}
    master = {each.topic for each in differences(Kind(software="nuts-node", dialect="master"))}
    assert {"clock", "certificates", "scopes"} <= release - master
    assert "revoked credentials" in release & master
    assert differences(Kind(software="other"))
