"""Takes of marker sets with fingers: markers on the mesh of a body whose fingers bend, named as capture software
names them."""

import numpy as np

from lsmpl_core.body.body import Body
from lsmpl_core.body.landmarks import on_skin, parse_landmark
from lsmpl_core.keypoints.hand_points import FINGERS
from lsmpl_core.motion import Motion
from lsmpl_core.readers.markers import known_markers

SHOGUN_BODY = [f"{side}{name}" for side in "LR" for name in (
    "FHD", "BHD", "FSH", "BSH", "UPA", "ELB", "IEL", "FRM", "IWR", "OWR", "IHAND", "OHAND", "FWT", "BWT", "THI", "KNE",
    "KNI", "SHN", "ANK", "HEL", "MT5", "MT1", "TOE")] + ["C7", "CLAV", "STRN", "T10"]  # fmt: skip
SHOGUN_FINGERS = {
    f"{side}{code}{number}": (hand, f"{finger}{end}")
    for hand, side in enumerate("LR")
    for code, finger in (("THM", "thumb"), ("IDX", "index"), ("MID", "middle"), ("RNG", "ring"), ("PNK", "little"))
    for number, end in (("3", "3" if finger == "thumb" else "2"), ("6", "_tip"))
}
SHOGUN_FINGERS |= {"LMID0": (0, "middle1"), "RMID0": (1, "middle1")}
del SHOGUN_FINGERS["LMID3"], SHOGUN_FINGERS["RMID3"]
QUALISYS_FINGERS = {
    f"{side}{name}": (hand, point)
    for hand, side in enumerate("LR")
    for name, point in (
        ("Thumb1", "thumb2"), ("ThumbTip", "thumb_tip"), ("Index2", "index2"), ("IndexTip", "index_tip"),
        ("Middle2", "middle2"), ("MiddleTip", "middle_tip"), ("Ring2", "ring2"), ("RingTip", "ring_tip"),
        ("Pinky2", "little2"), ("PinkyTip", "little_tip"),
    )
}  # fmt: skip
TIPS_OF_THREE = {
    f"{side}{name}Tip": (hand, f"{finger}_tip")
    for hand, side in enumerate("LR")
    for name, finger in (("Thumb", "thumb"), ("Index", "index"), ("Pinky", "little"))
}


def marked(
    body: Body, motion: Motion, names: list[str], fingers: dict[str, tuple[int, str]], seed: int = 0
) -> tuple[list[str], np.ndarray]:
    """Names and positions (T,N,3), metres: markers a centimetre above the skin, those of fingers 3 mm above their
    backs, a few millimetres from where their names say."""
    rng = np.random.default_rng(seed)
    mesh = body.vertices(motion).astype(np.float64)
    places = [on_skin(body, parse_landmark(known_markers().site_of(name))) for name in names]
    corners = [(place.vertices, place.shares, 0.010) for place in places]
    corners += [(*_on_the_back(body, *at, rng), 0.003) for at in fingers.values()]
    found = []
    for vertices, shares, above in corners:
        a, b, c = (mesh[:, vertex] for vertex in vertices)
        normal = np.cross(b - a, c - a)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        found.append(shares[0] * a + shares[1] * b + shares[2] * c + above * normal)
    return [*names, *fingers], np.stack(found, axis=1)


def _on_the_back(body: Body, hand: int, point: str, rng) -> tuple[np.ndarray, np.ndarray]:
    """The triangle of the back of a finger over one of its points, and the shares of its corners."""
    finger = FINGERS.index(point.rstrip("123").removesuffix("_tip"))
    number = 3 if point.endswith("tip") else int(point[-1]) - 1
    chain = body.fingers.rest_chains(np.zeros(10))[hand, finger]
    across, back, along = body.fingers.frames[hand].reshape(5, 3, 3, 3)[finger, max(number - 1, 0)].T
    slipped = rng.normal(size=2) * [0.001, 0.002]
    origin = chain[number] + slipped[0] * across + (slipped[1] - (0.006 if number == 3 else 0.0)) * along
    nearest = np.argmin(np.linalg.norm(body.v_template - origin - 0.008 * back, axis=1))
    triangle = body.faces[np.argmax((body.faces == nearest).any(axis=1))]
    return triangle, (triangle == nearest).astype(float)
