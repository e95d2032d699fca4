"""Smoothing without lag: all frames at once, every joint's rotation and the translation by one
common smoother.

The smoother is Whittaker's: it minimises sum_t |x_t - y_t|² + sum_t λ_t |third difference of x at
t|². It responds like a third-order Butterworth filter run forwards and backwards, but has proper
ends (parabolas pass unchanged) and may be stiffer in one place than in another (Eilers, *A perfect
smoother*, 2003).

All joints share λ: errors of hip and knee that cancel at the foot still cancel when both are
smoothed alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import LsmplError
from ..motion import Motion
from ..rotation import exp_map, log_map, orthonormalise
from ..solver.banded import add_differences, solve_diagonals

FULL_STRENGTH = 0.95
"""Strength above this counts as this: the cutoff is a quarter of what the noise calls for."""
ANYWAY = 6.0
"""Hz: strength s above 0.5 smooths, whatever the noise is, with a cutoff of at most sqrt((1 - s) /
(s - 0.5)) times this. Motion that was polished together has no noise left to see, and may still be
wanted calmer."""
NATURAL_JITTER = np.radians(0.7)
"""Radians: joints that tremble less than this, frame by frame, are taken to have moved so; recorded
motion has 0.25."""
LIVELINESS = 0.3
"""Seconds over which the liveliness of a motion is averaged."""
MOST_UNEVEN = 100.0
"""How much more or less than its usual one the stiffness of a place can be."""
FEWEST_FRAMES = 12
PASSES = 2
_ORDER = 3
_CANDIDATES = 2.0 ** np.arange(-6, 33)
_BODY = 22
"""Joints that are looked at to find the noise: those of the hands hardly move by themselves."""


@dataclass(frozen=True)
class Smoothness:
    """How a motion is smoothed: stiffness (T-3,) is λ, jitter the estimated noise of its joints in
    radians (one standard deviation of one axis), cutoff in Hz where λ is at its mean."""

    stiffness: np.ndarray
    jitter: float
    cutoff: float


def smooth(motion: Motion, strength: float = 0.5) -> Motion:
    """The motion without the noise that is in it, as `find_smoothness` sees it.

    strength from 0 (nothing happens) to 1: at 0.5 the cutoff is what the noise calls for, at s it
    is sqrt((1 - s) / s) times that; above 0.5 even a motion without noise becomes calmer
    (`ANYWAY`). Turning the whole motion and then smoothing it is the same as smoothing and then
    turning. Raises `LsmplError` for a strength out of range.
    """
    check_strength(strength)
    if strength == 0.0 or len(motion) < FEWEST_FRAMES:
        return motion
    return apply_smoothness(motion, find_smoothness(motion, strength).stiffness)


def check_strength(strength: float) -> None:
    """Raise `LsmplError` unless it is one."""
    if not 0.0 <= strength <= 1.0:
        raise LsmplError(f"the strength of smoothing is {strength}; expected 0 (none) to 1")


def find_smoothness(motion: Motion, strength: float = 0.5) -> Smoothness:
    """How stiff the smoother should be, from the motion itself.

    The third differences of every series are taken for white noise seen through the differences,
    with standard deviation σ, and the motion's own, with variance q: the maximum of Whittle's
    likelihood gives λ = σ²/q for each joint. Where the motion is livelier than on average q is
    larger, which leaves a kick its peak.
    """
    series = np.concatenate([_unrolled(exp_map(motion.poses)), motion.trans], axis=1)
    stiffness, noise = _whittle(series)
    moving = noise[:_BODY] > 0.0
    if not moving.any():
        return Smoothness(np.zeros(len(motion) - _ORDER), 0.0, motion.fps / 2.0)
    strength = min(strength, FULL_STRENGTH)
    jitter = float(np.sqrt(np.median(noise[:_BODY])))
    typical = _common_stiffness(stiffness[:_BODY][moving], jitter, strength)
    if strength > 0.5:
        typical = max(
            typical, stiffness_of(ANYWAY * ((1.0 - strength) / (strength - 0.5)) ** 0.5, motion.fps)
        )
    even = np.full(len(motion) - _ORDER, typical)
    jerk = np.diff(whittaker(series, even), _ORDER, axis=0)[:, : 3 * _BODY] ** 2
    scale = np.repeat(np.maximum(noise[:_BODY], 1e-3 * noise[:_BODY].max()), 3)
    lively = _averaged(np.sum(jerk / scale, axis=1), LIVELINESS * motion.fps)
    rest = np.log(np.maximum(lively, 1e-12 * lively.max() + 1e-300))
    uneven = np.clip(np.exp(rest.mean() - rest), 1.0 / MOST_UNEVEN, MOST_UNEVEN)
    return Smoothness(typical * uneven, jitter, cutoff(typical, motion.fps))


def apply_smoothness(motion: Motion, stiffness: np.ndarray) -> Motion:
    """The motion smoothed with λ = stiffness (T-3,).

    Rotations are smoothed as the curve that their turns from frame to frame, each in the joint's
    own frame, add up to (the development of the curve in the tangent space), so that nothing
    depends on where a rotation's axis-angle wraps or how often a dancer has turned. The development
    of a noisy curve is not quite that of the smooth one, so it is done again about the first
    result.
    """
    return replace(
        motion,
        poses=_smoothed(motion.poses, stiffness),
        trans=whittaker(motion.trans, stiffness),
    )


def smooth_fingers(motion: Motion, strength: float = 0.5) -> Motion:
    """The motion with its fingers smoothed by what their own noise calls for: keypoints of hands
    are as far off as a finger's bones are long, those of bodies are not.

    strength as in `smooth`. A motion without fingers, or too short to tell, stays as it is.
    """
    check_strength(strength)
    if motion.fingers is None or strength == 0.0 or len(motion) < FEWEST_FRAMES:
        return motion
    stiffness, noise = _whittle(_unrolled(exp_map(motion.fingers)))
    moving = noise > 0.0
    if not moving.any():
        return motion
    jitter = float(np.sqrt(np.median(noise[moving])))
    typical = _common_stiffness(stiffness[moving], jitter, min(strength, FULL_STRENGTH))
    even = np.full(len(motion) - _ORDER, typical)
    return replace(motion, fingers=_smoothed(motion.fingers, even))


def _common_stiffness(stiffness: np.ndarray, jitter: float, strength: float) -> float:
    """λ that joints share at a strength below 1: stiffness (G,) is λ of each that has noise, jitter
    that of all of them in radians. What trembles no more than people do is hardly smoothed."""
    typical = float(np.exp(np.log(stiffness).mean()))
    typical *= 1.0 - np.exp(-((jitter / NATURAL_JITTER) ** 4))
    return float(typical * (strength / (1.0 - strength)) ** _ORDER)


def _smoothed(angles: np.ndarray, stiffness: np.ndarray) -> np.ndarray:
    """Axis-angles (T,J,3) smoothed as curves of rotations, with λ = stiffness (T-3,)."""
    measured = exp_map(angles)
    rotations = measured
    for _ in range(PASSES):
        along = _unrolled(rotations)
        off = log_map(np.swapaxes(rotations, -1, -2) @ measured).reshape(along.shape)
        turn = whittaker(along + off, stiffness) - along
        rotations = rotations @ exp_map(turn.reshape(angles.shape))
    return log_map(orthonormalise(rotations))


def cutoff(stiffness: float, fps: float) -> float:
    """Hz at which the smoother with this λ lets half of the amplitude pass; half of fps where λ is
    next to nothing."""
    if stiffness <= 2.0 ** (-2 * _ORDER):
        return fps / 2.0
    return float(fps / np.pi * np.arcsin(0.5 * stiffness ** (-0.5 / _ORDER)))


def stiffness_of(cutoff: float, fps: float) -> float:
    """λ of the smoother that lets half of the amplitude pass at `cutoff` Hz."""
    return float((2.0 * np.sin(np.pi * min(cutoff / fps, 0.5))) ** (-2 * _ORDER))


def whittaker(series: np.ndarray, stiffness: np.ndarray) -> np.ndarray:
    """Smoothed series (T,S), T at least 4, for stiffness (T-3,).

    The normal equations have three diagonals beside the main one.
    """
    diagonals = np.zeros((_ORDER + 1, len(series)))
    diagonals[0] = 1.0
    add_differences(diagonals, _ORDER, stiffness)
    return solve_diagonals(diagonals, series)


def _unrolled(rotations: np.ndarray) -> np.ndarray:
    """(T,3J): the turns from frame to frame of rotations (T,J,3,3), each in its joint's own frame,
    added up."""
    turns = log_map(np.swapaxes(rotations[:-1], -1, -2) @ rotations[1:])
    return np.concatenate(
        [np.zeros((1, turns[0].size)), np.cumsum(turns.reshape(len(turns), -1), axis=0)]
    )


def _whittle(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """λ (G,) and noise variance σ² (G,) of groups of three of the series (T,3G)."""
    differences = np.diff(series, _ORDER, axis=0)
    window = np.hanning(len(differences) + 2)[1:-1, None]
    windowed = (differences - differences.mean(axis=0)) * window
    spectrum = np.abs(np.fft.rfft(windowed, axis=0))[1:] ** 2
    spectrum = spectrum.reshape(len(spectrum), -1, 3).mean(axis=2) / np.sum(window**2)
    frequency = np.arange(1, len(spectrum) + 1) / len(differences)
    gain = (2.0 * np.sin(np.pi * frequency)) ** (2 * _ORDER)

    # (L,F): of q, the noise seen through the differences included.
    shape = 1.0 + _CANDIDATES[:, None] * gain
    q = (1.0 / shape) @ spectrum / len(gain)
    cost = np.log(shape).sum(axis=1)[:, None] + len(gain) * np.log(np.maximum(q, 1e-300))
    best = np.argmin(cost, axis=0)
    stiffness = _CANDIDATES[best]
    return stiffness, stiffness * q[best, np.arange(len(best))]


def _averaged(values: np.ndarray, width: float) -> np.ndarray:
    """A moving average (N,) with a bell of about this width in frames."""
    reach = min(max(round(width / 2.0), 1), len(values) - 1)
    bell = np.hanning(2 * reach + 3)[1:-1]
    return np.convolve(np.pad(values, reach, mode="reflect"), bell / bell.sum(), mode="valid")
