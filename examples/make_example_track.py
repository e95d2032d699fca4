"""Writes `walk_and_wave.trc`, a made-up take: somebody walks up, turns to us and waves. Nothing in it was captured.
And the same with hands, `walk_and_wave_with_hands.trc`.

    python examples/make_example_track.py [OUT-FOLDER]

The feet are planned first and never slide; the pelvis travels between them, the legs follow by two-bone inverse
kinematics, and spine and arms swing against the legs; hands are loosely closed, and the one that waves opens. The
keypoints are OpenPose's BODY_25 on the open body, and the fingers of its two hands, with 3 mm of noise (2 mm of the
hands') and some missing, as from a good set of cameras. Y up, metres, 30 Hz.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import lsmpl_core as lsmpl
from lsmpl_core.body.fingers import Fingers
from lsmpl_core.body.skeleton import JOINT_NAMES, PARENTS
from lsmpl_core.keypoints.hand_points import FINGERS
from lsmpl_core.rotation import exp_map, log_map

OUT = Path(__file__).parent
FPS, SECONDS = 30, 6.0
BETAS = np.array([0.6, -0.8, 0.3, 0, 0, 0, 0, 0, 0, 0])
STAND, STEP_TIME, DOUBLE_SUPPORT = 0.3, 0.5, 0.13
"""Seconds: standing at first, from one footfall to the next, with both feet on the ground."""
HEADINGS = np.radians([90, 90, 90, 78, 50, 22, 2, 0])
"""Direction of each step, 0 towards +Z: along +X at first, then turning to us."""
STEP_LENGTHS = (0.30, 0.52, 0.55, 0.52, 0.40, 0.28, 0.14, 0.0)
FOOT_APART = 0.10
"""Metres from the path to each ankle."""
TRC_NAMES = [
    *("Nose", "Neck", "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist", "MidHip", "RHip", "RKnee"),
    *("RAnkle", "LHip", "LKnee", "LAnkle", "REye", "LEye", "REar", "LEar", "LBigToe", "LSmallToe", "LHeel"),
    *("RBigToe", "RSmallToe", "RHeel"),
]
HAND_NAMES = [
    f"{side}Hand{finger}{number}"
    for side in "LR"
    for finger in ("Thumb", "Index", "Middle", "Ring", "Little")
    for number in (1, 2, 3, 4)
]


@dataclass
class Foot:
    """Where one foot is: ankle (T,3), heading (T,) about Y and pitch (T,), toes down positive; toes (T,) bend up."""

    ankle: np.ndarray
    heading: np.ndarray
    pitch: np.ndarray
    toes: np.ndarray


def main(out: Path = OUT) -> None:
    body = lsmpl.load_body()
    track = body.keypoints(make_motion(body), "body_25")
    hands = track.hands.positions[:, :, 1:].reshape(len(track), len(HAND_NAMES), 3)
    seen = spoil(track.positions)
    write_trc(out / "walk_and_wave.trc", TRC_NAMES, seen, track.fps)
    seen = np.concatenate([seen, spoil_hands(hands)], axis=1)
    write_trc(out / "walk_and_wave_with_hands.trc", [*TRC_NAMES, *HAND_NAMES], seen, track.fps, digits=3)


def make_motion(body: lsmpl.Body) -> lsmpl.Motion:
    """The motion without noise."""
    times = np.arange(round(FPS * SECONDS)) / FPS
    rest = dict(zip(JOINT_NAMES, body.rest_joints(BETAS)))
    floor = body.rest_vertices(BETAS)[:, 1].min()
    footfalls = plan_footfalls()
    feet = {side: move_foot(times, footfalls[side], rest, side, floor) for side in ("left", "right")}
    pelvis, pelvis_turn, walking = move_pelvis(times, feet, rest)
    turns = {"pelvis": pelvis_turn}
    swing = sum(
        sign * ((foot.ankle - pelvis) * facing(pelvis_turn)).sum(axis=1)
        for sign, foot in ((1, feet["left"]), (-1, feet["right"]))
    )
    for side, foot in feet.items():
        turns |= bend_leg(side, foot, pelvis, pelvis_turn, rest)
    turns |= hold_up(times, pelvis_turn, swing, walking)
    turns |= swing_arms(times, turns["spine3"], swing, walking)
    poses = np.array([local_turns(turns)[joint] for joint in JOINT_NAMES]).transpose(1, 0, 2, 3)
    # From Y up to Z up, as motions are.
    up = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    poses[:, 0] = up @ poses[:, 0]
    fingers = close_hands(times, body.fingers)
    trans = pelvis @ up.T - rest["pelvis"]
    return lsmpl.Motion(log_map(poses), trans, BETAS, FPS, body=body.key, fingers=fingers)


def plan_footfalls() -> dict[str, list[tuple[float, np.ndarray, float]]]:
    """Time, place on the floor below the ankle (x, z) and heading of every footfall, left and right."""
    place = np.array([-1.75, -0.7])
    footfalls = {"left": [], "right": []}

    def put(side: str, time: float, heading: float) -> None:
        outwards = np.array([np.cos(heading), -np.sin(heading)]) * (FOOT_APART if side == "left" else -FOOT_APART)
        footfalls[side].append((time, place + outwards, heading))

    put("left", 0.0, HEADINGS[0])
    put("right", 0.0, HEADINGS[0])
    for number, (heading, length) in enumerate(zip(HEADINGS, STEP_LENGTHS)):
        place = place + length * np.array([np.sin(heading), np.cos(heading)])
        put("right" if number % 2 else "left", STAND + (number + 1) * STEP_TIME, heading)
    return footfalls


def move_foot(times, footfalls, rest, side: str, floor: float) -> Foot:
    """From footfall to footfall: the heel rises over the ball of the foot, swings, and lands on the heel."""
    ankle_rest, ball_rest = rest[f"{side}_ankle"], rest[f"{side}_foot"]
    height = ankle_rest[1] - floor
    to_ball = ball_rest - ankle_rest
    to_heel = np.array([0.0, -height, -0.05])
    ankle, heading, pitch, toes = np.zeros((len(times), 3)), *np.zeros((3, len(times)))

    def stand(footfall, tilt: float) -> np.ndarray:
        """The ankle of a planted foot whose heel (tilt > 0) or ball (tilt < 0) is off the ground."""
        _, (x, z), angle = footfall
        pivot = to_ball if tilt > 0 else to_heel
        moved = pivot - about("x", tilt) @ pivot
        return np.array([x, height, z]) + about("y", angle) @ moved

    for i, time in enumerate(times):
        now = max(n for n, footfall in enumerate(footfalls) if footfall[0] <= time)
        here = footfalls[now]
        after = footfalls[now + 1] if now + 1 < len(footfalls) else None
        heading[i] = here[2]
        length = 0.0 if after is None else float(np.linalg.norm(after[1] - here[1]))
        lift = after[0] - STEP_TIME + DOUBLE_SUPPORT if after else np.inf
        rise, strike = np.radians(38) * min(1, length / 1.0), np.radians(-16) * min(1, length / 1.0)
        landed = np.linalg.norm(here[1] - footfalls[now - 1][1]) if now else 0.0
        tilt = np.radians(-16) * min(1, landed) * (1 - smooth((time - here[0]) / 0.12))
        if time >= lift:
            share = (time - lift) / (after[0] - lift)
            start, end = stand(here, rise), stand(after, strike)
            s = smooth(share)
            ankle[i] = (1 - s) * start + s * end
            ankle[i, 1] += (0.035 + 0.03 * min(1, length)) * np.sin(np.pi * share) ** 2
            heading[i] = here[2] + s * (after[2] - here[2])
            pitch[i] = rise * (1 - smooth(share / 0.7)) + strike * smooth((share - 0.35) / 0.65)
            toes[i] = rise * (1 - smooth(share / 0.35))
            continue
        raised = rise * smooth((time - (lift - 0.28)) / 0.28, power=2) if after else 0.0
        pitch[i], toes[i] = tilt + raised, raised
        ankle[i] = stand(here, tilt + raised)
    return Foot(ankle, heading, pitch, toes)


def move_pelvis(times, feet, rest):
    """Pelvis (T,3), its rotation (T,3,3), and how much of a walk it is (T,), 0 to 1."""
    left, right = feet["left"], feet["right"]
    middle = 0.5 * (left.ankle + right.ankle)
    heading = blur(0.5 * (left.heading + right.heading), 0.2)
    over = (support_side(feet, middle) * sideways(heading)).sum(axis=1)
    course = blur(middle, 0.16) + 0.35 * blur(over, 0.09)[:, None] * sideways(heading)
    speed = np.linalg.norm(np.gradient(course[:, [0, 2]], 1 / FPS, axis=0), axis=1)
    walking = np.clip(blur(speed, 0.15) / 1.0, 0, 1)
    forward = np.stack([np.sin(heading), 0 * heading, np.cos(heading)], axis=1)
    ahead = ((left.ankle - right.ankle) * forward).sum(axis=1)
    lateral = blur(np.sign(over), 0.1) * walking
    # The hip of the leading leg turns forward, that of the swinging leg sinks.
    turn = (
        about("y", heading - 0.16 * blur(ahead, 0.05)) @ about("z", 0.05 * lateral) @ about("x", 0.03 + 0.03 * walking)
    )
    legs = {s: rest[f"{s}_hip"] - rest["pelvis"] for s in feet}
    reach = {
        s: np.linalg.norm(rest[f"{s}_knee"] - rest[f"{s}_hip"]) + np.linalg.norm(rest[f"{s}_ankle"] - rest[f"{s}_knee"])
        for s in feet
    }
    highest = np.full(len(times), np.inf)
    for side, foot in feet.items():
        hip = course + turn @ legs[side]
        flat = np.linalg.norm((hip - foot.ankle)[:, [0, 2]], axis=1)
        top = foot.ankle[:, 1] + np.sqrt((0.994 * reach[side]) ** 2 - flat**2)
        highest = np.minimum(highest, top - (hip - course)[:, 1])
    pelvis = course.copy()
    lowest_nearby = np.array([highest[max(0, i - 2) : i + 3].min() for i in range(len(times))])
    pelvis[:, 1] = blur(lowest_nearby, 0.05) - 0.006
    return pelvis, turn, walking


def support_side(feet, middle) -> np.ndarray:
    """(T,3): from the middle to the foot that is on the ground; zero where both are."""
    down = {s: smooth(1 - (f.ankle[:, 1] - f.ankle[:, 1].min()) / 0.04) for s, f in feet.items()}
    total = down["left"] + down["right"] + 1e-6
    at = sum(down[s][:, None] * feet[s].ankle for s in feet) / total[:, None]
    return (at - middle) * np.array([1.0, 0.0, 1.0])


def bend_leg(side: str, foot: Foot, pelvis, pelvis_turn, rest) -> dict[str, np.ndarray]:
    """World rotations (T,3,3) of hip, knee, ankle and foot that put the ankle where it is to be."""
    hip = pelvis + pelvis_turn @ (rest[f"{side}_hip"] - rest["pelvis"])
    thigh = rest[f"{side}_knee"] - rest[f"{side}_hip"]
    shin = rest[f"{side}_ankle"] - rest[f"{side}_knee"]
    a, b = np.linalg.norm(thigh), np.linalg.norm(shin)
    line = foot.ankle - hip
    d = np.minimum(np.linalg.norm(line, axis=1), 0.9995 * (a + b))
    along = line / np.linalg.norm(line, axis=1, keepdims=True)
    sole = about("y", foot.heading) @ about("x", foot.pitch)
    forward = facing(about("y", foot.heading)) + facing(pelvis_turn)
    forward = unit(forward - (forward * along).sum(axis=1, keepdims=True) * along)
    cosine = (a**2 + d**2 - b**2) / (2 * a * d)
    knee = hip + a * (cosine[:, None] * along + np.sqrt(1 - cosine**2)[:, None] * forward)
    across = np.cross(along, -forward)  # the person's left
    return {
        f"{side}_hip": aim(thigh, knee - hip, across),
        f"{side}_knee": aim(shin, hip + d[:, None] * along - knee, across),
        f"{side}_ankle": sole,
        f"{side}_foot": sole @ about("x", -foot.toes),
    }


def hold_up(times, pelvis_turn, swing, walking) -> dict[str, np.ndarray]:
    """World rotations of spine, neck and head: the chest turns against the pelvis, the head looks where we go."""
    heading = np.unwrap(np.arctan2(facing(pelvis_turn)[:, 0], facing(pelvis_turn)[:, 2]))
    course = blur(heading, 0.15)
    ahead = np.append(course[6:], np.repeat(course[-1], 6))  # one looks where one is about to go
    counter = 0.20 * blur(swing, 0.05)
    breath = 0.012 * np.sin(2 * np.pi * times / 3.2)
    greet = blur(waving(times), 0.1)
    chest = about("y", course + counter) @ about("x", 0.05 * walking + 0.02 - breath) @ about("z", -0.05 * greet)
    nod = 0.05 * np.exp(-(((times - 4.75) / 0.14) ** 2))
    head = about("y", ahead) @ about("x", 0.03 * walking + nod) @ about("z", 0.07 * greet)
    return {
        "spine1": between(pelvis_turn, chest, 0.3),
        "spine2": between(pelvis_turn, chest, 0.65),
        "spine3": chest,
        "neck": between(chest, head, 0.4),
        "head": head,
    }


def swing_arms(times, chest, swing, walking) -> dict[str, np.ndarray]:
    """World rotations of collars, shoulders, elbows and wrists; the right arm ends up waving."""
    wave = waving(times)
    rise = smooth((wave - 0.0) / 1.0)
    shake = rise * np.sin(2 * np.pi * 1.9 * (times - 4.4))
    turns = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        forwards = -sign * blur(swing, 0.06)  # metres by which the other foot is ahead
        flex = 0.26 + 0.22 * walking * np.clip(0.5 + forwards, 0, 1.2)
        hang = about("x", -0.48 * forwards) @ about("z", -sign * (1.30 + 0.03 * walking)) @ about("x", -0.12)
        collar = about("z", -sign * 0.06)
        elbow = about("y", -sign * flex)
        wrist = about("x", np.zeros(len(times)))
        if side == "right":
            lifted = about("y", -0.42) @ about("z", 0.02 - 0.06 * shake) @ about("x", -1.35)
            hang, collar = between(hang, lifted, rise), between(collar, about("z", -0.16), rise)
            elbow = between(elbow, about("y", 1.62 - 0.34 * shake), rise)
            wrist = between(wrist, about("y", -0.20 - 0.30 * np.roll(shake, 2)), rise)
        turns[f"{side}_collar"] = chest @ collar
        turns[f"{side}_shoulder"] = turns[f"{side}_collar"] @ np.swapaxes(collar, -1, -2) @ hang
        turns[f"{side}_elbow"] = turns[f"{side}_shoulder"] @ elbow
        turns[f"{side}_wrist"] = turns[f"{side}_elbow"] @ wrist
        turns[f"{side}_hand"] = turns[f"{side}_wrist"]
    return turns


def close_hands(times, fingers: Fingers) -> np.ndarray:
    """Axis-angles (T,30,3): both hands loosely closed, opening and closing a little with the steps; the right one
    opens and spreads as it goes up."""
    bends = np.radians([[18, 28, 16], [26, 34, 18], [36, 40, 22], [31, 38, 20], [6, 14, 16]])
    spreads = np.radians([-7.0, 0.0, 11.0, 5.0, -4.0])
    swing = 1.0 + 0.15 * np.sin(2 * np.pi * times / (2 * STEP_TIME))
    q = np.zeros((len(times), 2, len(FINGERS), 3, 3))  # of each joint its bend, spread and twist
    q[..., 0] = bends * swing[:, None, None, None]
    opened = blur(waving(times), 0.08)[:, None]
    q[:, 1, :, :, 0] *= 1.0 - 0.95 * opened[..., None]
    q[:, 1, :, 0, 1] = spreads * opened
    turned = fingers.frames @ q.reshape(len(times), 2, 3 * len(FINGERS), 3, 1)
    return fingers.angles_of(exp_map(turned[..., 0]))


def waving(times) -> np.ndarray:
    """0 to 1: how far the hand is up."""
    return smooth((times - 3.55) / 0.75)


def local_turns(world: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Each joint's rotation from its parent's."""
    parents = {name: JOINT_NAMES[parent] for name, parent in zip(JOINT_NAMES, PARENTS) if parent >= 0}
    return {
        name: np.swapaxes(world[parents[name]], -1, -2) @ turn if name in parents else turn
        for name, turn in world.items()
    }


def about(axis: str, angle) -> np.ndarray:
    """Rotation matrices (...,3,3) about a coordinate axis."""
    return exp_map(np.asarray(angle, dtype=float)[..., None] * np.eye(3)["xyz".index(axis)])


def between(a: np.ndarray, b: np.ndarray, share) -> np.ndarray:
    """The rotation `share` of the way from a to b."""
    return a @ exp_map(np.asarray(share, dtype=float)[..., None] * log_map(np.swapaxes(a, -1, -2) @ b))


def aim(rest_direction, direction, across) -> np.ndarray:
    """(T,3,3): turns a limb from its rest direction into `direction`, its rest +X as nearly as can be to `across`."""

    def frame(along, side):
        along = unit(along)
        side = unit(side - (side * along).sum(axis=-1, keepdims=True) * along)
        return np.stack([side, along, np.cross(side, along)], axis=-1)

    return frame(direction, across) @ frame(rest_direction, np.array([1.0, 0, 0])).T


def facing(turn: np.ndarray) -> np.ndarray:
    """(T,3): where +Z has turned."""
    return turn[..., 2]


def sideways(heading: np.ndarray) -> np.ndarray:
    """(T,3): the person's left."""
    return np.stack([np.cos(heading), 0 * heading, -np.sin(heading)], axis=1)


def unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def smooth(x, power: int = 1):
    """0 below 0, 1 above 1, and an S between; a higher power starts later."""
    x = np.clip(x, 0, 1) ** power
    return x * x * x * (10 + x * (6 * x - 15))


def blur(values: np.ndarray, seconds: float) -> np.ndarray:
    """Gaussian of that standard deviation along time, with the ends held."""
    reach = int(4 * seconds * FPS) + 1
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (seconds * FPS)) ** 2)
    padded = np.pad(values, [(reach, reach)] + [(0, 0)] * (values.ndim - 1), mode="edge")
    return np.apply_along_axis(lambda column: np.convolve(column, kernel / kernel.sum(), "valid"), 0, padded)


def spoil(positions: np.ndarray, seed: int = 7) -> np.ndarray:
    """3 mm of noise, one keypoint in a hundred missing, and two wrists and an ear out of sight for a while."""
    rng = np.random.default_rng(seed)
    positions = positions + rng.normal(0, 0.003, positions.shape)
    positions[rng.random(positions.shape[:2]) < 0.01] = np.nan
    for name, first, last in (("LWrist", 30, 42), ("LElbow", 33, 40), ("LEar", 0, 60), ("RWrist", 96, 104)):
        positions[first:last, TRC_NAMES.index(name)] = np.nan
    return positions


def spoil_hands(positions: np.ndarray, seed: int = 8) -> np.ndarray:
    """2 mm of noise, and one point in fifty missing."""
    rng = np.random.default_rng(seed)
    positions = positions + rng.normal(0, 0.002, positions.shape)
    positions[rng.random(positions.shape[:2]) < 0.02] = np.nan
    return positions


def write_trc(path: Path, names: list[str], positions: np.ndarray, fps: float, digits: int = 4) -> None:
    """positions (T,K,3), Z up; a missing keypoint leaves its cells empty."""
    frames, count = positions.shape[:2]
    y_up = positions[..., [0, 2, 1]] * (1, 1, -1)
    lines = [
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"{fps:g}\t{fps:g}\t{frames}\t{count}\tm\t{fps:g}\t1\t{frames}",
        "Frame#\tTime\t" + "\t\t\t".join(names) + "\t\t",
        "\t\t" + "\t".join(f"X{n}\tY{n}\tZ{n}" for n in range(1, count + 1)),
        "",
    ]
    for number, row in enumerate(y_up):
        cells = ["" if np.isnan(value) else f"{value:.{digits}f}" for value in row.ravel()]
        lines.append("\t".join([str(number + 1), f"{number / fps:.4f}", *cells]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:2]))
