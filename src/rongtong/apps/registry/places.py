"""The tree of places of the loaded packs. Accounts and grants exist before any pack is loaded."""

from __future__ import annotations

from rongtong.engine.gb2260 import gb2260_within
from rongtong.engine.place import PlaceTree


def loaded_tree() -> PlaceTree | None:
    """The tree of the packs in force, or None where no pack is loaded."""
    # Imported late: the actions of packs ask registry for permission.
    from rongtong.apps.packs.queries import NoPack, current

    try:
        return current().places
    except NoPack:
        return None


def within(place: str, scope: str, tree: PlaceTree | None) -> bool:
    """Whether a place is the scope or lies below it; the empty scope is everywhere, the empty place only within that.

    Where the tree does not know both codes, their digits decide (GB/T 2260).
    """
    if scope in ("", place):
        return True
    if not place:
        return False
    if tree is not None and place in tree.places and scope in tree.places:
        return tree.is_within(place, scope)
    return gb2260_within(place, scope)
