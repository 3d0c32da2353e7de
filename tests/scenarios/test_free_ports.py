"""A busy port is found out and avoided."""

import socket

import pytest

from examples.region.free_ports import STEP, FreePorts

pytestmark = pytest.mark.scenario


def a_listener() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


def test_a_port_where_somebody_listens_is_avoided() -> None:
    ports = FreePorts()
    with a_listener() as listener:
        busy = listener.getsockname()[1]
        assert ports.take(busy) != busy
    ports.release()


def test_two_regions_that_start_together_take_different_ports() -> None:
    with a_listener() as listener:
        wanted = listener.getsockname()[1]
    one, other, third = FreePorts(), FreePorts(), FreePorts()
    first, second = one.take(wanted), other.take(wanted)
    assert first != second
    assert second in {wanted, wanted + STEP} or second > 1_024
    one.release()
    assert third.take(first) == first
    other.release()
    third.release()
