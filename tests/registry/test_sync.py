"""Following a log, one page at a time, and against a naive model of host and follower."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from registry.errors import PeerLogError
from registry.log import NO_SEED, LogSlice, cut_page
from registry.messages import ListPage
from registry.sync import Cursor, SyncStep, next_step


def a_page(*numbers: int, seed: str = "s", timestamp: int | None = None) -> ListPage:
    last = max(numbers, default=0) if timestamp is None else timestamp
    return ListPage(seed=seed, timestamp=last, entries=tuple((number, f"c{number}") for number in numbers))


def at(timestamp: int, seed: str = "s") -> Cursor:
    return Cursor(seed=seed, timestamp=timestamp)


def test_the_first_page_is_read_from_the_beginning_and_asks_for_more() -> None:
    assert next_step(None, a_page(1, 4)) == SyncStep(
        forget=False, entries=((1, "c1"), (4, "c4")), cursor=at(4), again=True
    )


def test_nothing_new_is_the_end_of_a_round() -> None:
    assert next_step(at(4), a_page(timestamp=4)) == SyncStep(forget=False, entries=(), cursor=at(4), again=False)
    assert next_step(at(4), a_page(timestamp=9)).cursor == at(9)  # expired entries leave gaps


@pytest.mark.spec("WIRE §2.10.1")
def test_a_log_without_a_seed_has_never_had_an_entry() -> None:
    empty = ListPage(seed=NO_SEED, timestamp=0, entries=())
    step = next_step(None, empty)
    assert (step.cursor, step.again) == (at(0, NO_SEED), False)
    assert next_step(step.cursor, empty).forget is False
    started = next_step(step.cursor, a_page(1))
    assert (started.forget, started.entries) == (False, ((1, "c1"),))


@pytest.mark.spec("WIRE §2.10.5")
@pytest.mark.parametrize("page", [a_page(7, seed="t"), a_page(seed="t", timestamp=0), a_page(seed=NO_SEED)])
def test_a_new_seed_forgets_everything_and_the_page_that_showed_it(page: ListPage) -> None:
    assert next_step(at(4), page) == SyncStep(forget=True, entries=(), cursor=None, again=True)


def test_a_new_seed_is_read_at_once_by_who_had_read_nothing() -> None:
    step = next_step(at(0), a_page(1, seed="t"))
    assert (step.forget, step.entries, step.cursor) == (True, ((1, "c1"),), at(1, "t"))


def test_a_log_that_went_back_is_wrong() -> None:
    with pytest.raises(PeerLogError, match="backwards"):
        next_step(at(4), a_page(timestamp=3))


def test_only_entries_between_here_and_the_pages_end_count() -> None:
    step = next_step(at(4), a_page(3, 4, 5, 6, 7, timestamp=6))
    assert (step.entries, step.cursor) == (((5, "c5"), (6, "c6")), at(6))


class Following(RuleBasedStateMachine):
    """A host whose log grows, loses entries and is lost, and a follower who asks now and then.

    The model is naive: after a round the follower has seen, of the log that is there now, every entry that did not leave before
    the follower came by, and nothing of logs that are gone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seeds = 0
        self.seed = NO_SEED
        self.last = 0
        self.log: dict[int, str] = {}
        self.cursor: Cursor | None = None
        self.replica: dict[int, str] = {}
        self.followed = True

    @rule(sizes=st.lists(st.sampled_from([10, 300_000, 600_000]), min_size=1, max_size=4))
    def grow(self, sizes: list[int]) -> None:
        if self.seed == NO_SEED:
            self.seeds += 1
            self.seed = f"seed {self.seeds}"
        for size in sizes:
            self.last += 1
            self.log[self.last] = f"{self.seed} {self.last} ".ljust(size, "x")
        self.followed = False

    @rule(which=st.integers(min_value=0))
    def leave(self, which: int) -> None:
        if self.log:
            del self.log[sorted(self.log)[which % len(self.log)]]
            self.followed = False

    @rule()
    def lose(self) -> None:
        self.seed, self.last, self.log = NO_SEED, 0, {}
        self.followed = False

    @rule(pages=st.integers(min_value=1, max_value=40))
    def follow(self, pages: int) -> None:
        for _ in range(pages):
            after = 0 if self.cursor is None else self.cursor.timestamp
            entries = tuple((number, self.log[number]) for number in sorted(self.log) if number > after)[:3]
            complete = not entries or entries[-1][0] == max(self.log)
            page = cut_page(LogSlice(seed=self.seed, last=self.last, entries=entries, complete=complete))
            step = next_step(self.cursor, ListPage.parse(page.to_wire()))
            if step.forget:
                self.replica.clear()
            self.replica.update(step.entries)
            self.cursor = step.cursor
            if not step.again:
                self.followed = True
                return

    @invariant()
    def nothing_of_the_present_log_is_missed(self) -> None:
        if self.followed:
            assert self.log.items() <= self.replica.items()

    @invariant()
    def nothing_of_a_lost_log_is_kept(self) -> None:
        if self.followed:
            assert all(compact.startswith(self.seed) for compact in self.replica.values()) or not self.replica


Following.TestCase.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
TestFollowing = Following.TestCase
