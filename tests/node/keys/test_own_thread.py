"""One thread for what may block: nobody waits for ever, and nobody waits twice."""

import threading

import pytest

from node.keys.errors import VaultAwayError
from node.keys.own_thread import OwnThread


def away() -> VaultAwayError:
    return VaultAwayError("away")


async def test_calls_are_made_one_after_the_other_in_one_thread() -> None:
    thread = OwnThread("t", away)
    names = {await thread.run(lambda: threading.current_thread().name) for _ in range(3)}
    names.add(thread.call(lambda: threading.current_thread().name))
    assert names == {"t"}
    ended = threading.Event()
    thread.stop(ended.set)
    thread._thread.join(5)
    assert ended.is_set()


async def test_what_is_raised_comes_back() -> None:
    thread = OwnThread("t", away)

    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await thread.run(broken)
    with pytest.raises(ZeroDivisionError):
        thread.call(broken)
    thread.stop(lambda: None)


async def test_a_call_that_hangs_is_given_up_and_the_next_is_told_at_once() -> None:
    thread = OwnThread("t", away, seconds=0.01)
    hangs, ended = threading.Event(), threading.Event()
    with pytest.raises(VaultAwayError):
        await thread.run(hangs.wait)
    with pytest.raises(VaultAwayError):
        thread.call(lambda: pytest.fail("never reached"))
    with pytest.raises(VaultAwayError):
        await thread.run(lambda: pytest.fail("never reached"))
    assert thread._calls.empty()
    hangs.set()
    thread.stop(ended.set)
    assert ended.wait(5)


async def test_a_call_that_waited_behind_one_that_hangs_is_never_made() -> None:
    thread = OwnThread("t", away, seconds=0.01)
    hangs, ended, made = threading.Event(), threading.Event(), threading.Event()
    waiting = thread._submit(hangs.wait)
    with pytest.raises(VaultAwayError):
        thread.call(made.set)
    hangs.set()
    assert waiting.result(5)
    thread.stop(ended.set)
    assert ended.wait(5)
    assert not made.is_set()
