"""Whether a marker set is mirrored, by its markers alone: no turn brings the chest to the back.

Names say what is left, in front and above on a body: the hip bones' front spines and their back
ones, chest and spine, toes and heels. Markers on trunk and feet are laid on where a mean adult has
them, once by a rotation and once with a reflection, and what fits better tells (Kabsch 1976;
Umeyama 1991 for the sign of the least singular value). That needs no pose, no up and no floor, and
axes that were negated look the same as names whose sides were exchanged.
"""

from __future__ import annotations

import numpy as np

from ..body.landmarks import parse_landmark
from ..frames import evenly
from ..keypoints.layouts import Layout
from ..keypoints.plausibility import adult_sites
from ..keypoints.track import Decision

TYPICAL_DEPTH = 0.03
"""Metres from a joint to the skin above it, of joints that are not named in `_DEPTHS`."""
_DEPTHS = {
    "head": 0.09, "neck": 0.07, "spine3": 0.11, "spine2": 0.11, "spine1": 0.11, "pelvis": 0.11,
    "hip": 0.10, "collar": 0.06, "shoulder": 0.06, "knee": 0.06, "ankle": 0.045,
}  # fmt: skip
"""The same of the others, as an adult has them: only which side of the joint it is matters."""
LOOSEST = 0.06
"""Metres beyond which a marker may as well sit on the other side."""
PLACED_WITHIN = 0.03
"""Metres by which even the best placed marker is elsewhere on this body than on the mean one."""
FLATTEST = 0.02
"""Metres, root mean square, that a group is deep at least; flatter ones look like their mirror
image."""
FEWEST = 4
ALIKE = 0.6
"""Correlation of the markers with the mean body's from which on they are the same places at all: of
true takes it is 0.63 at least, sprints with the legs alone; where names are shuffled less."""
CLEAR, SURE = 0.1, 0.2
"""How deep a group is measured at least, as a share of what the mean body says, for it to tell, and
to tell for sure. Of 230 marker files that strangers published, a third of them different
sets, and of six sets on 142 recorded motions no group that tells is on the wrong side."""
AGREEING = 0.8
"""Share of the frames that say the same where it is sure."""
_MOST_FRAMES = 100
_PELVIS = ("pelvis", "hip", "spine1")
_TRUNK = (*_PELVIS, "spine", "neck", "head", "collar", "shoulder", "ear", "eye", "nose")
_LEGS = ("knee", "ankle", "foot", "heel", "toe", "big_toe", "small_toe")


def wrong_marker_sides(positions: np.ndarray, layout: Layout) -> Decision | None:
    """A decision that warns where a marker set's markers (T,K,3), in any unit and up any axis, lie
    as in a mirror: some, while others do not, so that names of one part of the body are exchanged
    ("sides"), or all that tell ("mirrored").

    The latter is sure (confidence 1) where a group of markers says so in most frames.
    """
    told = _told(positions, layout)
    return _exchanged(told) or _mirrored(told)


def _exchanged(told: dict[str, np.ndarray]) -> Decision | None:
    sure = {name: depths for name, depths in told.items() if _surely(depths)}
    wrong = [name for name, depths in sure.items() if np.median(depths) < 0]
    right = [name for name in sure if name not in wrong]
    if not wrong or not right:
        return None
    reason = (
        f"the markers of {wrong[0]} lie as in a mirror, those of {right[0]} do not: left and right "
        "are exchanged in the names of one of them"
    )
    return Decision("sides", "as named", "assumed", reason)


def _mirrored(told: dict[str, np.ndarray]) -> Decision | None:
    """None where a group of markers says the opposite."""
    if not told or any(np.median(depths) > 0 for depths in told.values()):
        return None
    reason = (
        f"the markers of {', of '.join(told)} lie as in a mirror: left and right are swapped in "
        "the file, or its axes are left-handed; --mirror mends it"
    )
    sure = any(map(_surely, told.values()))
    return Decision("mirrored", "yes", "detected", reason, 1.0 if sure else 0.7)


def _told(positions: np.ndarray, layout: Layout) -> dict[str, np.ndarray]:
    """By group of markers that tells: how deep it is in each frame (`_signed_depths`)."""
    chosen = positions[evenly(len(positions), _MOST_FRAMES)]
    told = {}
    for name, columns in _groups(layout).items():
        depths = _signed_depths(chosen[:, columns], [layout.sites[k] for k in columns])
        if len(depths) and abs(np.median(depths)) >= CLEAR:
            told[name] = depths
    return told


def _surely(depths: np.ndarray) -> bool:
    typical = np.median(depths)
    return bool(abs(typical) >= SURE and (depths * typical > 0).mean() >= AGREEING)


def _groups(layout: Layout) -> dict[str, list[int]]:
    """Columns of the markers that hardly move against each other, or whose left, right, above and
    below stay what they are in most poses."""
    trunk, pelvis, legs = [], [], []
    for k, site in enumerate(layout.sites):
        bare = site.replace("left_", "").replace("right_", "")
        on_limb = bare.startswith(("hip..knee", "shoulder..elbow"))
        if _place(site) is None or on_limb:
            continue
        if bare.startswith(_LEGS):
            legs.append(k)
        elif bare.startswith(_TRUNK):
            trunk.append(k)
        if bare.startswith(_PELVIS):
            pelvis.append(k)
    groups = {
        "the trunk": trunk,
        "the legs": legs,
        "the trunk with the legs": trunk + legs,
        "the pelvis with the legs": pelvis + legs,
    }
    return {name: columns for name, columns in groups.items() if len(columns) >= FEWEST}


def _place(site: str) -> np.ndarray | None:
    """Roughly where a site (3,) is on a mean adult in the rest pose, or None where that is not
    known."""
    landmark = parse_landmark(site)
    adult = adult_sites()
    if landmark is None:
        return adult.get(site)
    if landmark.sigma > LOOSEST or landmark.a not in adult or landmark.b not in adult:
        return None
    joint = landmark.a.removeprefix("left_").removeprefix("right_")
    on_bone = (1.0 - landmark.share) * adult[landmark.a] + landmark.share * adult[landmark.b]
    return on_bone + _DEPTHS.get(joint, TYPICAL_DEPTH) * np.array(landmark.direction)


def _signed_depths(markers: np.ndarray, sites: list[str]) -> np.ndarray:
    """How deep markers (T,N,3) are in each frame that tells, as a share of what the mean body's are
    across the flattest direction: 1 as on the body, -1 as in a mirror."""
    places = np.array([_place(site) for site in sites])
    landmarks = [parse_landmark(site) for site in sites]
    sigma = np.array([0.0 if landmark is None else landmark.sigma for landmark in landmarks])
    seen = np.isfinite(markers).all(axis=2)
    weights = seen / (sigma**2 + PLACED_WITHIN**2)
    tells = seen.sum(axis=1) >= FEWEST
    weights, markers = weights[tells], np.where(seen[..., None], markers, 0.0)[tells]
    weights /= weights.sum(axis=1, keepdims=True)

    # The same markers count on both, so that what is hidden moves no centre.
    measured = markers - np.einsum("tn,tnc->tc", weights, markers)[:, None]
    expected = places - (weights @ places)[:, None]
    across = np.einsum("tn,tna,tnb->tab", weights, measured, expected)
    itself = np.einsum("tn,tna,tnb->tab", weights, expected, expected)
    size = np.sqrt(np.einsum("tn,tnc,tnc->t", weights, measured, measured))
    mean_size = np.sqrt(np.trace(itself, axis1=1, axis2=2))
    singular = np.linalg.svd(across, compute_uv=False)
    flattest = np.linalg.svd(itself, compute_uv=False)[:, 2]
    alike = singular.sum(axis=1) / np.maximum(size * mean_size, 1e-12)

    told = (alike >= ALIKE) & (np.sqrt(flattest) >= FLATTEST)
    scale = size / np.maximum(mean_size, 1e-12)
    depth = np.sign(np.linalg.det(across)) * singular[:, 2]
    return (depth[told] / (flattest * scale)[told]).astype(float)
