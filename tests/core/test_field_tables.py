"""Tables as strangers' programs wrote them, in forms that no tool documents; made here of a stick figure."""

import numpy as np
import pytest
from stick_figure import walking

from lsmpl_core.errors import KeypointFileError, LayoutError
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.readers import read_keypoints

COCO, MEDIAPIPE = LAYOUTS["coco_17"], LAYOUTS["mediapipe_33"]
PERSON, LANDMARKS = walking(COCO), walking(MEDIAPIPE)


def read(tmp_path, rows, **options):
    (tmp_path / "take.csv").write_text("\n".join(",".join(map(str, row)) for row in rows) + "\n")
    return read_keypoints(tmp_path / "take.csv", unit="m", up="z", **options)


def written(positions):
    return [[f"{v:.5f}" for v in frame.ravel()] for frame in positions]


def test_keypoints_side_by_side_each_led_by_its_name_below_labels_of_one(tmp_path):
    """A row has as many landmarks as were seen."""
    rows = [["Frame", "Time (ms)", "Landmark", "X", "Y", "Z", "Visibility"]]
    for t, frame in enumerate(LANDMARKS):
        seen = [k for k in range(33) if not (t == 3 and k == 5)]
        rows.append([t, 40 * t, *(cell for k in seen for cell in (k, *(f"{v:.5f}" for v in frame[k]), 0.9))])
    track = read(tmp_path, rows)
    expected = LANDMARKS.copy()
    expected[3, 5] = np.nan
    assert track.layout is MEDIAPIPE and track.fps == 25
    assert np.allclose(track.positions, expected, atol=1e-4, equal_nan=True)


def test_keypoints_side_by_side_below_labels_that_repeat(tmp_path):
    of_one = [
        "Joint",
        "Status",
        "PositionX",
        "PositionY",
        "PositionZ",
        "RotationW",
        "RotationX",
        "RotationY",
        "RotationZ",
    ]
    rows = [["EventIndex", "Time", *of_one * 17]]
    for t, frame in enumerate(PERSON):
        cells = ([name, "TRACKED", *at, 0.5, 0.5, 0.5, 0.5] for name, at in zip(COCO.keypoints, np.round(frame, 5)))
        rows.append([t, 33 * t, *(cell for one in cells for cell in one)])
    track = read(tmp_path, rows)
    assert track.layout is COCO and np.allclose(track.positions, PERSON, atol=1e-4)


def test_decimal_commas_between_commas_are_refused(tmp_path):
    labels = ["t", *(f"{name}_{axis}" for name in COCO.keypoints for axis in "xyz")]
    rows = [[t, *(v.replace(".", ",") for v in row)] for t, row in enumerate(written(PERSON))]
    with pytest.raises(KeypointFileError, match="decimal commas, with commas between"):
        read(tmp_path, [labels, *rows])


def test_numbers_in_names_are_the_order(tmp_path):
    """Some of MediaPipe's landmarks, in an order of their own: X_24, Y_24, Z_24, X_26, ..."""
    chosen = [24, 26, 28, 30, 32, 23, 25, 27, 29, 31, 0, 5, 2, 12, 14, 16, 18, 20, 22, 11, 13, 15, 17, 19, 21]
    labels = [f"{axis}_{k}" for k in chosen for axis in "XYZ"]
    track = read(tmp_path, [labels, *written(LANDMARKS[:, chosen])])
    assert track.layout is MEDIAPIPE
    assert np.allclose(track.positions[:, chosen], LANDMARKS[:, chosen], atol=1e-4)
    assert np.isnan(np.delete(track.positions, chosen, axis=1)).all()


@pytest.mark.parametrize("axes", [("1", "2", "3"), ("0", "1", "2")])
def test_axes_may_be_numbers_behind_names(tmp_path, axes):
    labels = [f"{name}_{axis}" for name in COCO.keypoints for axis in axes]
    assert np.allclose(read(tmp_path, [labels, *written(PERSON)]).positions, PERSON, atol=1e-4)


def test_a_message_with_places_and_how_sure_they_are(tmp_path):
    """As a database's export of messages: message.joints.ANKL.crd[0], message.joints.ANKL.unc[0]; by the clock."""
    names = [k.split("_")[-1][:3].upper() + (k[0].upper() if "_" in k else "_") for k in COCO.keypoints]
    labels = ["_id", "timestamp"]
    labels += [f"message.joints.{name}.{kind}[{i}]" for name in names for kind in ("crd", "unc") for i in range(3)]
    both = np.concatenate([PERSON, np.full_like(PERSON, 0.02)], axis=2)
    rows = [[f"68fb8d00{t}", f"2025-10-24T14:28:{0.65 * t:06.3f}Z", *row] for t, row in enumerate(written(both))]
    track = read(tmp_path, [labels, *rows])
    order = [track.layout.keypoints.index(name) for name in COCO.keypoints]
    assert np.allclose(track.positions[:, order], PERSON, atol=1e-4)
    assert track.fps == pytest.approx(1 / 0.65, rel=1e-3)


def test_columns_below_a_title_of_angles_are_set_aside(tmp_path):
    """Angles of joints before their places, both below the joints' names."""
    titles = ["# ", "Joint Angle", *[""] * 50, "Joint Coordinate", *[""] * 50]
    legend = ["# ", "x = flexion/extension angle", *[""] * 101]
    names = ["# ", *(cell for name in (*COCO.keypoints, *COCO.keypoints) for cell in (name, "", ""))]
    angles = written(np.full_like(PERSON, 45.0))
    rows = [[t, *angle, *row] for t, (angle, row) in enumerate(zip(angles, written(PERSON)))]
    track = read(tmp_path, [titles, legend, names, ["# frame num", *"XYZ" * 34], *rows])
    assert np.allclose(track.positions, PERSON, atol=1e-4)


def test_lists_in_cells_are_points(tmp_path):
    cells = [[f'"[{x:.5f}, {y:.5f}, {z:.5f}]"' for x, y, z in frame] for frame in LANDMARKS]
    assert np.allclose(read(tmp_path, [range(33), *cells]).positions, LANDMARKS, atol=1e-4)
    flat = [[f'"({x:.3f}, {y:.3f})"' for x, y, _ in frame] for frame in LANDMARKS]
    with pytest.raises(KeypointFileError, match="2D: each cell holds two numbers"):
        read(tmp_path, [range(33), *flat])


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["Frame", "LandmarkID", "X", "Y"], "2D"),
        (["shoulder_x", "shoulder_y", "elbow_x", "elbow_y"], "2D"),
        (["2DX_head", "2DY_head", "visible_head", "2DX_neck"], "2D"),
        (["Landmark_X", "Landmark_Y", "Landmark_Z"], "which keypoint it is, or in which frame"),
    ],
)
def test_what_is_missing_is_said(tmp_path, labels, said):
    rows = [[*range(len(labels))] for _ in range(10)]
    with pytest.raises(KeypointFileError, match=said):
        read(tmp_path, [labels, *rows])


def test_landmarks_of_an_image_are_refused_as_those_whatever_the_exchange_of_two_would_gain(tmp_path, rng):
    image = (
        LANDMARKS[..., [0, 2, 1]] * [0.2, -0.3, 0.1] + [0.5, 0.8, 0.0] + rng.normal(scale=0.01, size=LANDMARKS.shape)
    )
    image[..., 2] -= image[:, [23, 24], 2].mean(axis=1, keepdims=True)
    labels = [f"landmark_{k}_{axis}" for k in range(33) for axis in "xyz"]
    with pytest.raises((KeypointFileError, LayoutError), match="shares of an image"):
        read(tmp_path, [labels, *written(image)])
