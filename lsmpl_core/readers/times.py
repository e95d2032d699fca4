"""When each row of a file was: frame numbers and times, doubled rows and gaps. Gaps stay gaps;
nothing is closed up."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from ..bounds import are_whole
from ..keypoints.track import Decision
from .raw import RawTrack

MAX_GAP_GROWTH = 4
"""Frame numbers may stretch a take by this factor before they are not believed."""
_ON_THE_GRID = 0.3
"""Frames by which times may be off the rate that they suggest and still tell where frames are
missing."""

_CLOCK = re.compile(
    r"(?:(?P<date>\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})[T _,]{0,2}"
    r"|(?P<days>\d{1,6}) days? )?"
    r"(?:(?P<h>\d{1,2}):)?(?P<m>\d{1,2}):(?P<s>\d{2}(?:[.,]\d{1,9})?)\s*(?P<half>[ap]\.?m\.?)?"
    r"\s*(?:Z|[+-]\d{2}:?\d{2})?",
    re.I,
)
_WITH_UNIT = re.compile(r"([-+]?[\d.]{1,30}(?:e[-+]?\d{1,3})?)\s*(s|sec|ms|us|µs|ns)", re.I)
_SECONDS_OF_UNIT = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}

_TIMECODE = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})[:;](\d{1,3})(?:[.:]\d+)?")


def placed_in_time(raw: RawTrack, frames: np.ndarray | None, times: np.ndarray | None) -> RawTrack:
    """The rows of a track put where their frame numbers (T,), or else their times (T,), say that
    they are.

    A row that is there twice counts once; frames that are skipped become missing ones; both are
    told. The rate follows from the times where the file does not state one, or states another. NaN,
    or numbers that do not rise, are not used, nor are times that were rounded until rows of unlike
    places share them.
    """
    if frames is None and times is not None and raw.fps is None and _only_count(times):
        frames, times = times, None
    raw, frames, times = _one_of_takes(raw, frames, times)
    raw, frames, times = _in_order(raw, frames, times)
    if times is not None:
        raw = _at_the_rate_of(times, raw)
    if frames is not None and _are_frame_numbers(frames):
        keep = np.concatenate([[True], np.diff(frames) != 0])
        return fill_gaps(frames[keep], _without_doubles(raw, keep, "frame number"))
    if (
        times is None
        or not np.isfinite(times).all()
        or len(times) < 3
        or (np.diff(times) < 0).any()
        or _too_coarse(times, raw.positions)
    ):
        return raw
    keep = np.concatenate([[True], np.diff(times) > 0])
    raw, times = _without_doubles(raw, keep, "time"), times[keep]
    steps = np.diff(times)
    if not len(steps) or not np.median(steps) > 0:
        return raw
    frames_between = steps / np.median(steps)
    whole = np.round(frames_between)
    if np.abs(frames_between - whole).max() > _ON_THE_GRID or (whole < 1).any():
        return raw
    rows = np.concatenate([[0.0], np.cumsum(whole)])  # step by step, as times drift from any grid
    return replace(fill_gaps(rows, raw, "times"), first_frame=raw.first_frame)


def _only_count(times: np.ndarray) -> bool:
    """Whether what is called times counts rows from 0 or 1: at a thousand a second nobody begins at
    the first."""
    return len(times) > 2 and times[0] in (0, 1) and bool((np.diff(times) == 1).all())


def _one_of_takes(
    raw: RawTrack, frames: np.ndarray | None, times: np.ndarray | None
) -> tuple[RawTrack, np.ndarray | None, np.ndarray | None]:
    """Of takes below each other the longest: where frame numbers, or else times, begin anew and the
    body is elsewhere at once. A counter that overflows while the body goes on begins no take."""
    moments = times if frames is None else frames
    if moments is None or len(moments) != len(raw.positions) or not np.isfinite(moments).all():
        return raw, frames, times
    falls = np.flatnonzero(np.diff(moments) < 0)
    if not 0 < len(falls) <= _MOST_TAKES:
        return raw, frames, times
    usual = float(np.median(steps)) if len(steps := _steps(raw.positions)) else np.inf
    begins = [
        int(t) + 1
        for t in falls
        if any(step > ELSEWHERE * usual for step in _steps(raw.positions[t : t + 2]))
    ]
    ends = [*begins, len(moments)]
    lengths = np.diff([0, *ends])
    if not begins or len(begins) < len(falls) or np.median(lengths) < _SHORTEST_TAKE:
        return raw, frames, times
    longest = int(np.argmax(lengths))
    rows = slice(ends[longest] - lengths[longest], ends[longest])
    what = "times" if frames is None else "frame numbers"
    reason = (
        f"its {what} begin anew {len(begins)} times, with the body elsewhere: the longest is read, "
        f"rows {rows.start + 1} to {rows.stop}; the others belong in files of their own"
    )
    decision = Decision("take", f"{longest + 1} of {len(ends)}", "assumed", reason)
    raw = replace(raw.rows(rows), decisions=[*raw.decisions, decision])
    frames, times = (None if one is None else one[rows] for one in (frames, times))
    return raw, frames, times


ELSEWHERE = 5.0
"""Usual steps from a row to the next, beyond which the body is elsewhere at once."""
_SHORTEST_TAKE, _MOST_TAKES, _LOOKED_AT = 5, 1_000, 2_000


def _steps(positions: np.ndarray) -> np.ndarray:
    """How far points (T,K,3) typically go from a row to the next, of the first rows, where some are
    seen in both."""
    positions = positions[:_LOOKED_AT]
    with np.errstate(over="ignore", invalid="ignore"):
        far = np.linalg.norm(np.diff(positions, axis=0), axis=2)
    seen = np.isfinite(far)
    return np.array([np.median(row[there]) for row, there in zip(far, seen) if there.any()])


def _in_order(
    raw: RawTrack, frames: np.ndarray | None, times: np.ndarray | None
) -> tuple[RawTrack, np.ndarray | None, np.ndarray | None]:
    """The rows in the order of their frame numbers, or else of their times, where they stand in
    another and the body then moves less from row to row, as it does not where a counter begins
    anew."""
    moments = times if frames is None else frames
    if moments is None or len(moments) != len(raw.positions) or not np.isfinite(moments).all():
        return raw, frames, times
    steps = np.diff(moments)
    if (steps >= 0).all() or len(np.unique(moments)) < len(moments):
        return raw, frames, times
    order = np.argsort(moments, kind="stable")
    if (steps > 0).any() and not _way(raw.positions[order]) < _way(raw.positions):
        return raw, frames, times
    what = "times" if frames is None else "frame numbers"
    decision = Decision(
        "rows", "put in order", "file", f"they do not stand in that of their {what}"
    )
    raw = replace(raw.rows(order), decisions=[*raw.decisions, decision])
    frames, times = (None if one is None else one[order] for one in (frames, times))
    return raw, frames, times


def _way(positions: np.ndarray) -> float:
    """How far points (T,K,3) go from row to row, as far as they are seen in both."""
    with np.errstate(over="ignore", invalid="ignore"):  # wild ones are refused later, by their size
        return float(np.nansum(np.linalg.norm(np.diff(positions, axis=0), axis=2)))


def _at_the_rate_of(times: np.ndarray, raw: RawTrack) -> RawTrack:
    """The track with the rate of its times (T,), where it states none, or one that they contradict
    from row to row and on the whole."""
    known = times[np.isfinite(times)]
    if len(known) > 2 and _too_coarse(times, raw.positions):
        found = whole = fps_from_times(np.linspace(known[0], known[-1], len(known)))
    else:
        found = fps_from_times(times)
        whole = fps_from_times(known[[0, -1]] / max(len(known) - 1, 1)) if len(known) > 1 else None
    if found is None or raw.fps is None or not raw.fps > 0:
        return replace(raw, fps=raw.fps if found is None else found)
    agree = [abs(one - raw.fps) < AGREEING * raw.fps for one in (found, whole) if one is not None]
    if any(agree):
        return raw
    reason = f"its times step at that rate, though its header says {raw.fps:g}"
    decision = Decision("rate", f"{found:g}", "assumed", reason)
    return replace(raw, fps=found, decisions=[*raw.decisions, decision])


AGREEING = 0.05
"""Share by which a rate that is stated may differ from that of the times."""


def _too_coarse(times: np.ndarray, positions: np.ndarray) -> bool:
    """Whether rows with the time of the row before are not the same rows: times in whole seconds,
    or a film's timecode beside faster cameras."""
    if len(times) != len(positions) or not np.isfinite(times).all():
        return False
    alike = np.flatnonzero(np.diff(times) == 0)
    if not len(alike):
        return False
    one, next_one = positions[alike], positions[alike + 1]
    seen = np.isfinite(one).all(axis=(2)) & np.isfinite(next_one).all(axis=2)
    moved = (np.abs(np.nan_to_num(one - next_one)).max(axis=2) > 0) & seen
    return bool(moved.any(axis=1).mean() > 0.5)


def _are_frame_numbers(numbers: np.ndarray) -> bool:
    """Whether numbers are whole and do not fall: those of frames."""
    return len(numbers) > 0 and are_whole(numbers) and bool((np.diff(numbers) >= 0).all())


def _without_doubles(raw: RawTrack, keep: np.ndarray, what: str) -> RawTrack:
    if keep.all():
        return raw
    reason = f"{(~keep).sum()} rows have the {what} of the row before and are left out"
    decision = Decision("doubled", f"{(~keep).sum()} rows", "file", reason)
    return replace(raw.rows(keep), decisions=[*raw.decisions, decision])


def fill_gaps(numbers: np.ndarray, raw: RawTrack, what: str = "frame numbers") -> RawTrack:
    """Put frames at their own `numbers` (T,), with NaN frames where the file skips some; also sets
    `first_frame`.

    Numbers that do not rise, or would stretch the take more than `MAX_GAP_GROWTH` times, are not
    frame numbers that can be used, and leave the take as it is.
    """
    if not len(numbers) or not are_whole(numbers):
        return raw
    whole = numbers.astype(np.int64)
    steps = np.diff(whole)
    if (steps <= 0).any():
        return raw
    raw = replace(raw, first_frame=int(whole[0]))
    stride = int(np.gcd.reduce(steps)) if len(steps) else 1
    rows = (whole - whole[0]) // stride
    length = int(rows[-1]) + 1
    if length == len(rows) or length > MAX_GAP_GROWTH * len(rows):
        return raw
    skipped = f"the {what} skip {length - len(rows)} of {length} frames; they are kept as missing"
    decisions = [*raw.decisions, Decision("frames", str(length), "file", skipped)]
    return replace(raw.spread(rows, length), decisions=decisions)


def seconds_of(text: str) -> float | None:
    """A time of the clock, `12:30:10.25`, `0:10.25` or `9:30:10 PM`, with or without a date or days
    before it, or a number, with or without a unit, in s; None of anything else."""
    text = text.strip()[:60]
    if found := _CLOCK.fullmatch(text):
        days = int(found["days"] or 0)
        if found["date"] and (days := _day(found["date"])) < 0:
            return None
        hours, minutes, seconds = (
            float((found[name] or "0").replace(",", ".")) for name in ("h", "m", "s")
        )
        if found["half"]:
            hours = hours % 12 + 12 * (found["half"][0] in "pP")
        return 86400 * days + 3600 * hours + 60 * minutes + seconds
    if found := _WITH_UNIT.fullmatch(text):
        text, unit = found.groups()
        number = seconds_of(text)
        return None if number is None else number * _SECONDS_OF_UNIT[unit.lower()]
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _day(written: str) -> int:
    """The number of a day: year, month and day, or with the year last, where the two others may
    stand either way; -1 of what is none."""
    first, second, third = map(int, re.split(r"[-/.]", written))
    options = (
        [(first, second, third)] if first > 31 else [(third, second, first), (third, first, second)]
    )
    for year, month, day in options:
        try:
            return date(year, month, day).toordinal()
        except ValueError:
            continue
    return -1


def timecodes(texts: Sequence[str]) -> np.ndarray | None:
    """Seconds (T,) of a film's timecodes, `01:00:04:12`, whose last number counts frames; None
    where they are none, or are of less than a second.

    The film's rate is one more than the last number that there is.
    """
    found = [_TIMECODE.fullmatch(text.strip()[:20]) for text in texts]
    if not found or not all(found):
        return None
    hours, minutes, seconds, frames = np.array(
        [list(map(int, one.groups())) for one in found if one]
    ).T
    whole = 3600.0 * hours + 60 * minutes + seconds
    return None if whole[0] == whole[-1] else whole + frames / (frames.max() + 1.0)


_TICKS = ((1.1e17, 1.7e17), (6.2e17, 6.7e17))
"""What clocks of Windows and .NET say, in tenths of a microsecond since the years 1601 and 1;
seconds since 1970 are at 1e18 as nanoseconds."""


def fps_from_times(times: np.ndarray) -> float | None:
    """Frames a second from a column of times in s, ms, microseconds or nanoseconds; None where they
    make no sense."""
    steps = np.diff(times[np.isfinite(times)])
    steps = steps[steps > 0]
    step = float(np.median(steps)) if len(steps) else 0.0
    if not step > 0:
        return None
    # Times are rounded, to whole milliseconds for one; the middle of two steps that differ much is
    # near none.
    near = steps[np.abs(steps - step) < 0.25 * step]
    step = float(near.mean()) if len(near) else step
    per_second = next(
        (scale for scale, least in ((1e9, 5e5), (1e6, 5e2), (1e3, 0.5)) if step >= least), 1.0
    )
    if any(first < np.nanmax(times) < last for first, last in _TICKS) and step < 1e7:
        per_second = 1e7
    fps = per_second / step
    nearest = round(fps)  # timestamps are rounded, frame rates seldom are
    return (
        float(nearest) if nearest and abs(fps - nearest) < 0.02 * nearest and nearest >= 10 else fps
    )
