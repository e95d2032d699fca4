"""Whether a space is shorter along one way than across it, as of a depth that is halved.

Bones keep their lengths while they turn. Along a way that is scaled they do not, and of all
symmetric matrices M the one for which each bone's d'Md changes least over its directions d undoes
the scaling: of a space that is right the identity does best. A space that is too long one way looks
like noise along it, as of depths that one camera tells, so nothing is said of that.

Of whoever faces one way all the time bones tell nothing, if they are only bent across the way that
is scaled. Then shoulders and hips are far narrower than arms and legs are long.
"""

from __future__ import annotations

import numpy as np

from .layouts import Layout
from .limb_lengths import BONES, bone_ways
from .proportions import Sites, finite_median

LEAST_CHANGE = 0.08
"""Of bones' squared lengths, root mean square over all directions, below which nothing is wrong;
5 mm of noise make 0.03 of it, 30 mm 0.16."""
EXPLAINED = 0.6
"""Share of that change that scaling may leave: of 142 recorded motions with up to 30 mm of noise it
leaves 0.976 at least, of those with a depth that is halved typically 0.15 to 0.25."""
LEAST_SCALE = 1.25
"""Times that one way is to be longer than the others."""
ALIKE = 0.85
"""Share of the middle one's length that the shortest way is at least: noise along one way asks for
that one to be far shorter."""
NARROW = {"shoulder": (("elbow", "wrist"), 0.45), "hip": (("knee", "ankle"), 0.16)}
"""By part, what a limb from it goes by, and of the limb's length the width between the parts up to
which a body is too narrow, in both: of 122 motions on bodies of all shapes, in three layouts,
shoulders are 0.56 apart at least and hips 0.14, of detectors' and skeletons' files 0.54 and 0.17;
where they are halved 0.36 and 0.09 typically."""
USUAL_WIDTH = 0.67
"""Of an arm's length, how far shoulders are apart."""
ONE_WAY = 0.8
"""Share of the lines between shoulders, squared, that lies along one way where somebody faces one
way."""
_TOWARDS_NONE = 1e-4
"""By how much the scaling that directions do not tell stays none, beside bones' changes squared."""
_FEWEST_SEEN = 40
_SAME = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
"""The identity as the six numbers of a symmetric matrix, xx, yy, zz, xy, xz, yz."""


def scaled_way(positions: np.ndarray, layout: Layout) -> tuple[np.ndarray, float] | None:
    """The way (3,) along which a space of keypoints (T,K,3) is too short, NaN where they are not
    believed, and by how many times it is to be stretched; None where it is not, or where bones turn
    too little to tell and the body is not too narrow."""
    return _by_lengths(positions, layout) or _by_widths(positions, layout)


def _by_lengths(positions: np.ndarray, layout: Layout) -> tuple[np.ndarray, float] | None:
    bones = _directions(positions, layout)
    if len(bones) < len(BONES):
        return None
    changes, means = np.zeros((6, 6)), np.zeros(6)
    for way in bones:
        x, y, z = way.T
        # What six numbers of M are multiplied by to be d'Md, in the bone's usual squared length.
        rows = np.stack([x * x, y * y, z * z, 2 * x * y, 2 * x * z, 2 * y * z], axis=1)
        rows /= max(np.square(way).sum(axis=1).mean(), 1e-12)
        changes += np.cov(rows.T, bias=True) / len(bones)
        means += rows.mean(axis=0) / len(bones)

    # The least change, of bones that are on average as long as they are.
    held = changes + _TOWARDS_NONE * np.diag([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])
    equations = np.block([[held, means[:, None]], [means[None], np.zeros((1, 1))]])
    step = np.linalg.lstsq(equations, np.append(-changes @ _SAME, 0.0), rcond=None)[0][:6]
    before, after = (np.sqrt(max(m @ changes @ m, 0.0)) for m in (_SAME, _SAME + step))
    if before < LEAST_CHANGE or after > EXPLAINED * before:
        return None

    xx, yy, zz, xy, xz, yz = _SAME + step
    squares, ways = np.linalg.eigh(np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]))
    least, middle, most = np.sqrt(np.maximum(squares, 1e-6))
    alone = least >= ALIKE * middle and most >= LEAST_SCALE * middle
    return (ways[:, 2], float(most / middle)) if alone else None


def _by_widths(positions: np.ndarray, layout: Layout) -> tuple[np.ndarray, float] | None:
    sites = Sites(positions, layout)
    width = {}
    for part, (beyond, limit) in NARROW.items():
        limb = sum(
            finite_median(
                finite_median(sites.distance(f"{side}_{a}", f"{side}_{b}"))
                for side in ("left", "right")
            )
            for a, b in zip((part, *beyond), beyond)
        )
        across = finite_median(sites.distance(f"left_{part}", f"right_{part}"))
        width[part] = across / max(limb, 1e-9)
        if not width[part] < limit:
            return None
    lines = sites["left_shoulder"] - sites["right_shoulder"]
    lines = lines[np.isfinite(lines).all(axis=1)]
    spread, ways = np.linalg.eigh(lines.T @ lines)
    if spread[2] < ONE_WAY * spread.sum():
        return None
    return ways[:, 2], float(USUAL_WIDTH / max(width["shoulder"], 1e-9))


def _directions(positions: np.ndarray, layout: Layout) -> list[np.ndarray]:
    """By bone its ends' differences (N,3), left and right ones together."""
    ways = bone_ways(positions, layout)
    by_bone = (
        [ways[side, bone] for side in ("left", "right") if (side, bone) in ways] for bone in BONES
    )
    return [np.concatenate(sides) for sides in by_bone if sum(map(len, sides)) >= _FEWEST_SEEN]
