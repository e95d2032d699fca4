"""Finger markers of optical sets: known by their names, solved from the backs of the fingers, and no harm to wrists."""

from dataclasses import replace

import numpy as np
import pytest
from marked_hands import QUALISYS_FINGERS, SHOGUN_BODY, SHOGUN_FINGERS, TIPS_OF_THREE, marked
from test_hands import rotations_of, with_made_up_fingers
from test_readers import trc_text

import lsmpl_core as lsmpl
from lsmpl_core.body.fingers import WRISTS
from lsmpl_core.hands.with_fingers import with_fingers
from lsmpl_core.keypoints.hand_points import CHAINS, FINGERS, HAND_POINTS
from lsmpl_core.metrics import MILLIMETRES
from lsmpl_core.readers.finger_markers import finger_markers
from lsmpl_core.rotation import angle_between, exp_map


@pytest.fixture(scope="module")
def moving(body, stroll):
    return with_made_up_fingers(body, stroll.frames(slice(0, 24)), seed=1)


@pytest.fixture(scope="module")
def solved(tmp_path_factory, body, moving):
    """The take of Shogun's set, read and solved."""
    track = lsmpl.read_keypoints(written(tmp_path_factory.mktemp("take"), body, moving, SHOGUN_FINGERS))
    return lsmpl.solve(track, body)


def written(folder, body, motion, fingers):
    """A TRC file of Shogun's markers on the body and those of fingers, in millimetres."""
    names, positions = marked(body, motion, SHOGUN_BODY, fingers)
    path = folder / "take.trc"
    path.write_text(trc_text(names, MILLIMETRES * positions, units="mm", rate=f"{motion.fps:.2f}"))
    return path


def tips_off(body, truth, motion):
    """(10,) mean distances of finger tips, mm, counted from the wrists."""

    def tips(motion):
        points = body.hand_points(motion).positions
        return (points[:, :, CHAINS[:, 3]] - points[:, :, :1]).reshape(len(motion), -1, 3)

    return MILLIMETRES * np.linalg.norm(tips(truth) - tips(motion), axis=-1).mean(axis=0)


@pytest.mark.parametrize(
    ("name", "point"),
    [("LThumb1", "thumb2"), ("LIndexTip", "index_tip"), ("FingerMiddle3_L", "middle3"), ("Left_Pinky_2", "little2")],
)
def test_names_in_words_say_where_on_a_finger_a_marker_is(name, point):
    beside = ["LRingTip", "LThumbTip"]
    assert finger_markers([name, *beside])[0] == (0, HAND_POINTS.index(point))


def test_a_number_means_what_it_does_in_the_set_that_has_all_of_a_files_numbers():
    of_shogun = finger_markers(["RIDX3", "RIDX6", "RTHM3", "RMID0", "RMID6"])
    places = [HAND_POINTS[point] for _, point in of_shogun.values()]
    assert places == ["index2", "index_tip", "thumb3", "middle1", "middle_tip"]
    of_mosh = finger_markers(["RIDX1", "RIDX2", "RIDX3", "RTHM3", "RTHM4"])
    places = [HAND_POINTS[point] for _, point in of_mosh.values()]
    assert places == ["index2", "index3", "index_tip", "thumb3", "thumb_tip"]


def test_a_thumb_or_a_hand_of_a_body_set_shows_no_fingers():
    assert finger_markers(["LTHM", "LFIN", "LPINKY", "RTHMB", "RIHAND"]) == {}


def test_markers_of_fingers_are_no_markers_of_the_body(tmp_path, body, moving):
    track = lsmpl.read_keypoints(written(tmp_path, body, moving, QUALISYS_FINGERS))
    assert track.hands.on_skin and track.hands.visible[0].sum() == len(QUALISYS_FINGERS)
    assert list(track.layout.keypoints) == SHOGUN_BODY


def test_fingers_are_solved_from_markers_on_their_backs(body, moving, solved):
    assert tips_off(body, moving, solved).mean() < 14.0  # a wrist that is off by 5 degrees moves them by 12
    assert np.degrees(angle_between(rotations_of(solved.fingers), rotations_of(moving.fingers))).mean() < 16.0


def test_markers_on_fingers_do_the_wrists_no_harm(tmp_path, body, moving, solved):
    without = lsmpl.solve(lsmpl.read_keypoints(written(tmp_path, body, moving, {})), body)

    def off(motion):
        turned = angle_between(body.world(motion)[0][:, WRISTS], body.world(moving)[0][:, WRISTS])
        return np.degrees(turned).mean()

    assert off(solved) < off(without) + 2.0  # as markers of the body they turned them by 16


def test_fingers_without_markers_bend_as_their_neighbours_do(tmp_path, body, stroll):
    motion = with_made_up_fingers(body, stroll.frames(slice(0, 12)), seed=2)
    fist = np.zeros((2, len(FINGERS), 3, 3))
    fist[..., 0] = np.radians([60.0, 75.0, 45.0])
    axes = body.fingers.frames.reshape(2, len(FINGERS), 3, 3, 3)
    turned = exp_map(np.einsum("hfkij,hfkj->hfki", axes, fist))
    fingers = body.fingers.angles_of(np.repeat(turned[None], len(motion), axis=0))
    motion = lsmpl.Motion(motion.poses, motion.trans, motion.betas, fps=motion.fps, body=body.key, fingers=fingers)
    found = lsmpl.solve(lsmpl.read_keypoints(written(tmp_path, body, motion, TIPS_OF_THREE)), body)
    off = tips_off(body, motion, found).reshape(2, -1)
    assert off[:, [FINGERS.index("middle"), FINGERS.index("ring")]].max() < 30.0  # relaxed ones are 60 mm away


def test_hands_are_as_large_as_their_markers_say(tmp_path, body, moving):
    def found(size):
        motion = replace(moving.frames(slice(0, 24, 4)), hand_size=size)
        return lsmpl.solve(lsmpl.read_keypoints(written(tmp_path, body, motion, QUALISYS_FINGERS)), body).hand_size

    assert found(0.9) < 0.97 < 1.03 < found(1.12)


def test_markers_that_are_missing_for_a_while_leave_no_jump(body, moving, solved):
    track = body.keypoints(solved)
    hands = replace(track.hands, on_skin=True, confidence=track.hands.confidence.copy())
    hands.confidence[8:14] = 0.0
    turned = rotations_of(with_fingers(solved, replace(track, hands=hands), body).fingers)
    assert np.degrees(angle_between(turned[1:], turned[:-1])).max() < 30.0
