"""Calibration of a marker set: where on the body each marker of a subject sits, and the subject's
shape, from takes.

Names tell roughly where most markers sit (`markers.py`). Frames well apart from each other are
posed with those, and then poses, betas and marker offsets are improved in turn: the poses by the
polish, betas and offsets together by `shape.refine_shape`, which leaves out what other poses would
explain as well. Offsets are drawn to the place that the name says, along the skin by the sigma of
that place and, more firmly, to the skin. A marker whose name says nothing, or something that the
take contradicts, is given to the bone that it moves with, if its skin is near.

Sites follow whatever poses they are found with. So the first rounds are gone twice, as a person's
and as a skeleton's with hinges (`solver/hinges.py`), until it is seen which the take is of.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

import numpy as np

from ..backends.threads import on_one_thread
from ..body.body import Body
from ..body.landmarks import UNPLACED, parse_landmark
from ..body.sites import site_parts
from ..calibration.calibration import Calibration, of_keypoints
from ..frames import evenly
from ..keypoints.layouts import Layout
from ..keypoints.track import Decision, KeypointTrack
from ..progress import Progress, run_to_end
from ..repair.gaps import bridge_gaps
from ..repair.reach import find_out_of_reach, reaches
from ..solver.limb_planes import Sharing
from .marker_fit import CONTRADICTED, MarkerFit

CALIBRATION_FRAMES = 32
"""Frames of all takes together that are calibrated on."""
CALIBRATION_ROUNDS = (4, 4, 4)
"""Rounds of poses and shape: with the markers that are known, with those found besides, and of
all."""
MOVED_MARKER = 0.06
"""Metres by which the places of a marker in two takes differ that are not the same place."""
FARTHEST_FROM_PELVIS = 1.3
"""Metres from there at which a marker may be that is anywhere on the body."""
MOST_FRAMES_AGREE = 0.75
"""Share of the frames that have to speak for hinges."""
CLEARLY_HINGED = 3.0
"""Logarithm of the odds by which each of them has to, because a person may walk much as hinges do:
takes of walking people have 1.8 at most and mostly less than -5, motion with hinges 4 to 14
(`docs/markers.md`)."""
ONE_POSE = np.radians(2.0)
"""Radians by which joints turn where all frames show one pose: static trials have 0.2 degrees,
walking 5 and more."""
ELSEWHERE = 0.05
"""Share of its frames in which a marker without a known place is out of the body's reach from which
on it is on none of its bones, whichever it moves with for a while."""


def needs_calibration(layout: Layout) -> bool:
    """Whether a layout is a marker set: its sites are places on the skin, or not known."""
    return any(site == UNPLACED or parse_landmark(site) for site in layout.sites)


def calibrate(
    tracks: Sequence[KeypointTrack],
    body: Body,
    *,
    betas: np.ndarray | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Calibration:
    """Calibrate a subject's markers on takes of the same subject and marker set, static trials
    among them or not.

    The last take decides where they disagree about a marker. betas (10,) are taken as true; None
    means estimate. Raises `SolveError` where no frame shows enough known markers.
    """
    return run_to_end(calibrate_steps(tracks, body, betas=betas), progress)


@on_one_thread
def calibrate_steps(
    tracks: Sequence[KeypointTrack], body: Body, *, betas: np.ndarray | None = None
) -> Generator[Progress, None, Calibration]:
    """`calibrate` as a generator: yields `Progress` and returns the `Calibration`."""
    tracks = [_within_reach(track, body) for track in tracks]
    tracks, elsewhere = yield from _agreeing(tracks, body, betas)
    calibration = yield from _fit_steps(tracks, body, betas)
    return replace(calibration, decisions=(*calibration.decisions, *elsewhere))


def _fit_steps(
    tracks: Sequence[KeypointTrack], body: Body, betas: np.ndarray | None
) -> Generator[Progress, None, Calibration]:
    # A person and a skeleton with hinges until the first stage is over.
    track, total = _pooled(tracks), sum(CALIBRATION_ROUNDS)
    kinds = Sharing.of_anybody(), Sharing.of_hinges()
    fits = [MarkerFit(track, body, betas, sharing) for sharing in kinds]
    yield Progress("markers", 0, total)
    for fit in fits:
        fit.begin()
    done = 0
    for stage, rounds in enumerate(CALIBRATION_ROUNDS):
        for _ in range(rounds):
            for fit in fits:
                fit.improve(settled=stage > 0)
            done += 1
            yield Progress("markers", done, total, fits[0].residual)
        if stage == 0:
            fits = [likelier(*fits)]
        if stage < len(CALIBRATION_ROUNDS) - 1:
            fits[0].find_markers()
    return fits[0].result()


def likelier(anybody: MarkerFit, hinged: MarkerFit) -> MarkerFit:
    """That of two fits of the same frames which the motion is of: a person's, unless nearly all
    frames speak for hinges, and are not of a single pose, which any skeleton can take."""
    more = hinged.log_evidence() - anybody.log_evidence()
    clear = np.quantile(more, 1.0 - MOST_FRAMES_AGREE) > CLEARLY_HINGED
    return hinged if clear and anybody.liveliness > ONE_POSE else anybody


def _agreeing(
    tracks: Sequence[KeypointTrack], body: Body, betas: np.ndarray | None
) -> Generator[Progress, None, tuple[Sequence[KeypointTrack], tuple[Decision, ...]]]:
    """Yields `Progress` and returns the takes without the markers that sit elsewhere than in the
    last one, and the `Decision`s about those.

    A head band that was put on again, or labelled the other way round, would spoil the calibration
    of both takes.
    """
    if len(tracks) < 2:
        return tracks, ()
    last = yield from _fit_steps(tracks[-1:], body, betas)
    agreeing, decisions = [], []
    for track in tracks[:-1]:
        alone = yield from _fit_steps([track], body, last.betas if betas is None else betas)
        both = [
            name
            for name in track.layout.keypoints
            if name in alone.keypoints and name in last.keypoints
        ]
        places = (
            [c.parts(body, _named(track, both)).rest_positions(last.betas) for c in (alone, last)]
            if both
            else [0, 0]
        )
        far = np.linalg.norm(np.subtract(*places).reshape(-1, 3), axis=1) > MOVED_MARKER
        bones = np.array([last.keypoints[name].parent_joint for name in both])
        for bone in np.unique(bones[far]):
            far[bones == bone] |= far[bones == bone].mean() >= CONTRADICTED
        moved = [name for name, off in zip(both, far) if off]
        confidence = track.confidence.copy()
        confidence[:, [track.layout.index(name) for name in moved]] = 0.0
        agreeing.append(replace(track, confidence=confidence))
        if moved:
            listed = f"{', '.join(moved[:20])}{', ...' if len(moved) > 20 else ''}"
            reason = (
                f"sit elsewhere in {track.source or 'the trial'}, or have other names there, so it "
                f"has no say: {listed}"
            )
            decisions.append(Decision("moved", f"{len(moved)} markers", "detected", reason))
    return [*agreeing, tracks[-1]], tuple(decisions)


def _within_reach(track: KeypointTrack, body: Body) -> KeypointTrack:
    """The track without markers that are farther off than any place on the body (`repair.reach`).

    Short whiles in which they are so, or missing, are bridged, for the frames to be chosen, and
    what is found on them, to hang neither on a few wild ones nor on which these are. What is out of
    reach for long is a thing: starting blocks rest with a sprinter's feet before they are left
    behind.
    """
    layout = track.layout
    landmarks = [parse_landmark(site) for site in layout.sites]
    uncertain = [2.0 * landmark.sigma if landmark else 0.0 for landmark in landmarks]
    unplaced = np.array([site == UNPLACED for site in layout.sites])
    slack = np.where(unplaced, FARTHEST_FROM_PELVIS, uncertain)
    reach = reaches(body, site_parts(body, layout.sites))
    far = (
        find_out_of_reach(track.positions, reach, np.array(layout.mirror), slack) & ~track.undoubted
    )
    far[:, unplaced & (far.sum(axis=0) > ELSEWHERE * track.visible.sum(axis=0))] = True
    positions = np.where(far[..., None], np.nan, track.positions)
    positions, confidence = bridge_gaps(positions, np.where(far, 0.0, track.confidence), track.fps)
    return replace(track, positions=positions, confidence=confidence)


def _named(track: KeypointTrack, names: Sequence[str]) -> Layout:
    return of_keypoints(track, [track.layout.index(name) for name in names]).layout


# The frames to calibrate on


def _pooled(tracks: Sequence[KeypointTrack]) -> KeypointTrack:
    """One track of well-chosen frames of all takes, of all their markers."""
    sites: dict[str, str] = {}
    for track in tracks:
        sites.update(zip(track.layout.keypoints, track.layout.sites))
    layout = Layout(tracks[0].layout.name, tuple(sites), sites=tuple(sites.values()))
    positions, confidence = [], []
    for track in tracks:
        frames = chosen_frames(track, max(CALIBRATION_FRAMES // len(tracks), 4))
        rows = [layout.index(name) for name in track.layout.keypoints]
        some = np.full((len(frames), len(layout), 3), np.nan)
        some[:, rows] = track.positions[frames]
        weight = np.zeros(some.shape[:2])
        weight[:, rows] = track.confidence[frames]
        positions.append(some)
        confidence.append(weight)
    source = next((track.source for track in tracks if track.source), "")
    return KeypointTrack(
        np.concatenate(positions), np.concatenate(confidence), layout, 1.0, source=source
    )


def chosen_frames(track: KeypointTrack, count: int) -> np.ndarray:
    """Up to `count` well-seen frames: half of them spread over the take, half as unlike each other
    as possible.

    Likeness is in distances between markers, which neither place nor heading changes.
    """
    seen = track.confidence.sum(axis=1)
    well = np.flatnonzero(seen >= 0.8 * np.percentile(seen, 98))
    well = well[evenly(len(well), 600)]
    if len(well) <= count:
        return well
    often = np.flatnonzero(track.visible[well].mean(axis=0) > 0.8)
    rng = np.random.default_rng(0)
    pairs = rng.choice(often if len(often) > 1 else len(track.layout), size=(2, 100))
    apart = np.linalg.norm(
        track.positions[well][:, pairs[0]] - track.positions[well][:, pairs[1]], axis=2
    )
    apart = _bridged(apart)
    chosen = list(evenly(len(well), count // 2))
    nearest = np.min([np.abs(apart - apart[c]).mean(axis=1) for c in chosen], axis=0)
    while len(chosen) < count:
        chosen.append(int(np.argmax(nearest)))
        nearest = np.minimum(nearest, np.abs(apart - apart[chosen[-1]]).mean(axis=1))
    return well[np.unique(chosen)]


def _bridged(values: np.ndarray) -> np.ndarray:
    """(N,P) with what is missing interpolated in time: a frame is no more unlike the others for
    what it lacks."""
    out, at = np.zeros_like(values), np.arange(len(values))
    for column, series in enumerate(values.T):
        seen = np.isfinite(series)
        if seen.any():
            out[:, column] = np.interp(at, at[seen], series[seen])
    return out
