"""What is said of names among which too few markers are known to tell a body from: that points are
few, all on one limb, clusters on rigid plates, or called what nobody knows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from .keypoint_names import split_subject

ADVICE = (
    "Say where they sit in a JSON table (--markers markers.json): "
    '{"single": [{"place": "left_knee left", "names": ["M12"]}, ...]}, or, of a detector\'s '
    "keypoints, in a JSON mapping (--layout mapping.json)"
)
CLUSTER, MOSTLY = 3, 0.6
"""Numbered names of one stem from which on they are a cluster, and the share of all names from
which on a file is one of clusters."""
_NUMBER = re.compile(r"(?:[\W_]*(?:marker|m))?[\W_]*\d+$", re.I)
_PARTS = {
    "arm": ("shoulder", "collar", "elbow", "wrist", "carpus", "hand", "thumb", "index", "middle",
            "ring", "little"),
    "leg": ("hip", "knee", "ankle", "foot", "heel", "toe", "big", "small"),
}  # fmt: skip


def refusal(names: Sequence[str], known: Mapping[str, str], aside: int, needed: str) -> str:
    """Why names (N,), of which some are `known` markers with their sites and so many others are set
    aside, are no body's; `needed` says how many markers have to be known."""
    bare = [split_subject(name)[1] for name in names]
    count = f"its {len(bare)} point{'s' if len(bare) != 1 else ''}"
    if len(bare) - aside < 2 * CLUSTER:
        if aside == len(bare):
            return f"{count} ({_listed(bare)}) are what models compute, not markers. {needed}"
        return f"{count} ({_listed(bare)}) are too few to tell a body from. {needed}"
    if limb := on_one_limb(known.values()):
        return (
            f"the markers that are known among {count} ({_listed(list(known))}) are all on {limb}, "
            "which does not tell how a body moves: its trunk and other limbs need markers, too"
        )
    if clusters := clusters_of(bare):
        return (
            f"most of {count} are clusters ({_listed(clusters)}), and where on its segment a "
            f"cluster sits no name says. {needed} {ADVICE}"
        )
    unknown = [name for name in bare if name not in known]
    return (
        f"{count} have names of no keypoint layout, skeleton or marker set that is known: "
        f"{_listed(unknown)}; known as markers: {_listed(list(known))}. {needed} {ADVICE}"
    )


def on_one_limb(sites: Iterable[str]) -> str:
    """The limb on which all sites are; "" where there are several, or trunk or head."""
    limbs = {_limb(site) for site in sites}
    return limbs.pop() if len(limbs) == 1 else ""


def clusters_of(names: Sequence[str]) -> list[str]:
    """The stems of numbered names, where these are most of the names and in several clusters."""
    stems = Counter(_NUMBER.sub("", name) for name in names if _NUMBER.search(name))
    clusters = {stem: count for stem, count in stems.items() if stem and count >= CLUSTER}
    if len(clusters) < 2 or sum(clusters.values()) < MOSTLY * len(names):
        return []
    return list(clusters)


def only_numbered(names: Sequence[str]) -> bool:
    """Whether names differ by their number alone: Channel101, Channel102, ..."""
    stems = {_NUMBER.sub("", split_subject(name)[1]).lower() for name in names}
    return len(names) > 1 and len(stems) == 1 and all(map(_NUMBER.search, names))


def _limb(site: str) -> str:
    """ "the left arm" and so on; "" for trunk and head."""
    side, _, part = site.partition("_")
    words = part.replace(".", " ").replace("_", " ").split()
    if side not in ("left", "right") or not words:
        return ""
    return next((f"the {side} {limb}" for limb, own in _PARTS.items() if words[0] in own), "")


def _listed(names: Sequence[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(name[:40] for name in names[:most]) or "none") + more
