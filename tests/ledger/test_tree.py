"""The tree against a plain recursive one (RFC 6962, section 2.1), and the verifier against both."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.errors import VerificationError
from brightline.ledger.hashing import EMPTY_ROOT, leaf_hash, node_hash
from brightline.ledger.tiles import Edge, Tree, tile_name
from brightline.ledger.verify.proof import check_consistency, check_inclusion

ENTRIES = [f"entry {k}".encode() * (1 + k % 3) for k in range(1100)]
sizes = st.integers(0, len(ENTRIES)) | st.sampled_from([0, 1, 2, 255, 256, 257, 511, 512, 513])


def split(count: int) -> int:
    """The largest power of two smaller than `count`."""
    return 1 << (count - 1).bit_length() - 1


def root(entries: list[bytes]) -> bytes:
    if not entries:
        return EMPTY_ROOT
    if len(entries) == 1:
        return leaf_hash(entries[0])
    middle = split(len(entries))
    return node_hash(root(entries[:middle]), root(entries[middle:]))


def inclusion(index: int, entries: list[bytes]) -> list[bytes]:
    if len(entries) == 1:
        return []
    middle = split(len(entries))
    if index < middle:
        return [*inclusion(index, entries[:middle]), root(entries[middle:])]
    return [*inclusion(index - middle, entries[middle:]), root(entries[:middle])]


def consistency(old: int, entries: list[bytes], whole: bool = True) -> list[bytes]:
    if old == len(entries):
        return [] if whole else [root(entries)]
    middle = split(len(entries))
    if old <= middle:
        return [*consistency(old, entries[:middle], whole), root(entries[middle:])]
    return [*consistency(old - middle, entries[middle:], False), root(entries[:middle])]


def written(folder: Path, size: int) -> tuple[Tree, Edge]:
    """A tree as the writer lays it out."""
    edge = Edge()
    files = []
    for entry in ENTRIES[:size]:
        files += list(edge.add(entry))
    for name, data in [*files, *(found[1:] for found in edge.partial())]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return Tree(folder, size), edge


def test_the_oracle_knows_the_published_roots() -> None:
    # the reference tree of Certificate Transparency's implementations (RFC 6962 hashing)
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
    inputs.append("606162636465666768696a6b6c6d6e6f")
    leaves = [bytes.fromhex(text) for text in inputs]
    assert root(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert root(leaves[:1]).hex() == (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    )


@settings(deadline=None, max_examples=40)
@given(size=sizes, data=st.data())
def test_writer_oracle_and_verifier_agree(
    tmp_path_factory: pytest.TempPathFactory, size: int, data: st.DataObject
) -> None:
    tree, edge = written(tmp_path_factory.mktemp("tree"), size)
    entries = ENTRIES[:size]
    assert edge.root() == tree.edge().root() == tree.root(size) == root(entries)
    assert tree.edge() == edge
    old = data.draw(st.integers(0, size))
    assert tree.root(old) == root(entries[:old])
    growth = tree.consistency(old)
    if old > 0:
        assert growth == consistency(old, entries)
    check_consistency(old, root(entries[:old]), size, root(entries), growth)
    if size:
        index = data.draw(st.integers(0, size - 1))
        path = tree.inclusion(index)
        assert path == inclusion(index, entries)
        check_inclusion(leaf_hash(entries[index]), index, size, path, root(entries))


@settings(deadline=None, max_examples=150)
@given(data=st.data(), size=st.integers(1, 40))
def test_no_other_proof_is_accepted(data: st.DataObject, size: int) -> None:
    entries = ENTRIES[:size]
    index = data.draw(st.integers(0, size - 1))
    leaf, path, top = leaf_hash(entries[index]), inclusion(index, entries), root(entries)
    change = data.draw(st.sampled_from(["leaf", "index", "size", "drop", "add", "flip"]))
    size_, index_ = size, index
    if change == "leaf":
        leaf = leaf_hash(b"other")
    elif change == "index":
        index_ = data.draw(st.integers(-1, size + 2).filter(lambda k: k != index))
    elif change == "size":
        # another size may have the same path; then its root decides, and that is the signed one
        size_ = data.draw(st.integers(0, 2 * size).filter(lambda k: k != size))
        top = root(ENTRIES[:size_])
    elif change == "add":
        path = [*path, leaf]
    elif path and change == "drop":
        path = path[:-1]
    elif path:
        place = data.draw(st.integers(0, len(path) - 1))
        path = [*path[:place], leaf_hash(path[place]), *path[place + 1 :]]
    else:
        return
    with pytest.raises(VerificationError):
        check_inclusion(leaf, index_, size_, path, top)


@settings(deadline=None, max_examples=150)
@given(data=st.data(), size=st.integers(1, 40))
def test_no_rewritten_past_is_consistent(data: st.DataObject, size: int) -> None:
    entries = ENTRIES[:size]
    old = data.draw(st.integers(1, size))
    proof = consistency(old, entries)
    before, after = root(entries[:old]), root(entries)
    check_consistency(old, before, size, after, proof)
    with pytest.raises(VerificationError):
        check_consistency(old, leaf_hash(before), size, after, proof)
    with pytest.raises(VerificationError):
        check_consistency(old, before, size, leaf_hash(after), proof)
    with pytest.raises(VerificationError):
        check_consistency(old, before, size, after, [*proof, before])
    with pytest.raises(VerificationError):
        check_consistency(size + 1, before, size, after, proof)
    if proof:
        with pytest.raises(VerificationError):
            check_consistency(old, before, size, after, proof[:-1])
        place = data.draw(st.integers(0, len(proof) - 1))
        flipped = [*proof[:place], leaf_hash(proof[place]), *proof[place + 1 :]]
        with pytest.raises(VerificationError):
            check_consistency(old, before, size, after, flipped)


def test_an_empty_tree_is_consistent_with_all() -> None:
    check_consistency(0, EMPTY_ROOT, 3, root(ENTRIES[:3]), [])
    with pytest.raises(VerificationError):
        check_consistency(0, root(ENTRIES[:1]), 3, root(ENTRIES[:3]), [])


@pytest.mark.parametrize(
    ("level", "number", "width", "name"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 1234067, 256, "tile/0/x001/x234/067"),
        ("entries", 1000, 7, "tile/entries/x001/000.p/7"),
        (2, 999, 255, "tile/2/999.p/255"),
    ],
)
def test_names_are_those_of_the_specification(
    level: int | str, number: int, width: int, name: str
) -> None:
    assert tile_name(level, number, width) == name
