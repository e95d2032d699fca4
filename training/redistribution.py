"""Motion as real SMPL poses share it out: the same bones in the same directions, other joints'
turns.

Motion that was converted from ASF/AMC skeletons has hinges for elbows and knees, welded collars and
a stiff spine. SMPL poses that were fitted to markers or images have not: what a limb turns about
its upper bone is shared between its two joints, collars go along with the arm, and spines bend
lower down. Keypoints do not tell the two apart, so a network that only ever saw hinges answers
every real pose with a hinge. Here recorded motion is shared out anew, by laws that were measured on
published fits (`Law`), with a person's constants drawn for each sequence and slow noise about them.

Rotations are (T,24,3,3) at `FRAME_RATE`. Everything is written for the left side; the right one is
mirrored, treated, and mirrored back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from lsmpl_core.body.skeleton import PARENTS
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.rotation import exp_map, log_map, to_quaternion

FRAME_RATE = 30.0
MIRROR = list(LAYOUTS["smpl_24"].mirror)
"""Each joint's partner on the other side."""
FLIP = np.array([-1.0, 1.0, 1.0])
"""A turn R is seen in the mirror as diag(FLIP) R diag(FLIP)."""
UNTOUCHED, MULTI_VIEW = 0.15, 0.12
"""Shares of sequences that stay as they were recorded, for there are takes whose elbows and knees
are hinges; and that are shared out as by AIST++ (see `MULTI_VIEW_LAW`)."""
FOLD_DEGREES = 120.0
"""Turns of a limb about itself that are shared in proportion; what goes beyond, to half a turn, is
shared ever less."""
SWING_FADE = (0.15, 0.4)
"""Cosines of half the swing between which the twist fades in: opposite to where it rests, a bone
has no twist."""

BENT_DEGREES = (20.0, 40.0)
"""Bends between which a limb comes to have a direction that it bends in."""
KNEE_HINGE = 172.0
"""Degrees: the left knee's azimuth in recorded motion."""
INWARD_FOR_OUTWARD = 1.6
"""Degrees about the thigh by which a typically bent leg turns inwards when its thigh is swung
outwards by one."""
SIDEWAYS = np.array([1.0, 0.0, 0.0])

PELVIS, SPINE = 0, (3, 6, 9)
NECK, HEAD = 12, 15
COLLAR, SHOULDER, ELBOW, WRIST = 13, 16, 18, 20
HIP, KNEE, ANKLE, TOES = 1, 4, 7, 10


@dataclass(frozen=True)
class Varying:
    """A quantity in degrees: its mean, standard deviations between and within sequences, and for
    how many seconds what varies within one lasts."""

    mean: float | tuple[float, ...]
    between: float | tuple[float, ...]
    within: float | tuple[float, ...]
    seconds: float = 0.5

    def drawn(self, frames: int, rng: np.random.Generator) -> np.ndarray:
        """(T,) or, where the mean is a vector, (T,n), in degrees."""
        mean, between, within = (
            np.asarray(v, dtype=float) for v in (self.mean, self.between, self.within)
        )
        return (
            mean
            + between * rng.normal(size=mean.shape)
            + within * slow_noise(frames, mean.shape, self.seconds, rng)
        )


@dataclass(frozen=True)
class Share:
    """How much of a turn another joint takes over: a coefficient that is drawn for each sequence,
    within bounds."""

    mean: float
    between: float
    least: float = 0.0
    most: float = 1.1

    def drawn(self, rng: np.random.Generator) -> float:
        return float(np.clip(rng.normal(self.mean, self.between), self.least, self.most))


@dataclass(frozen=True)
class Law:
    """What was measured on some 90 published sequences, in degrees, for the left side; marker fits,
    and coefficients so spread that estimates from single videos and multi-view fits lie within.

    Of what varies within a sequence for no reason that anybody sees, it is about half of what was
    measured: from all of it a network learns that nothing is worth remembering of how a person
    shares turns. Means of what forearm and shin turn about themselves are set so that the result's,
    with what recorded joints turn already, lie between those of marker fits and of estimates from
    videos.
    """

    # The forearm's (shin's) azimuth about the upper bone follows tau, what the limb turns about it
    # in all; and so far as it does, does its turn about itself.
    elbow: Share = Share(0.46, 0.18)
    follow: Share = Share(1.0, 0.15, 0.0, 1.3)
    elbow_rest: Varying = Varying(-4.3, 6.5, 4.0, 0.5)
    knee: Share = Share(0.57, 0.22)
    knee_rest: Varying = Varying(3.7, 3.0, 2.5, 0.4)

    # What the forearm and the shin turn about themselves beyond that, taken back by wrist and
    # ankle.
    forearm: Varying = Varying(5.0, 12.0, 5.0, 0.5)
    shin: Varying = Varying(-15.0, 6.0, 3.0, 0.5)

    # Recorded thighs hang straight down, as from hips that are farther apart than SMPL's; fitted
    # ones point outwards by this much more.
    thigh_out: Varying = Varying(8.0, 2.5, 0.0)

    # The collar's rotation vector is linear in the upper arm's direction, as seen from the chest.
    collar_gain: Share = Share(1.0, 0.3, 0.0, 1.6)
    collar_slope: float = 4.0
    collar: Varying = Varying((-9.4, -13.5, 8.7), (2.5, 5.6, 6.6), (2.9, 4.4, 3.9), 0.6)

    # Of the spine's flexion T, spine2 and spine3 take these shares and spine1 the rest; a pelvis
    # that is tilted against the legs makes T vary as much as it does in fits.
    pelvis_tilt: Varying = Varying(0.0, 16.0, 6.0, 1.0)
    spine2: Share = Share(0.21, 0.17, -0.2, 0.6)
    spine2_rest: Varying = Varying((-4.9, 0.0, 0.0), (5.0, 2.5, 2.5), (3.5, 2.0, 2.0), 0.6)
    spine3: Share = Share(0.06, 0.16, -0.2, 0.6)
    spine3_rest: Varying = Varying((0.7, 0.0, 0.0), (3.5, 2.5, 2.5), (2.5, 2.0, 2.0), 0.6)
    chest: Varying = Varying((0.0, 0.0, 0.0), (4.0, 3.0, 3.0), (2.5, 2.0, 2.0), 0.6)

    neck: Share = Share(0.46, 0.12, 0.1, 0.9)
    neck_rest: Varying = Varying((0.0, 0.0, 0.0), (6.0, 4.0, 4.0), (4.5, 3.0, 3.0), 0.5)

    # Joints at the ends, which few keypoints show.
    toes: Varying = Varying((-5.0, 5.0, 4.0), (6.0, 5.0, 7.0), (3.0, 4.0, 6.0), 0.4)
    wrist: Share = Share(0.6, 0.2, 0.1, 1.1)
    wrist_rest: Varying = Varying((0.0, 0.0, 0.0), (5.0, 5.0, 5.0), (3.0, 3.0, 3.0), 0.4)
    stiff_ends: bool = False


COLLAR_SLOPES = np.array([[2.8, 14.6, -2.0], [-10.3, -7.2, 27.6], [-3.0, -33.1, 2.2]])
"""Degrees of the collar's rotation vector (columns) for each coordinate of the upper arm's
direction (rows)."""
FITTED_LAW = Law()
MULTI_VIEW_LAW = Law(
    elbow=Share(0.86, 0.1), knee=Share(1.0, 0.08), follow=Share(0.0, 0.05), stiff_ends=True
)
"""AIST++: nearly all of a limb's turn is below, none of it about forearm and shin, and ankles, toes
and wrists rest."""


def drawn_law(rng: np.random.Generator, untouched: float = UNTOUCHED) -> Law | None:
    """What a sequence is shared out by; None, in so many of them, leaves it as it is."""
    kind = rng.random()
    if kind < untouched:
        return None
    return MULTI_VIEW_LAW if kind < untouched + MULTI_VIEW else FITTED_LAW


def redistributed(
    rotations: np.ndarray, rest_joints: np.ndarray, rng: np.random.Generator, law: Law = FITTED_LAW
) -> np.ndarray:
    """One person's sequence (T,24,3,3), shared out anew by a person drawn from the law; rest_joints
    (24,3).

    Bones of arms and legs keep their directions in the world, but for the thighs, which are swung
    outwards. Hips, shoulders, neck and head move along with pelvis, collars, spine and neck.
    """
    rotations = np.array(rotations, dtype=np.float64)
    bones = rest_joints - rest_joints[np.maximum(PARENTS, 0)]
    # Elbow and knee coefficients are a person's, and nearly the same on either side.
    persons = law.elbow.drawn(rng), law.knee.drawn(rng)

    rotations = _tilt_pelvis(rotations, law, rng)
    rotations = _share_spine(rotations, law, rng)
    rotations = _share_neck(rotations, law, rng)
    for _ in range(2):
        rotations = _share_arm(rotations, bones, persons, law, rng)
        rotations = _share_leg(rotations, bones, persons, law, rng)
        rotations = mirrored_pose(rotations)
    return rotations


def mirrored_pose(rotations: np.ndarray) -> np.ndarray:
    """Rotations (T,24,3,3) with left and right exchanged."""
    return rotations[:, MIRROR] * FLIP[:, None] * FLIP


def slow_noise(
    frames: int, shape: tuple[int, ...], seconds: float, rng: np.random.Generator
) -> np.ndarray:
    """(T,*shape) of standard normal numbers, correlated by exp(-1) after about so many seconds."""
    width = max(seconds * FRAME_RATE / 2.0, 0.5)
    margin = int(np.ceil(4.0 * width))
    white = rng.normal(size=(frames + 2 * margin, *shape))
    smooth = gaussian_filter1d(white, width, axis=0)[margin : margin + frames]
    # The sum of the squares of a Gaussian filter's weights.
    return smooth * np.sqrt(2.0 * np.sqrt(np.pi) * width)


# Trunk.


def _tilt_pelvis(rotations, law, rng):
    """The pelvis nods about its own x axis; spine and thighs stay in the world."""
    tilt = about(np.array([1.0, 0.0, 0.0]), law.pelvis_tilt.drawn(len(rotations), rng))
    out = rotations.copy()
    out[:, PELVIS] = rotations[:, PELVIS] @ tilt
    for joint in (SPINE[0], HIP, MIRROR[HIP]):
        out[:, joint] = _transposed(tilt) @ rotations[:, joint]
    return out


def _share_spine(rotations, law, rng):
    """The spine's flexion is shared by a person's habit; neck and collars take up what the chest
    turns."""
    T, out = len(rotations), rotations.copy()
    low, middle, high = (rotations[:, joint] for joint in SPINE)
    turn = exp_map(np.radians(law.chest.drawn(T, rng)))
    whole = low @ middle @ high @ turn

    flexion = sum(log_map(part)[:, 0] for part in (low, middle, high)) + log_map(turn)[:, 0]
    vectors = []
    for joint, share, rest in (
        (SPINE[1], law.spine2, law.spine2_rest),
        (SPINE[2], law.spine3, law.spine3_rest),
    ):
        vector = log_map(rotations[:, joint])
        vector[:, 0] = share.drawn(rng) * flexion
        vectors.append(vector + np.radians(rest.drawn(T, rng)))
    out[:, SPINE[1]], out[:, SPINE[2]] = exp_map(vectors[0]), exp_map(vectors[1])
    out[:, SPINE[0]] = whole @ _transposed(out[:, SPINE[1]] @ out[:, SPINE[2]])

    for joint in (NECK, COLLAR, MIRROR[COLLAR]):
        out[:, joint] = _transposed(turn) @ rotations[:, joint]
    return out


def _share_neck(rotations, law, rng):
    """Neck and head share what they turn together; the head keeps its direction."""
    out, whole = rotations.copy(), rotations[:, NECK] @ rotations[:, HEAD]
    rest = np.radians(law.neck_rest.drawn(len(rotations), rng))
    out[:, NECK] = exp_map(law.neck.drawn(rng) * log_map(whole) + rest)
    out[:, HEAD] = _transposed(out[:, NECK]) @ whole
    return out


# Limbs, the left ones.


def _share_arm(rotations, bones, persons, law, rng):
    T, out = len(rotations), rotations.copy()
    upper, fore = (bones[j] / np.linalg.norm(bones[j]) for j in (ELBOW, WRIST))

    # The collar follows the upper arm, which keeps its direction.
    whole = rotations[:, COLLAR] @ rotations[:, SHOULDER]
    slopes = COLLAR_SLOPES + law.collar_slope * rng.normal(size=(3, 3))
    follows = law.collar.drawn(T, rng) + (whole @ upper) @ slopes
    out[:, COLLAR] = exp_map(np.radians(law.collar_gain.drawn(rng) * follows))
    out[:, SHOULDER] = _transposed(out[:, COLLAR]) @ whole

    # Of what the arm turns about itself, the elbow takes over its share, and the wrist undoes what
    # the forearm turns.
    moved = law.elbow_rest.drawn(T, rng) + persons[0] * shared_twist(whole, upper)
    _pass_down(out, SHOULDER, ELBOW, upper, moved)
    kept_back = (1.0 - law.follow.drawn(rng)) * moved - law.forearm.drawn(T, rng)
    _pass_down(out, ELBOW, WRIST, fore, kept_back)

    hand = law.wrist.drawn(rng) * log_map(out[:, WRIST]) + np.radians(law.wrist_rest.drawn(T, rng))
    out[:, WRIST] = np.eye(3) if law.stiff_ends else exp_map(hand)
    return out


def _share_leg(rotations, bones, persons, law, rng):
    T, out = len(rotations), rotations.copy()
    thigh, shin = (bones[j] / np.linalg.norm(bones[j]) for j in (KNEE, ANKLE))

    # The knee gives way to the side; shin and foot keep their turns in the world.
    outward = law.thigh_out.drawn(T, rng)
    swing = exp_map(np.radians(outward)[:, None] * np.cross(rotations[:, HIP] @ thigh, SIDEWAYS))
    out[:, HIP] = swing @ rotations[:, HIP]
    out[:, KNEE] = _transposed(out[:, HIP]) @ rotations[:, HIP] @ rotations[:, KNEE]

    # By which a bent leg turns inwards about the thigh, and a straight one is taken to.
    away, bent = away_from_hinge(out[:, KNEE], thigh, shin, KNEE_HINGE)
    away = bent * away - (1.0 - bent) * INWARD_FOR_OUTWARD * outward
    tau = shared_twist(out[:, HIP], thigh) + away
    moved = law.knee_rest.drawn(T, rng) + persons[1] * tau - away
    _pass_down(out, HIP, KNEE, thigh, moved)
    kept_back = (1.0 - law.follow.drawn(rng)) * moved - law.shin.drawn(T, rng)
    _pass_down(out, KNEE, ANKLE, shin, kept_back)

    if law.stiff_ends:
        out[:, [ANKLE, TOES]] = np.eye(3)
        return out
    vector = log_map(out[:, TOES])
    vector[:, 1:] = 0.0
    out[:, TOES] = exp_map(vector + np.radians(law.toes.drawn(T, rng)))
    return out


def _pass_down(out, joint: int, child: int, bone, degrees) -> None:
    """A turn (T,) about the bone (3,) between them passes from a joint to its child, which moves
    nothing beyond."""
    turn = about(bone, degrees)
    out[:, joint], out[:, child] = out[:, joint] @ _transposed(turn), turn @ out[:, child]


# Rotations.


def away_from_hinge(
    rotations: np.ndarray, upper: np.ndarray, lower: np.ndarray, hinge: float
) -> tuple[np.ndarray, np.ndarray]:
    """(T,) degrees by which a joint with rotations (T,3,3) bends in another direction than its
    hinge's azimuth, about the upper bone (see SMPL's rest pose); and (T,) from 0 to 1, whether it
    is bent so much that it has a direction.

    upper, lower: unit vectors (3,) along the bones at rest.
    """
    first = np.cross(upper, (0.0, 1.0, 0.0))
    first /= np.linalg.norm(first)
    direction = rotations @ lower
    azimuth = np.degrees(np.arctan2(direction @ np.cross(upper, first), direction @ first))
    bend = np.degrees(np.arccos(np.clip(direction @ upper, -1.0, 1.0)))
    low, high = BENT_DEGREES
    return (azimuth - hinge + 180.0) % 360.0 - 180.0, np.clip((bend - low) / (high - low), 0.0, 1.0)


def twist(rotations: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """(T,) degrees in -180 to 180: how far rotations (T,3,3) turn about an axis (3,) in their own
    frame, before a swing that takes the axis where it points."""
    quaternion = to_quaternion(rotations)
    return np.degrees(2.0 * np.arctan2(quaternion[:, 1:] @ axis, quaternion[:, 0]))


def shared_twist(rotations: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """(T,) degrees: the twist as it is shared out, which moves as steadily as the rotations do.

    It comes back to zero at half a turn, where the twist wraps, and where the axis points opposite
    to its rest.
    """
    quaternion = to_quaternion(rotations)
    along, real = quaternion[:, 1:] @ axis, quaternion[:, 0]
    degrees = np.degrees(2.0 * np.arctan2(along, real))
    beyond = np.maximum(np.abs(degrees) - FOLD_DEGREES, 0.0)
    folded = degrees - np.sign(degrees) * beyond * 180.0 / (180.0 - FOLD_DEGREES)
    low, high = SWING_FADE
    fade = np.clip((np.hypot(along, real) - low) / (high - low), 0.0, 1.0)
    return fade * folded


def about(axis: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """(T,3,3) turns about an axis (3,)."""
    return exp_map(np.radians(degrees)[:, None] * axis)


def _transposed(rotations: np.ndarray) -> np.ndarray:
    return np.swapaxes(rotations, -1, -2)
