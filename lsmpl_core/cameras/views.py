"""From where a camera saw a take: a `View` is a camera in the take's own space, for each frame.

What a file says of a camera is of three kinds. A **calibration** is in the world of the file that
the keypoints are from; `KeypointTrack.world` brings it into the take's. **Keypoints in a camera's
space** (SAM 3D Body's, with `pred_cam_t`) have their camera at their origin. An **estimated
motion** in a camera's space and in the world (GVHMR's, WHAM's) is the same body twice: what brings
the one onto the other is the camera, frame by frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import CameraError
from ..frames import evenly
from ..keypoints.track import Basis, Decision, KeypointTrack
from .camera import Camera

STILL_METRES, STILL_RADIANS = 1e-3, 1e-3
"""By how much a camera that stands still may move, by rounding."""
LEAST_INSIDE = 0.5
"""Share of the keypoints that lie in the pictures of the right cameras, at least."""
_TIES = 0.1
CONVENTIONS = {
    "same": ("the same axes", np.eye(3)),
    "y_up": ("Y up, turned about X", np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])),
    "pose2sim": ("Y up, as Pose2Sim writes it", np.eye(3)[[1, 2, 0]]),
    "z_up": ("Z up, turned about X", np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])),
    "y_down": ("Y and Z negated", np.diag([1.0, -1, -1])),
}
"""How the axes of files of keypoints are made of those of their calibrations: in words, and as
file = R world. The likelier first; files of Pose2Sim's form are its own."""
_SCALES = {"": 1.0, ", in thousandths": 1000.0, ", in thousands": 0.001}


@dataclass(frozen=True)
class View:
    """A camera in a take's space, as OpenCV has its axes: x right, y down, z forward.

    rotation (N,3,3) from the camera's axes to the take's; position (N,3) metres; N is 1 where it
    stands still, else the take's frames. focal: pixels, or None where it is as long as the
    picture's diagonal, which is what WHAM assumes. centre: the optical one in pixels, None for the
    picture's middle. size: width and height in pixels of the picture that these are of, None where
    they are of whatever picture there is. distortion: OpenCV's coefficients.
    """

    name: str
    rotation: np.ndarray
    position: np.ndarray
    focal: float | None
    centre: tuple[float, float] | None
    size: tuple[float, float] | None
    distortion: np.ndarray
    decisions: tuple[Decision, ...] = ()

    def lens(self, width: float, height: float) -> tuple[float, tuple[float, float]]:
        """Focal length and optical centre in pixels of a picture of that size, which may be the
        calibrated one made smaller."""
        focal = float(np.hypot(width, height)) if self.focal is None else self.focal
        centre = self.centre or (width / 2, height / 2)
        if self.size is None:
            return focal, centre
        ratio = width / self.size[0]
        return focal * ratio, (centre[0] * ratio, centre[1] * height / self.size[1])

    def project(self, points: np.ndarray, width: float, height: float) -> np.ndarray:
        """(T,...,2) pixels of points (T,...,3) of the take in each frame's picture, without the
        lens' distortion; NaN behind the camera."""
        focal, centre = self.lens(width, height)
        matrix = np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1]])
        turns = np.broadcast_to(self.rotation, (len(points), 3, 3))
        places = np.broadcast_to(self.position, (len(points), 3))
        return np.stack(
            [
                Camera("", matrix, turn.T, -turn.T @ place, np.zeros(0)).project(frame)
                for frame, turn, place in zip(points, turns, places)
            ]
        )


def view_of_calibration(
    cameras: Sequence[Camera],
    track: KeypointTrack,
    name: str | None,
    where: str,
    axes: str | None = None,
) -> View:
    """The view of one of a calibration's cameras onto a track that was triangulated with it.

    name: which one, as the calibration calls it, or any text (a movie's path) with one's name in
    it. axes: how the file's axes are made of the calibration's, one of `CONVENTIONS`; where that is
    not said it is found, as the unit is, by which makes the keypoints lie upright in all pictures.
    Raises `CameraError`; `where` opens the message.
    """
    camera = _named(cameras, name, where)
    world = _world_of(track, where)
    scale = float(np.cbrt(np.linalg.det(world[:3, :3])))

    # The calibration's world to the file's numbers, and from there to the take.
    how, change, inside = _convention(cameras, track, world, axes)
    if inside < LEAST_INSIDE:
        raise CameraError(
            f"{where}: only {inside:.0%} of the keypoints lie in the pictures of its cameras, "
            "so it is not this take's calibration, or its world is another"
        )
    centre = -camera.rotation.T @ camera.translation
    position = world[:3, :3] @ change @ centre + world[:3, 3]
    turn = change / np.cbrt(np.linalg.det(change))
    focal = camera.matrix[[0, 1], [0, 1]]
    decisions = [
        Decision("camera", camera.name, "file"),
        how,
    ]
    if abs(focal[0] / focal[1] - 1) > 0.01:
        reason = f"the file has {focal[0]:.0f} across and {focal[1]:.0f} down"
        decisions.append(Decision("focal length", f"{focal.mean():.0f} px", "assumed", reason))
    return View(
        camera.name,
        (world[:3, :3] / scale @ turn @ camera.rotation.T)[None],
        position[None],
        float(focal.mean()),
        (float(camera.matrix[0, 2]), float(camera.matrix[1, 2])),
        camera.picture,
        camera.distortion,
        tuple(decisions),
    )


def view_from_origin(
    track: KeypointTrack, focal: float, centre: tuple[float, float] | None, where: str
) -> View:
    """The view of the camera in whose space a file's numbers are. Raises `CameraError`."""
    world = _world_of(track, where)
    scale = np.cbrt(np.linalg.det(world[:3, :3]))
    size = None if centre is None else (2 * centre[0], 2 * centre[1])
    turn, place = world[:3, :3] / scale, world[:3, 3]
    said = Decision("camera", f"focal length {focal:.0f} px", "file")
    return View("", turn[None], place[None], focal, centre, size, np.zeros(0), (said,))


def view_between(
    seen: np.ndarray,
    placed: np.ndarray,
    focal: float | None,
    centre: tuple[float, float] | None,
    where: str,
) -> View:
    """The view of the camera that saw a body's joints where they are `seen` (T,J,3) metres in its
    own space, and which are `placed` (T,J,3) in the take's. Raises `CameraError` where these are
    not the same body in the same poses."""
    turn, place, missed = _rigid(seen, placed)
    if np.median(missed) > 0.05:
        raise CameraError(
            f"{where}: its motion is not this take's ({1000 * np.median(missed):.0f} mm off where "
            "it fits best), so nothing says where its camera stood"
        )
    if _still(turn, place):
        turn, place = turn[:1], place[:1]
    what = "stands still" if len(place) == 1 else "moves"
    decisions = (Decision("camera", what, "detected", "between the file's camera and world"),)
    size = None if centre is None else (2 * centre[0], 2 * centre[1])
    return View("", turn, place, focal, centre, size, np.zeros(0), decisions)


def _named(cameras: Sequence[Camera], name: str | None, where: str) -> Camera:
    """The only camera, the one called so, or the one whose name is in the text."""
    if len(cameras) == 1:
        return cameras[0]
    wanted = (name or "").lower()
    listed = ", ".join(camera.name for camera in cameras[:12])
    exact = [camera for camera in cameras if camera.name.lower() == wanted]
    within = [camera for camera in cameras if _core(camera.name) and _core(camera.name) in wanted]
    within = [
        one for one in within if len(_core(one.name)) == max(len(_core(w.name)) for w in within)
    ]
    for found in (exact, within):
        if len(found) == 1:
            return found[0]
    raise CameraError(f"{where}: has {len(cameras)} cameras; say which one: {listed}")


def _core(name: str) -> str:
    """A camera's name without what Pose2Sim puts about it: int_cam01_img is cam01."""
    return name.lower().removeprefix("int_").removesuffix("_img").removesuffix("_json")


def _world_of(track: KeypointTrack, where: str) -> np.ndarray:
    if track.world is None:
        raise CameraError(
            f"{where}: how the take's space is made of its file's is not known; import the "
            "keypoints again"
        )
    if np.linalg.det(track.world[:3, :3]) < 0:
        raise CameraError(
            f"{where}: the take was mirrored when it was read, so no camera can have seen it; "
            "import it with Mirror: No"
        )
    return track.world


def _convention(
    cameras: Sequence[Camera], track: KeypointTrack, world: np.ndarray, axes: str | None
) -> tuple[Decision, np.ndarray, float]:
    """How a file's axes and unit are made of its calibration's world: as was decided, as
    file = A world, and the share of the keypoints that lie in the pictures then."""
    chosen = evenly(len(track), 40)
    points = (track.positions[chosen] - world[:3, 3]) @ np.linalg.inv(world[:3, :3]).T
    vertical = np.linalg.inv(world[:3, :3])[:, 2]
    kinds = sorted(CONVENTIONS, key=lambda kind: track.source.lower().endswith(".trc") and (
        kind != "pose2sim"
    ))  # fmt: skip
    kinds = kinds if axes is None else [axes]
    found = [
        (kind, unit, scale * CONVENTIONS[kind][1])
        for unit, scale in _SCALES.items()
        for kind in kinds
    ]
    scores = [_score(cameras, points, vertical, change) for _, _, change in found]
    best = max(sum(score) for score in scores)
    good = [i for i, score in enumerate(scores) if sum(score) > best - _TIES]
    kind, unit, change = found[good[0]]
    inside = scores[good[0]][0]

    # Turned about the vertical, a body that stands about the origin lies in all pictures, too.
    others = [CONVENTIONS[found[i][0]][0] for i in good[1:] if found[i][0] != kind]
    reason = f"{inside:.0%} of the keypoints lie in sight"
    reason += f"; as much is so with: {', '.join(dict.fromkeys(others))}" if others else ""
    basis: Basis = "given" if axes else "assumed" if others else "detected"
    said = f"{CONVENTIONS[kind][0]}{unit}"
    return Decision("axes of the calibration", said, basis, reason), change, inside


def _score(
    cameras: Sequence[Camera], points: np.ndarray, vertical: np.ndarray, change: np.ndarray
) -> tuple[float, float]:
    """Of points (T,K,3) of a file: the share that lies in the pictures, and how upright, 0 to 1,
    the vertical is in them."""
    back = np.linalg.inv(change)
    seen = np.isfinite(points).all(axis=2)
    placed, up = points[seen] @ back.T, back @ vertical
    inside, upright = [], []
    for camera in cameras:
        pixels, (width, height) = camera.project(placed), camera.picture
        within = (pixels >= 0) & (pixels <= (width, height))
        inside.append(within.all(axis=1).mean() if len(pixels) else 0.0)
        down = camera.rotation[1] @ up / np.linalg.norm(up)
        upright.append((1 - down) / 2)
    return float(np.mean(inside)), float(np.mean(upright))


def _rigid(seen: np.ndarray, placed: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rotations (T,3,3), translations (T,3) that bring points (T,J,3) nearest to others, and what
    is left (T,) metres (Kabsch 1976)."""
    about, onto = seen.mean(axis=1, keepdims=True), placed.mean(axis=1, keepdims=True)
    left, _, right = np.linalg.svd(np.swapaxes(seen - about, 1, 2) @ (placed - onto))
    flip = np.ones((len(seen), 3))
    flip[:, 2] = np.sign(np.linalg.det(left @ right))
    turn = np.swapaxes(left * flip[:, None] @ right, 1, 2)
    place = onto[:, 0] - np.einsum("tij,tj->ti", turn, about[:, 0])
    moved = np.einsum("tij,tkj->tki", turn, seen) + place[:, None]
    return turn, place, np.linalg.norm(moved - placed, axis=2).mean(axis=1)


def _still(turn: np.ndarray, place: np.ndarray) -> bool:
    turned = np.linalg.norm(turn - turn[:1], axis=(1, 2)) / np.sqrt(2)
    moved = np.linalg.norm(place - place[:1], axis=1)
    return bool(turned.max() < STILL_RADIANS and moved.max() < STILL_METRES)


def told_of_the_lens(view: View, track: KeypointTrack, width: float, height: float) -> View:
    """The view with a decision about the lens' distortion, where that shifts the keypoints: the
    picture is shown as it is."""
    if not len(view.distortion):
        return view
    focal, centre = view.lens(width, height)
    matrix = np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1]])
    turn, place = view.rotation[0], view.position[0]
    camera = Camera("", matrix, turn.T, -turn.T @ place, view.distortion)
    shifts = np.linalg.norm(
        camera.project(track.positions, True) - camera.project(track.positions), axis=-1
    )
    worst = float(np.nanmax(shifts, initial=0.0))
    if not worst > 1.0:
        return view
    reason = f"the picture is shown as it is: keypoints lie up to {worst:.0f} pixels beside it"
    told = Decision("lens distortion", "not shown", "fallback", reason)
    return replace(view, decisions=(*view.decisions, told))


def lens_shift(view: View, width: float, height: float) -> float:
    """Pixels by which the lens moves what is in a corner of the picture, in the corner where that
    is most; 0 where it is not distorted."""
    if not len(view.distortion):
        return 0.0
    focal, centre = view.lens(width, height)
    matrix = np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1]])
    corners = np.array([(x, y, 1.0) for x in (0.0, width) for y in (0.0, height)])
    camera = Camera("", matrix, np.eye(3), np.zeros(3), view.distortion)
    seen = corners @ np.linalg.inv(matrix).T
    shifts = np.linalg.norm(camera.project(seen, True) - camera.project(seen), axis=-1)
    return float(shifts.max())


def plain_path(path: str | Path) -> str:
    """A path as text in which a camera's name may be looked for: the last three parts of it."""
    return "/".join(Path(path).parts[-3:])
