"""From columns of a known layout to a `KeypointTrack`: their order, world, rate and hands."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from ..body.skeleton import JOINT_NAMES
from ..bounds import FASTEST, SLOWEST, is_rate
from ..errors import KeypointFileError
from ..keypoints.hand_points import HAND_POINTS, SIDES, HandPoints
from ..keypoints.hips_centred import travel_decision
from ..keypoints.layouts import Layout
from ..keypoints.track import Decision, KeypointTrack
from . import units
from .finger_markers import bend_with_fingers, finger_markers
from .hand_columns import hand_columns
from .joined_hands import join_hands, with_their_knuckles
from .keypoint_names import without_affixes
from .markers import LAYOUT_NAME, stand_ins
from .matching import Match
from .missing import settle_zero_columns
from .raw import RawTrack
from .space import without_strays
from .turn_readings import find_reading
from .wanted import checked_fps, checked_unit, checked_up
from .world import World, find_world, not_mirrored

DEFAULT_FPS = 30.0


def settled(
    raw: RawTrack,
    match: Match,
    source: str,
    unit: str | float | None = None,
    up: str | None = None,
    fps: float | None = None,
    mirror: bool | None = None,
) -> KeypointTrack:
    """The track of a layout that was matched, in metres, Z up, which may be written into the
    arrays of `raw`; the arguments are those of `read_keypoints`."""
    unit, up, fps = checked_unit(unit, source), checked_up(up, source), checked_fps(fps, source)
    return settled_in(raw, match, source, unit, up, fps, mirror)[0]


def settled_in(
    raw: RawTrack,
    match: Match,
    source: str,
    unit,
    up,
    fps,
    mirror: bool | None = None,
    world: World | None = None,
) -> tuple[KeypointTrack, World]:
    """As `settled`, in the world of others in the file where that is known, and the world."""
    positions, confidence = _ordered(raw, match)
    if match.weights is not None:
        known = np.ones(positions.shape[:2]) if confidence is None else confidence
        confidence = known * np.array(match.weights)
    positions, root_decision = settle_zero_columns(positions, match.layout)
    if not np.isfinite(positions).all(axis=2).any():
        raise KeypointFileError(
            f"{source}: not one keypoint of the body is seen in any of its {len(positions)} frames"
        )
    judged = _judged(match.layout, positions)
    if world is None:
        world = find_world(raw, match, positions, judged, source, unit, up)
    else:
        world.measured(positions)
    positions = world.turned(positions)
    positions, lost = without_strays(positions)
    fps, fps_decision = _decide_fps(fps, raw.fps, raw.usual_fps, source)
    positions, flipped, sides = not_mirrored(positions, match, judged, mirror)
    hands, joined, blocks = _hands(raw, match, world, flipped, positions)
    if hands is not None:
        positions, confidence = with_their_knuckles(positions, confidence, match, blocks, hands)
    settled = (
        match.decision,
        *match.further,
        world.unit,
        world.up,
        fps_decision,
        *world.further,
        *raw.decisions,
    )
    decisions = tuple(
        decision for decision in (*settled, root_decision, lost, *sides, joined) if decision
    )
    turns, reading = _turns(raw, match, world, flipped, positions)
    decisions = (*decisions, reading) if reading else decisions
    track = KeypointTrack(
        positions,
        confidence,
        match.layout,
        fps,
        raw.first_frame,
        source,
        decisions,
        hands=hands,
        world=world.matrix(flipped),
        turns=turns,
        copy=False,
    )
    if relative := travel_decision(track):
        track.decisions = (*decisions, relative)
    return track, world


def _hands(
    raw: RawTrack, match: Match, world: World, flipped: bool, body: np.ndarray
) -> tuple[HandPoints | None, Decision | None, list[list[int | None]]]:
    """The points of the hands beside a body's keypoints (T,K,3) in the world, where there are
    some, and the columns of each."""
    if match.layout.name == LAYOUT_NAME:
        return *_finger_markers(raw, world, flipped), []
    blocks = hand_columns(raw.positions.shape[1], raw.names, match.layout, match.columns)
    if not blocks:
        return None, None, blocks
    points = np.full((len(body), len(blocks), len(HAND_POINTS), 3), np.nan)
    confidence = np.ones(points.shape[:3])
    for hand, columns in enumerate(blocks):
        has = [point for point, column in enumerate(columns) if column is not None]
        taken = raw.take([column for column in columns if column is not None])
        points[:, hand, has] = taken.positions
        if taken.confidence is not None:
            confidence[:, hand, has] = taken.confidence
    points = world.placed(points) * _unflipped(flipped)
    return *join_hands(points, confidence, body, match.layout), blocks


def _turns(
    raw: RawTrack, match: Match, world: World, flipped: bool, body: np.ndarray
) -> tuple[np.ndarray | None, Decision | None]:
    """How the bones at those of a body's keypoints (T,K,3) that are joints are turned in the world,
    where the file says so, and how that was read."""
    columns = {
        k: column
        for k, column in enumerate(match.columns)
        if column is not None and match.layout.sites[k] in JOINT_NAMES
    }
    if raw.turns is None or not _change(raw.turns[:, list(columns.values())]):
        return None, None
    turns = np.full((len(raw.turns), len(match.layout), 3), np.nan, dtype=np.float32)
    turns[:, list(columns)] = raw.turns[:, list(columns.values())]
    in_file = partial(world.in_file, mirrored=flipped)
    reading, decision = find_reading(turns, body, match.layout, in_file)
    return world.turns(reading.of(turns), flipped), decision


def _change(turns: np.ndarray) -> bool:
    """Whether turns (T,K,3) change over the take: others are fillers, or a moment's, and tell
    nothing."""
    return bool((np.fmax.reduce(turns) - np.fmin.reduce(turns) > 0).any()) if turns.size else False


def _finger_markers(
    raw: RawTrack, world: World, flipped: bool
) -> tuple[HandPoints | None, Decision | None]:
    """The markers on the fingers of a marker set in the world, where it has some."""
    found = bend_with_fingers(finger_markers(without_affixes(raw.names or ())))
    if not found:
        return None, None
    taken = raw.take(list(found))
    hands, points = np.array(list(found.values())).T
    positions = np.full((len(raw.positions), len(SIDES), len(HAND_POINTS), 3), np.nan)
    confidence = np.zeros(positions.shape[:3])
    positions[:, hands, points] = world.placed(taken.positions) * _unflipped(flipped)
    confidence[:, hands, points] = 1.0 if taken.confidence is None else taken.confidence
    named = [side for hand, side in enumerate(SIDES) if (hands == hand).any()]
    reason = f"{len(found)} of its markers are on fingers, by their names"
    decision = Decision("hands", " and ".join(named), "file", reason)
    return HandPoints(positions, confidence, on_skin=True), decision


def _unflipped(flipped: bool) -> np.ndarray:
    return np.array([1.0, -1.0 if flipped else 1.0, 1.0])


def _ordered(raw: RawTrack, match: Match) -> tuple[np.ndarray, np.ndarray | None]:
    """Positions (T,K,3) and confidence (T,K) in the layout's order, NaN and 0 where the file has no
    such keypoint; the file's own arrays where they are in that order."""
    if list(match.columns) == list(range(raw.positions.shape[1])):
        return raw.positions, raw.confidence
    columns = {k: column for k, column in enumerate(match.columns) if column is not None}
    has = list(columns)
    positions = np.full((len(raw.positions), len(match.layout), 3), np.nan)
    for k, column in columns.items():
        positions[:, k] = raw.positions[:, column]
    if raw.confidence is None:
        return positions, None
    confidence = np.zeros(positions.shape[:2])
    confidence[:, has] = raw.confidence[:, list(columns.values())]
    return positions, confidence


def _judged(layout: Layout, positions: np.ndarray) -> Layout | None:
    """What unit and axes are judged by: of a marker set, the joints near its markers, or None where
    those are few."""
    if layout.name != LAYOUT_NAME:
        return layout
    joints = stand_ins(layout)
    return joints if units.measure_stature(positions, joints) > 0 else None


def _decide_fps(
    given: float | None, stated: float | None, usual: float | None, source: str
) -> tuple[float, Decision]:
    if given is not None:
        return float(given), Decision("fps", f"{given:g}", "given")
    if stated is not None and math.isfinite(stated) and stated > 0:
        if not is_rate(stated):
            raise KeypointFileError(
                f"{source}: the file states {stated:.6g} frames a second; takes have {SLOWEST:g} "
                f"to {FASTEST:,.0f}. Say how many with --fps"
            )
        return stated, Decision("fps", f"{stated:g}", "file")
    if usual is not None:
        reason = "the file states no frame rate, its form usually has this one; --fps sets it"
        return usual, Decision("fps", f"{usual:g}", "assumed", reason)
    return DEFAULT_FPS, Decision(
        "fps", f"{DEFAULT_FPS:g}", "assumed", "the file states no frame rate; --fps sets it"
    )
