"""Tiles: the paths and widths of the specification's own examples, and proofs worked out from tiles alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import MalformedError
from registry.transparency.merkle import Frontier, consistency_ranges, frontier_nodes, is_consistent, perfect_nodes
from registry.transparency.tiles import (
    Tile,
    TileHashes,
    bundle_to_wire,
    bundles,
    parse_bundle,
    parse_tile,
    tiles_for,
    width_of,
)
from tests.registry.transparency.test_merkle import hashes_of


@pytest.mark.spec("tlog-tiles, Merkle Tree")
def test_paths_are_those_of_the_specification() -> None:
    assert Tile(0, 1_234_067).path == "0/x001/x234/067"
    assert Tile(2, 0, 1).path == "2/000.p/1"
    assert Tile(None, 273, 112).path == "entries/273.p/112"
    for path in ("0/x001/x234/067", "2/000.p/1", "entries/273.p/112"):
        assert Tile.from_path(path).path == path


@pytest.mark.parametrize(
    "path",
    ["", "0/0", "0/67", "00/067", "0/x000/067", "7/000", "0/000.p/0", "0/000.p/256", "0/000.p/01", "0/../000",
     "entries/x001", "data/000", "0/000\n", "0/\u0660\u0660\u0660", "0/" + "x000/" * 20 + "000"],
)  # fmt: skip
def test_other_paths_are_none(path: str) -> None:
    with pytest.raises(MalformedError):
        Tile.from_path(path)


@pytest.mark.spec("tlog-tiles, Partial Tiles")
def test_a_tree_of_seventy_thousand_has_the_tiles_of_the_specification() -> None:
    size = 70_000
    assert [width_of(0, index, size) for index in (0, 272, 273, 274)] == [256, 256, 112, 0]
    assert [width_of(1, index, size) for index in (0, 1, 2)] == [256, 17, 0]
    assert [width_of(2, index, size) for index in (0, 1)] == [1, 0]
    assert (width_of(0, 0, 256), width_of(1, 0, 256)) == (256, 1)


def tiles_of(hashes: list[bytes], size: int) -> dict[Tile, tuple[bytes, ...]]:
    """All tiles of a tree, from its leaf hashes."""
    found: dict[Tile, tuple[bytes, ...]] = {}
    level, row = 0, hashes[:size]
    while row:
        for index in range(-(-len(row) // 256)):
            part = tuple(row[index * 256 : index * 256 + 256])
            found[Tile(level, index, len(part))] = part
        row = [Frontier().push(row[at : at + 256]).root for at in range(0, len(row) - 255, 256)]
        level += 1
    return found


def test_proofs_and_frontiers_follow_from_a_few_tiles() -> None:
    hashes = hashes_of(70_000)
    for first, second in ((1, 70_000), (256, 69_999), (65_536, 70_000), (65_537, 65_792), (300, 301), (513, 513)):
        all_tiles = tiles_of(hashes, second)
        ranges = consistency_ranges(first, second)
        nodes = [node for start, end in ranges for node in perfect_nodes(start, end)]
        needed = tiles_for([*nodes, *frontier_nodes(first)], second)
        assert len(needed) <= 6
        tiles = TileHashes(size=second, tiles={tile: all_tiles[tile] for tile in needed})
        proof = [tiles.range(perfect_nodes(start, end)) for start, end in ranges]
        old = Frontier(size=first, nodes=tuple(tiles.node(each) for each in frontier_nodes(first)))
        new = Frontier().push(hashes[:second])
        assert old == Frontier().push(hashes[:first])
        assert is_consistent(first, old.root, second, new.root, proof)


def test_bundles_cover_the_leaves_asked_for() -> None:
    assert bundles(0, 0) == ()
    assert bundles(10, 256) == (Tile(None, 0),)
    assert bundles(255, 600) == (Tile(None, 0), Tile(None, 1), Tile(None, 2, 88))


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_a_bundle_is_read_back(leaves: list[bytes]) -> None:
    tile = Tile(None, 0, len(leaves))
    assert parse_bundle(bundle_to_wire(leaves), tile) == tuple(leaves)


@given(st.binary(max_size=400), st.integers(1, 256))
def test_any_bytes_are_a_bundle_or_malformed(body: bytes, width: int) -> None:
    try:
        leaves = parse_bundle(body, Tile(None, 0, width))
    except MalformedError:
        return
    assert bundle_to_wire(leaves) == body


def test_a_bundle_that_is_cut_or_too_long_is_refused() -> None:
    body = bundle_to_wire([b"one", b"two"])
    for wrong, width in ((body[:-1], 2), (body, 1), (body, 3), (b"\xff\xff" + bytes(65_535), 1)):
        with pytest.raises(MalformedError):
            parse_bundle(wrong, Tile(None, 0, width))


def test_a_tile_is_as_long_as_its_name_says() -> None:
    assert parse_tile(bytes(64), Tile(0, 0, 2)) == (bytes(32), bytes(32))
    with pytest.raises(MalformedError):
        parse_tile(bytes(65), Tile(0, 0, 2))
