from hypothesis import given
from hypothesis import strategies as st

from registry.log import MAX_SERVED_PAGE_BYTES, LogSlice, cut_page


def a_slice(*sizes: int, complete: bool = True, last: int = 99) -> LogSlice:
    entries = tuple((number, "x" * size) for number, size in enumerate(sizes, 1))
    return LogSlice(seed="s", last=last, entries=entries, complete=complete)


def test_a_log_that_fits_is_one_page_up_to_its_counter() -> None:
    page = cut_page(a_slice(10, 20))
    assert (page.timestamp, len(page.entries)) == (99, 2)
    assert cut_page(LogSlice(seed="", last=0, entries=(), complete=True)).to_wire() == (
        b'{"entries":{},"seed":"","timestamp":0}'
    )


def test_a_longer_log_is_cut_at_its_last_entry_served() -> None:
    page = cut_page(a_slice(400_000, 400_000, 400_000))
    assert (page.timestamp, len(page.entries)) == (2, 2)
    page = cut_page(a_slice(10, 10, complete=False))
    assert (page.timestamp, len(page.entries)) == (2, 2)


def test_a_page_never_stands_still() -> None:
    page = cut_page(a_slice(2_000_000, 10))
    assert (page.timestamp, len(page.entries)) == (1, 1)


@given(st.lists(st.integers(min_value=1, max_value=65_536), max_size=40), st.booleans())
def test_every_page_can_be_read_by_a_nuts_node(sizes: list[int], complete: bool) -> None:
    part = a_slice(*sizes, complete=complete or not sizes)
    page = cut_page(part)
    assert len(page.to_wire()) <= MAX_SERVED_PAGE_BYTES
    assert page.entries == part.entries[: len(page.entries)]
    assert bool(page.entries) == bool(sizes)
