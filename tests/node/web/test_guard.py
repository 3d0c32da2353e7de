"""Where connections may go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.web.guard import address_allowed, is_loopback_name


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2a00:1450:400e::1"])
def test_public_addresses_may_be_dialled(address: str) -> None:
    assert address_allowed(address, loopback=False)


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "168.63.129.16", "::1", "fe80::1", "fc00::1", "2001:db8::1", "2002:7f00:1::", "::ffff:10.0.0.1",
        "::ffff:169.254.169.254", "64:ff9b::7f00:1", "not an address", "", "2001:4860::1%lo", "2001:4860::1%1", "fe80::1%eth0",
        "::ffff:8.8.8.8%lo", "::ffff:127.0.0.1%lo", "8.8.8.8%lo",
    ],
)  # fmt: skip
@pytest.mark.parametrize("loopback", [False, True])
def test_private_and_special_addresses_are_never_dialled(address: str, loopback: bool) -> None:
    assert not address_allowed(address, loopback=loopback)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::ffff:127.0.0.1"])
def test_loopback_is_dialled_only_where_the_unsafe_setting_says_so(address: str) -> None:
    assert address_allowed(address, loopback=True)
    assert not address_allowed(address, loopback=False)


@given(st.text(max_size=60))
def test_any_text_is_an_answer_not_a_crash(text: str) -> None:
    assert address_allowed(text, loopback=True) in (True, False)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("gouwe.localhost", True),
        ("a.b.LOCALHOST.", True),
        ("localhost.example", False),
        ("notlocalhost", False),
    ],
)
def test_names_under_localhost_are_this_machine(host: str, expected: bool) -> None:
    assert is_loopback_name(host) is expected
