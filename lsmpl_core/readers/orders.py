"""The order of keypoints without names: of those with their count, the one in which they make a
body."""

from __future__ import annotations

import re

import numpy as np

from ..errors import LayoutError
from ..keypoints.layouts import ORDERS, Order
from ..keypoints.plausibility import (
    best_exchange,
    distance_from_trunk,
    implausibility,
    some_frames,
)
from .hand_columns import makes_hands
from .space import SHARES_OF_AN_IMAGE, are_image_shares, hips_of, in_order

KNOWN_COUNTS = frozenset(map(len, ORDERS))
"""Keypoint counts that tell a bare array's order."""
NO_BODY = 0.19
"""`implausibility` from which on keypoints make no body. Of a dozen recorded motions in every
order: at most 0.14 with 40 mm of noise; read in another known order, at least 0.21."""
MOST_GAINED = 0.011
"""What exchanging two keypoints may gain at most (`best_exchange`, which says what was measured) in
many frames; up to three times that in few, which do not even out their noise."""
LEAST_MARGIN = 0.08
"""How much more plausible than the second the best order is by its lengths alone."""
LEAST_APART = 0.02
"""How much better placed its head and trunk must be where it is not. Of 21 recorded motions in nine
orders with 40 mm of noise all are told right; with 20 mm and each keypoint 15 mm aside for good one
is refused; with 30 mm of both none is told wrong. By lengths alone COCO-17 is then read as
PoseTrack's."""
LIST_ADVICE = (
    "Give the layout by name, or as a JSON mapping (--layout mapping.json) that lists the "
    "keypoints in file order: "
    '{"keypoints": ["left_shoulder", null, ...]}'
)

NEAR = 3
"""Keypoints more or fewer, up to which a layout is named that a file's count is not."""


def order_by_geometry(positions: np.ndarray, source: str) -> tuple[Order, str]:
    """The order that keypoints (T,K,3) without names are in, and why it is that one.

    Raises `LayoutError`, which names the candidates, where no order has the count, where they make
    no body in any, or where two orders are about as good.
    """
    count = positions.shape[1]
    candidates = orders_of(count)
    if not candidates:
        near = sorted((o for o in ORDERS if abs(len(o) - count) <= NEAR), key=len)
        known = ", ".join(f"{len(order)} ({order.name})" for order in near) or "none"
        raise LayoutError(
            f"{source}: no layout has {count} keypoints without names; with about as many there "
            f"are: {known}. Markers of a capture have to be labelled in its software first. "
            f"{LIST_ADVICE}"
        )
    for order in candidates:
        if are_image_shares(positions, positions[:, hips_of(order.layout, order.columns)]):
            raise LayoutError(
                f"{source}: {SHARES_OF_AN_IMAGE}, or say --layout {order.name} if the image was "
                "square"
            )
    scored = sorted(((_error(positions, order), i) for i, order in enumerate(candidates)))
    error, best = scored[0][0], candidates[scored[0][1]]
    listed = ", ".join(
        f"{_off(error)} as {candidates[i].name} ({candidates[i].label})" for error, i in scored
    )
    if error > NO_BODY:
        raise LayoutError(
            f"{source}: {count} keypoints could be "
            f"{' or '.join(order.name for order in candidates)}, but in that order they make no "
            f"body: bone lengths are {listed}. {_perhaps(positions)}{LIST_ADVICE}"
        )
    close = [candidates[i] for other, i in scored if other - error < LEAST_MARGIN]
    likeliest = best if len(close) == 1 else _likeliest(positions, close)
    if likeliest is None:
        raise LayoutError(
            f"{source}: {count} keypoints could be in more than one order, and they make a body in "
            f"each: bone lengths are {listed}. Say which with --layout. {LIST_ADVICE}"
        )
    best = likeliest

    # Hands at their places tell an order better than a body of which a detector saw half.
    by_hands = len(candidates) == 1 and makes_hands(positions, best)
    gained, exchanged = best_exchange(_seen(positions, best), best.seen.layout)
    if exchanged and not by_hands and gained > MOST_GAINED * (1 + 2 / np.sqrt(len(positions))):
        raise LayoutError(
            f"{source}: {count} keypoints could be "
            f"{' or '.join(order.name for order in candidates)}, but in that order {exchanged[0]} "
            f"and {exchanged[1]}, for one, are likelier the other way round: bone lengths are "
            f"{listed}. Say which with --layout if it is right. {LIST_ADVICE}"
        )
    aside = best.names.count(None)
    reason = f"{count} keypoints, {best.label}; bone lengths are {listed}"
    return best, reason + (f"; {aside} set aside" if aside else "")


def _perhaps(positions: np.ndarray) -> str:
    """What numbers (T,K,3) that make no body may be instead, by their size."""
    seen = positions[np.isfinite(positions)]
    if len(seen) and seen.min() >= 0 and seen.max() <= 1:
        alike = "as shares of an image beside a score do"
        return f"All of its numbers lie between 0 and 1, {alike}: is it 2D? "
    return ""


def orders_of(count: int) -> list[Order]:
    """The orders of so many keypoints."""
    return [order for order in ORDERS if len(order) == count]


def _error(positions: np.ndarray, order: Order) -> float:
    return implausibility(_seen(positions, order), order.seen.layout)


def _seen(positions: np.ndarray, order: Order) -> np.ndarray:
    """Some frames of keypoints (T,N,3) that an order has."""
    return in_order(some_frames(positions), order.seen.columns)


def _likeliest(positions: np.ndarray, close: list[Order]) -> Order | None:
    """Of orders in which keypoints (T,N,3) make about as good a body the one whose head and trunk
    are where they belong, by a margin; None where there is none."""
    for order in close:
        margins = [_margin(positions, order, other) for other in close if other is not order]
        if all(margin >= LEAST_APART for margin in margins):
            return order
    return None


def _margin(positions: np.ndarray, one: Order, other: Order) -> float:
    """How much better one order's keypoints of head and trunk are placed than another's, in the
    columns in which these differ."""
    pairs = list(zip(_middle_parts(one), _middle_parts(other)))
    differ = [i for i, (a, b) in enumerate(pairs) if a != b and a is not None and b is not None]

    def error(order: Order) -> float:
        keypoints = [name for i in differ if (name := order.names[i]) is not None]
        return distance_from_trunk(_seen(positions, order), order.seen.layout, keypoints)

    return error(other) - error(one)


def _middle_parts(order: Order) -> list[str | None]:
    """The site in each column that is of the head or the trunk, without its side, which distances
    do not tell."""
    site = dict(zip(order.layout.keypoints, order.layout.sites))
    found = [_SIDE.sub("", site[name]) if name is not None else "" for name in order.names]
    return [part if _MIDDLE.fullmatch(part) else None for part in found]


_MIDDLE = re.compile(
    r"(?:mid_)?(?:shoulder|hip|ear|eye)|eye_\w+|pelvis|spine\d?|neck|collar|head(?:_\w+)?|jaw|chin|"
    r"nose|mouth"
)
_SIDE = re.compile("^(?:left|right)_")


def _off(error: float) -> str:
    return f"off by {100 * error:.0f} %" if np.isfinite(error) else "not seen"
