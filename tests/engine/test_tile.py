"""Tiles and bundles lie and read as C2SP tlog-tiles says, and lead to the same roots and proofs as the leaves."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rongtong.engine.merkle import SHA256, SM3, Hash, tree_root
from rongtong.engine.proof import Levels
from rongtong.engine.tile import WIDTH, Edge, TileRefused, TileTree, bundle, index_path, shape, tile_path

LEAVES = [SHA256.leaf(n.to_bytes(3, "big")) for n in range(70_000)]


def store(leaves: list[bytes], stops: list[int], by: Hash = SHA256) -> tuple[dict[str, bytes], Edge]:
    """The files of a log that was published at each stop, its edge read back from them each time."""
    files: dict[str, bytes] = {}
    size = 0
    edge = Edge(by)
    for stop in stops:
        edge = Edge.read(size, files.__getitem__, by)
        for leaf in leaves[size:stop]:
            files.update((tile.path, tile.content) for tile in edge.append(leaf))
        files.update((tile.path, tile.content) for tile in edge.partials())
        size = stop
    return files, edge


@pytest.mark.parametrize(
    ("index", "path"),
    # The first is the example of C2SP tlog-tiles.
    [(1234067, "x001/x234/067"), (0, "000"), (999, "999"), (1000, "x001/000"), (1_000_000, "x001/x000/000")],
)
def test_an_index_is_a_path_of_three_digits_a_step(index: int, path: str) -> None:
    assert index_path(index) == path


def test_a_partial_tile_says_its_width_and_a_full_one_does_not() -> None:
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path(2, 0, 1) == "tile/2/000.p/1"
    assert tile_path("entries", 273, 112) == "tile/entries/273.p/112"


def test_the_tiles_of_70_000_leaves_are_those_of_the_example() -> None:
    """C2SP tlog-tiles, "Partial Tiles": 273 full and one of 112 on level 0, one full and one of 17 on 1, one of 1 on 2."""
    full = [(0, n, WIDTH) for n in range(273)]
    assert list(shape(70_000)) == [*full, (0, 273, 112), (1, 0, WIDTH), (1, 1, 17), (2, 0, 1)]
    assert list(shape(256)) == [(0, 0, WIDTH), (1, 0, 1)]
    assert list(shape(0)) == []
    files, edge = store(LEAVES, [70_000])
    assert set(files) == {tile_path(*each) for each in shape(70_000)}
    assert {len(content) for path, content in files.items() if ".p" not in path} == {8192}
    assert edge.frontier().root() == tree_root(LEAVES)
    tree = TileTree(70_000, files.__getitem__)
    levels = Levels(LEAVES)
    assert tree.root() == tree_root(LEAVES)
    for index in (0, 255, 256, 65_535, 65_536, 69_999):
        assert tree.inclusion(index) == TileTree(70_000, files.__getitem__).inclusion(index)
    for height, index in ((0, 69_999), (8, 272), (9, 135), (16, 0), (12, 16)):
        assert tree.subtree(height, index) == levels.subtree(height, index)


@given(st.lists(st.integers(0, 300), min_size=1, max_size=4), st.sampled_from([SHA256, SM3]))
@settings(max_examples=40, deadline=None)
def test_however_often_it_is_published_the_files_lead_to_the_same_tree(stops: list[int], by: Hash) -> None:
    leaves = LEAVES[: max(stops)]
    files, edge = store(leaves, sorted(stops), by)
    assert edge.frontier().root() == tree_root(leaves, by)
    levels = Levels(leaves, by)
    for stop in stops:
        tree = TileTree(stop, lambda path: files.get(path, files.get(path.partition(".p")[0], b"")), by)
        if all(tile_path(*each) in files for each in shape(stop)):
            assert tree.root() == tree_root(leaves[:stop], by)
            for index in {0, stop // 2, stop - 1} - {-1, stop}:
                assert tree.inclusion(index) == TileTree(stop, files.__getitem__, by).inclusion(index)
    whole = TileTree(len(leaves), files.__getitem__, by)
    for height, row in enumerate(levels.heights):
        for index, each in enumerate(row[:3]):
            assert whole.subtree(height, index) == each


@given(st.lists(st.binary(max_size=70), max_size=5))
def test_entries_lie_in_a_bundle_each_after_its_length(entries: list[bytes]) -> None:
    content, read = bundle(entries), []
    while content:
        length = int.from_bytes(content[:2], "big")
        read.append(content[2 : 2 + length])
        content = content[2 + length :]
    assert read == entries


def test_an_entry_too_long_for_two_bytes_is_refused() -> None:
    assert len(bundle([b"x" * 65_535])) == 65_537
    with pytest.raises(ValueError, match="65535"):
        bundle([b"x" * 65_536])


def test_a_tile_that_is_not_as_wide_as_its_name_is_refused() -> None:
    files, _ = store(LEAVES, [300])
    files["tile/0/001.p/44"] += b"\0" * 32
    with pytest.raises(TileRefused, match=r"tile/0/001\.p/44: 应有 44 个哈希"):
        Edge.read(300, files.__getitem__)
    with pytest.raises(TileRefused):
        TileTree(300, files.__getitem__).root()
