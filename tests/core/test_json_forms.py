"""JSON of sensors and pose tools is read by what it holds: frames, people, points, names, scores and times."""

import json

import numpy as np
import pytest
from stick_figure import walking

from lsmpl_core.errors import KeypointFileError
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.readers import read_keypoints

COCO, AZURE, ZED, H36M = (LAYOUTS[name] for name in ("coco_17", "azure_kinect_32", "zed_38", "human36m_17"))
AZURE_NAMES = [
    "PELVIS", "SPINE_NAVEL", "SPINE_CHEST", "NECK",
    *(f"{part}_{side}" for side in ("LEFT", "RIGHT")
      for part in ("CLAVICLE", "SHOULDER", "ELBOW", "WRIST", "HAND", "HANDTIP", "THUMB")),
    *(f"{part}_{side}" for side in ("LEFT", "RIGHT") for part in ("HIP", "KNEE", "ANKLE", "FOOT")),
    "HEAD", "NOSE", "EYE_LEFT", "EAR_LEFT", "EYE_RIGHT", "EAR_RIGHT",
]  # fmt: skip


def read(tmp_path, content, **options):
    (tmp_path / "take.json").write_text(json.dumps(content))
    return read_keypoints(tmp_path / "take.json", up="z", **options)


def decision(track, what):
    return next((d for d in track.decisions if d.what == what), None)


@pytest.mark.parametrize("named", [True, False])
def test_azure_kinects_offline_processor(tmp_path, named):
    person = walking(AZURE)
    frames = [{"bodies": [], "frame_id": t, "num_bodies": 0, "timestamp_usec": 10**6 + t * 33333} for t in range(40)]
    for t in range(3, 40):
        quaternions = [[1, 0, 0, 0]] * 32
        frames[t]["bodies"] = [
            {"body_id": 1, "joint_orientations": quaternions, "joint_positions": (1000 * person[t]).tolist()}
        ]
    content = {"bone_list": [["PELVIS", "SPINE_NAVEL"]], "frames": frames, "source_file": "take.mkv"}
    track = read(tmp_path, content | ({"joint_names": AZURE_NAMES} if named else {}))
    assert (track.layout, len(track), track.fps) == (AZURE, 40, 30)
    assert not track.visible[:3].any() and np.allclose(track.positions[3:], person[3:], atol=1e-9)
    assert decision(track, "unit").value == "mm"


def test_zeds_export_by_timestamps_with_scores_and_nulls(tmp_path):
    person = walking(ZED)
    content = {}
    for t in np.r_[0:20, 22:40]:
        points = person[t].tolist()
        points[7] = [None, None, None]
        body = {"id": 4, "position": [0, 0, 1], "confidence": 80.0, "keypoint_2d": [[1, 2]] * 38, "keypoint": points,
                "keypoint_confidence": [75.0] * 38, "global_root_orientation": [0, 0, 0, 1]}  # fmt: skip
        content[str(1654000000 * 10**9 + int(t) * 10**8)] = {"is_new": True, "body_list": [body]}
    track = read(tmp_path, content)
    assert (track.layout, len(track), track.fps, track.first_frame) == (ZED, 40, 10, 0)
    assert not track.visible[20:22].any() and not track.visible[:, 7].any()
    assert np.allclose(track.positions[30, :7], person[30, :7]) and np.allclose(track.confidence[0, 0], 0.75)


def test_mmposes_results_by_their_names(tmp_path):
    names = ["root", *(f"{side}_{part}" for side in ("right", "left") for part in ("hip", "knee", "foot"))]
    names += ["spine", "thorax", "neck_base", "head"]
    names += [f"{side}_{part}" for side in ("left", "right") for part in ("shoulder", "elbow", "wrist")]
    person = walking(H36M)
    info = [
        {
            "frame_id": t + 1,
            "instances": [{"keypoints": frame.tolist(), "keypoint_scores": [0.9] * 17, "bbox": [[1] * 4]}],
        }
        for t, frame in enumerate(person)
    ]
    meta = {"dataset_name": "h36m", "keypoint_id2name": {str(i): name for i, name in enumerate(names)}}
    track = read(tmp_path, {"meta_info": meta, "instance_info": info})
    assert (track.layout, track.first_frame) == (H36M, 1)
    has = track.visible.all(axis=0)
    assert has.sum() == 16 and np.allclose(track.positions[:, has], person[:, has])


def test_a_score_that_is_no_number_is_refused_with_file_and_frame(tmp_path):
    people = [{"id": 1, "keypoint": frame.tolist(), "keypoint_confidence": [75.0] * 38} for frame in walking(ZED)]
    people[7]["keypoint_confidence"][3] = {}
    with pytest.raises(KeypointFileError, match=r"take\.json: frame 7: a score has '{}' where a number belongs"):
        read(tmp_path, [{"body_list": [person]} for person in people])


def test_detections_of_one_image_are_its_people(tmp_path):
    ann, bob = walking(COCO), walking(COCO) + [0, 3, 0]
    content = [
        {"image_id": f"{t}.jpg", "idx": idx, "keypoints": np.column_stack([who[t], np.full(17, 0.8)]).ravel().tolist()}
        for t in range(40)
        for idx, who in ((1, ann), (2, bob))
    ]
    track = read(tmp_path, content, person="2")
    assert len(track) == 40 and np.allclose(track.positions, bob) and np.allclose(track.confidence, 0.8)


def test_points_are_found_under_any_key(tmp_path):
    frames = [
        {"my_3d_points": frame.tolist(), "bbox": [[0, 0, 1]] * 30, "time": t / 25}
        for t, frame in enumerate(walking(COCO))
    ]
    track = read(tmp_path, {"version": 2, "recording": frames})
    assert (track.layout, track.fps) == (COCO, 25) and np.allclose(track.positions, walking(COCO))


def test_openposes_files_without_3d_are_refused_as_that(tmp_path):
    folder = tmp_path / "take"
    folder.mkdir()
    person = {"person_id": [-1], "pose_keypoints_2d": [1.0, 2.0, 0.9] * 25, "pose_keypoints_3d": [],
              "hand_left_keypoints_3d": [], "hand_right_keypoints_3d": []}  # fmt: skip
    for t in range(3):
        (folder / f"vid_{t:012}_keypoints.json").write_text(json.dumps({"version": 1.3, "people": [person]}))
    with pytest.raises(KeypointFileError, match="only 2D keypoints are there"):
        read_keypoints(folder)


def test_an_error_says_which_keys_were_found_and_what_they_look_like(tmp_path):
    with pytest.raises(KeypointFileError, match=r"an object with settings \(an object of 1\), log \(text\)"):
        read(tmp_path, {"settings": {"a": 1}, "log": "x"})
