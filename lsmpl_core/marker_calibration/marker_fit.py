"""`MarkerFit`: poses of some frames, betas and where each marker sits, improved in turn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..backends.arrays import choose_backend
from ..body.body import Body
from ..body.landmarks import UNPLACED, USUAL_SIGMA, on_skin, parse_landmark
from ..body.sites import SiteParts, site_parts
from ..body.skeleton import JOINT_NAMES, NUM_BETAS
from ..calibration.calibration import Calibration, SiteOffset, of_keypoints
from ..cleaning.limits import MOST_TURNED
from ..errors import SolveError
from ..frames import evenly
from ..keypoints.track import Decision, KeypointTrack
from ..rotation import log_map
from ..solver.hinges import log_evidence, looked_at
from ..solver.limb_planes import Sharing
from ..solver.options import SolveOptions
from ..solver.problem import UNKNOWN_NOISE, Problem
from ..solver.settling import nearly_settled, pose_fit, settle
from ..solver.shape import fit_shape, refine_shape
from ..solver.shape_equations import Freedom
from ..solver.shape_estimation import SHAPE_NOISE
from ..solver.start import cold_start

MOST_MEASURED_MARKERS = 40
"""Markers between all of which lengths are measured."""
THOROUGH_FRAMES = 6
"""Frames that are posed from all guesses."""
SKIN_SIGMA = 0.01
"""Metres by which markers are above or below where the body has its skin."""
FOUND_SIGMA = 0.02
"""Metres by which a marker is off that was found from how it moves."""
MOST_STEP = 0.01
"""Metres that a marker's offset changes in a round at most, once all are roughly where they sit."""
HALF_WEIGHT_MISS = 0.025, 2.5
"""A marker that is off by this many metres in a frame, or by this many medians, counts half
there."""
MISNAMED = 0.06, 4.0
"""A marker that is off by this many metres, and by this many times the median, is not where its
name says."""
CONTRADICTED = 0.4
"""Share of the markers on a bone that, being misplaced, leave none of them credible: the bone's own
pose is wrong."""
FEWEST_LOCATED = 4
"""Markers with a known place that a frame has to show."""
FARTHEST_OFF = 0.03, 2.0
"""So is one that is off its place by this many metres and this many of its sigma."""
MOST_MOVEMENT = 0.04
"""Metres by which a marker may move against a bone that it is on, in the median."""
FARTHEST_FROM_SKIN = 0.08
SKIN_SHARE = 0.2
"""What a metre from the skin counts against a bone, in metres of movement."""
FATES = {
    "found": "placed on the bone that they move with",
    "misnamed": "not where their names say; placed on the bone that they move with",
    "left aside": "move with no part of the body",
}
"""What may become of a marker whose name does not tell where it is."""


class MarkerFit:
    """Poses of the chosen frames, betas, and where each marker is, as far as they are known, of a
    subject whose limbs share turns in a given way.

    Arrays with an axis K are of all markers; the takes that are posed hold only those `known` by
    now.
    """

    def __init__(
        self, track: KeypointTrack, body: Body, betas: np.ndarray | None, sharing: Sharing
    ):
        self.track, self.body, self.given = track, body, betas is not None
        self.sharing = sharing
        self.betas = np.zeros(NUM_BETAS) if betas is None else betas
        count = len(track.layout)
        self.names, self.sites = track.layout.keypoints, list(track.layout.sites)
        self.located = np.array([site != UNPLACED for site in self.sites])
        self.base, self.offsets = np.zeros((count, 3)), np.zeros((count, 3))
        self.bone: list[int | None] = [None] * count
        self.sigma = np.stack([_covariance(body, site) for site in self.sites])
        self.loose = np.sqrt(np.trace(self.sigma, axis1=1, axis2=2) / 2)
        self.noise = USUAL_SIGMA
        self.fate: dict[str, str] = {}

    def begin(self) -> None:
        """Betas from the segment lengths between well-placed markers, poses from cold starts."""
        if self.track.visible[:, self.located].sum(axis=1).max(initial=0) < FEWEST_LOCATED:
            raise SolveError(
                f"{self.track.source or 'the track'}: no frame shows {FEWEST_LOCATED} or more of "
                "the known markers, so the marker set cannot be calibrated"
            )

        # Betas from the lengths between markers whose places are narrow; many say no more than some
        # of them.
        if not self.given:
            firm = np.flatnonzero(self.located & (self.loose <= 1.5 * USUAL_SIGMA))
            firm = firm if len(firm) > 3 else np.flatnonzero(self.located)
            if len(firm) > MOST_MEASURED_MARKERS:
                firm = np.sort(
                    np.random.default_rng(0).choice(firm, MOST_MEASURED_MARKERS, replace=False)
                )
            self.betas = fit_shape(of_keypoints(self.track, firm), self.body, self._parts_of(firm))

        # Two guesses a frame, and all of them in a few: the poses are settled with the others'
        # markers later on.
        self.frames = np.arange(len(self.track))
        self.weights = self.track.confidence * self._trust()
        self._select()
        problem = self._problem()
        self.poses, _ = cold_start(problem, self.frames, thorough=False)
        few = evenly(len(self.frames), THOROUGH_FRAMES)
        thorough, _ = cold_start(problem, few, thorough=True)
        self.poses.rotations[few], self.poses.trans[few] = thorough.rotations, thorough.trans
        self._reweigh(self._trust())

    def improve(self, settled: bool) -> None:
        """A round: poses settled on the markers, then betas and offsets improved with the poses
        free."""
        problem = self._problem()
        enough = nearly_settled(problem)
        self.poses = settle(problem, self.poses, self.frames, tolerance=enough)
        rows, sigma = self.rows, self.sigma[self.rows]
        freedom = Freedom.of(sigma, betas=not self.given)
        fit = pose_fit(problem, self.poses, self.frames, freedom)
        self.noise = max(fit.noise, UNKNOWN_NOISE)
        noise = float(np.clip(self.noise, *SHAPE_NOISE))
        betas, offsets = refine_shape(self.betas, self.offsets[rows], fit, sigma, noise)

        # A straight step: what turns a cluster about its bone would tear it apart before long.
        step = np.linalg.norm(offsets - self.offsets[rows], axis=1).max(initial=0.0)
        share = min(1.0, MOST_STEP / max(step, 1e-9)) if settled else 1.0
        self.betas = self.betas + share * (betas - self.betas)
        self.offsets[rows] += share * (offsets - self.offsets[rows])
        self._reweigh(1.0 if settled else self._trust())

    def find_markers(self) -> None:
        """Give markers without a place, and those that their names misplace, to the bones that they
        move with."""
        wrong = self._misplaced()
        looked_at = wrong | ~self.located

        # Poses by those that are right, then a bone for each of the others.
        self.located &= ~wrong
        self._select()
        self._reweigh(1.0)
        self.poses = settle(self._problem(), self.poses, self.frames)
        bones = {k: self._bone_of(k) for k in np.flatnonzero(looked_at)}
        for k, bone in bones.items():
            found = "misnamed" if self.track.layout.sites[k] != UNPLACED else "found"
            self.fate[self.names[k]] = "left aside" if bone is None else found
            if bone is not None:
                self.located[k] = True
                self._put(k, *bone)
        self._select()
        self._reweigh(1.0)

    def _misplaced(self) -> np.ndarray:
        """(K,) which known markers are not where they are taken to be.

        Where many of a bone's markers are not, or the bone is turned further than people can, its
        own pose is wrong, and none of them is believed.
        """
        self.poses = settle(self._problem(), self.poses, self.frames)
        miss, used = self._miss(), self._used
        off = np.array([_median(miss[used[:, k], k]) for k in range(len(self.names))])
        far = np.linalg.norm(self.offsets, axis=1) > FARTHEST_OFF[0] + FARTHEST_OFF[1] * self.loose
        wrong = self.located & (
            far | (off > max(MISNAMED[0], MISNAMED[1] * _median(off[self.located])))
        )

        # All of a bone's, where many of them are, or where they are met as nobody can turn it: a
        # head band that was put on the other way round.
        turned = np.linalg.norm(log_map(self.poses.rotations), axis=-1)
        for joint in np.unique(self.parts.parent_joint):
            together = self.rows[self.parts.parent_joint == joint]
            most = np.radians(MOST_TURNED.get(JOINT_NAMES[joint].split("_")[-1], np.inf))
            if (
                wrong[together].sum() >= max(2, CONTRADICTED * len(together))
                or _median(turned[:, joint]) > most
            ):
                wrong[together] = True
        return wrong

    def result(self) -> Calibration:
        """What was found out."""
        self.poses = settle(self._problem(), self.poses, self.frames)
        markers = {
            self.names[k]: SiteOffset(
                self.sites[k], int(self.parts.parent_joint[row]), self.offsets[k] + self.base[k]
            )
            for row, k in enumerate(self.rows)
        }
        said = f"on {len(self.frames)} frames; {1000 * self.residual:.0f} mm off on average"
        decisions = [
            Decision("calibrated", f"{len(markers)} of {len(self.names)} markers", "detected", said)
        ]
        for what, why in FATES.items():
            which = [name for name, fate in self.fate.items() if fate == what]
            if which:
                reason = f"{why}: {', '.join(which[:20])}{', ...' if len(which) > 20 else ''}"
                decisions.append(Decision(what, f"{len(which)} markers", "detected", reason))
        pose = log_map(self.poses.rotations[:, 1:]).mean(axis=0).ravel()
        return Calibration(
            self.body.key, self.betas, markers, float(self.noise), tuple(decisions), pose
        )

    def log_evidence(self) -> np.ndarray:
        """(N,) of some frames, but for a constant, of markers where they are taken to be by now.

        For noise that is the same whatever the fit, so that fits can be compared.
        """
        problem, some = self._problem().with_noise(UNKNOWN_NOISE), looked_at(self.frames)
        return log_evidence(problem, self.poses[some], self.frames[some])

    @property
    def liveliness(self) -> float:
        """Radians, root mean square over joints of how far they turn from their mean."""
        spread = log_map(self.poses.rotations[:, 1:]).std(axis=0)
        return float(np.sqrt(np.square(spread).sum(axis=1).mean()))

    @property
    def residual(self) -> float:
        """Metres, mean over the markers that are used."""
        return float(self._miss()[self._used].mean()) if self._used.any() else float("nan")

    @property
    def _used(self) -> np.ndarray:
        """(F,K)"""
        return (self.track.confidence * self.located) > 0

    def _trust(self) -> np.ndarray:
        """(K,) how much a marker counts before its offset is known."""
        return USUAL_SIGMA**2 / (USUAL_SIGMA**2 + np.square(self.loose))

    def _select(self) -> None:
        """Pose with the markers that are known by now."""
        self.rows = np.flatnonzero(self.located)
        self.parts = self._parts_of(self.rows)

    def _parts_of(self, rows: np.ndarray) -> SiteParts:
        if not len(rows):
            raise SolveError(
                f"{self.track.source or 'the track'}: no known marker is seen well enough to find "
                "the body"
            )
        parts = site_parts(self.body, [self.sites[k] for k in rows])
        parent_joint = [
            own if self.bone[k] is None else self.bone[k]
            for k, own in zip(rows, parts.parent_joint)
        ]
        return replace(parts, parent_joint=np.array(parent_joint)).displaced(self.base[rows])

    def _problem(self) -> Problem:
        track = replace(self.track, confidence=np.clip(self.weights, 0.0, 1.0))
        options = SolveOptions(solver="polish", noise=self.noise)
        backend, offsets = choose_backend(), self.offsets[self.rows]
        return Problem.of(
            of_keypoints(track, self.rows),
            self.body,
            self.parts,
            self.betas,
            backend,
            options,
            offsets,
        ).sharing_as(self.sharing)

    def _miss(self) -> np.ndarray:
        """(F,K) metres between markers and their sites; 0 where a marker is missing or not
        known."""
        sites = self._problem().state(self.poses).keypoints
        miss = np.zeros(self.track.visible.shape)
        seen = self.track.visible[:, self.rows]
        away = np.where(seen[..., None], self.track.positions[:, self.rows] - sites, 0.0)
        miss[:, self.rows] = np.linalg.norm(away, axis=2)
        return miss

    def _reweigh(self, trust: float | np.ndarray) -> None:
        """Cauchy weights of each marker in each frame; frames that are far off as a whole do not
        count."""
        miss, used = self._miss(), self._used
        scale = max(HALF_WEIGHT_MISS[0], HALF_WEIGHT_MISS[1] * _median(miss[used]))
        by_frame = np.array([_median(m[u]) for m, u in zip(miss, used)])
        good = by_frame < max(3.0 * _median(by_frame), 0.03)
        self.weights = (
            self.track.confidence * trust / (1.0 + np.square(miss / scale)) * good[:, None]
        )

    def _bone_of(self, k: int) -> tuple[int, np.ndarray] | None:
        """The joint that a marker moves with, and where it is (3,) from there at rest; None where
        there is none."""
        state = self._problem().state(self.poses)
        seen = self.track.visible[:, k] & (self.weights[:, self.rows].sum(axis=1) > 0)
        if not seen.any():
            return None

        # Where the marker is in each joint's own frame, and how much it moves there.
        away = self.track.positions[seen, k][:, None] - state.joints[seen]
        local = np.einsum("fjba,fjb->fja", state.world[seen], away)
        middle = np.median(local, axis=0)
        movement = np.median(np.linalg.norm(local - middle, axis=2), axis=0)

        # Of the joints that it moves with, the one whose skin is near.
        rest, skin = middle + self.body.rest_joints(self.betas), self.body.rest_vertices(self.betas)
        best, least = None, np.inf
        for joint in np.flatnonzero(movement < MOST_MOVEMENT):
            near = skin[self.body.skinning_weights[:, joint] > 0.4]
            gap = np.linalg.norm(near - rest[joint], axis=1).min(initial=np.inf)
            cost = movement[joint] + SKIN_SHARE * gap
            if gap < FARTHEST_FROM_SKIN and cost < least:
                best, least = (int(joint), middle[joint]), cost
        return best

    def _put(self, k: int, joint: int, position: np.ndarray) -> None:
        """Marker k at a position (3,) from a joint, in the joint's rest frame."""
        self.sites[k], self.bone[k] = JOINT_NAMES[joint], joint
        self.base[k], self.offsets[k] = position, 0.0
        self.sigma[k], self.loose[k] = FOUND_SIGMA**2 * np.eye(3), FOUND_SIGMA


def _covariance(body: Body, site: str) -> np.ndarray:
    """(3,3) m²: how a marker is off its site, along the skin and across it."""
    landmark = parse_landmark(site)
    if landmark is None:
        return USUAL_SIGMA**2 * np.eye(3)
    normal = on_skin(body, landmark).normal
    across = np.outer(normal, normal)
    # A marker far along curved skin is off its tangent, too.
    height = SKIN_SIGMA**2 + (0.3 * max(landmark.sigma - USUAL_SIGMA, 0.0)) ** 2
    return landmark.sigma**2 * (np.eye(3) - across) + height * across


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else 0.0
