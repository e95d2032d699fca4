"""JSON mappings: a user's own keypoints."""

import json
from pathlib import Path

import pytest

from lsmpl_core.errors import LayoutError
from lsmpl_core.readers.mapping import load_mapping, parse_mapping


def test_lists_keypoints_in_file_order():
    mapping = parse_mapping(
        {
            "name": "mine",
            "keypoints": ["left_shoulder", {"name": "LThigh", "site": "left_knee"}, None, "nose"],
            "edges": [["left_shoulder", "LThigh"]],
            "unit": "cm",
            "up": "y",
            "fps": 25,
        },
        "m.json",
    )
    assert mapping.layout.name == "mine"
    assert mapping.layout.keypoints == ("left_shoulder", "LThigh", "nose")
    assert mapping.layout.sites == ("left_shoulder", "left_knee", "nose")
    assert mapping.layout.edges == (("left_shoulder", "LThigh"),)
    assert (mapping.columns, mapping.count, mapping.names) == ((0, 1, 3), 4, None)
    assert (mapping.unit, mapping.up, mapping.fps) == ("cm", "y", 25)


def test_names_the_site_of_each_keypoint():
    mapping = parse_mapping({"keypoints": {"RKnee": "right_knee", "RKnee2": "right_knee"}}, "/tmp/two knees.json")
    assert mapping.layout.name == "two knees"
    assert mapping.layout.keypoints == ("right_knee", "RKnee2")
    assert (mapping.names, mapping.columns) == (("RKnee", "RKnee2"), None)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "keypoints"),
        ({}, "keypoints"),
        ({"keypoints": []}, "keypoints"),
        ({"keypoints": "nose"}, "keypoints"),
        ({"keypoints": [None]}, "null"),
        ({"keypoints": ["left_kne"]}, r"keypoint 1.*left_kne'.*left_knee"),
        ({"keypoints": ["nose", 7]}, "keypoint 2"),
        ({"keypoints": ["nose", {"name": "a", "site": ["x"]}]}, "keypoint 2"),
        ({"keypoints": {"RKnee": "rigth_knee"}}, "'RKnee'.*right_knee"),
        ({"keypoints": ["nose", "nose"]}, "twice"),
        ({"keypoints": ["nose"], "edges": [["nose", "neck"]]}, "edge"),
        ({"keypoints": ["nose"], "edges": "nose"}, "edge"),
        ({"keypoints": ["nose"], "keypoint": 1}, "unknown key 'keypoint'"),
        ({"keypoints": ["nose"], "unit": ["m"]}, "unit"),
        ({"keypoints": ["nose"], "up": 3}, "up"),
        ({"keypoints": ["nose"], "fps": "30"}, "fps"),
    ],
)
def test_says_what_is_wrong(data, message):
    with pytest.raises(LayoutError, match=message) as error:
        parse_mapping(data, "m.json")
    assert "m.json" in str(error.value) or message == "twice"


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\0", '{"keypoints": NaN}'])
def test_damaged_files_are_layout_errors(tmp_path, text):
    path = tmp_path / "m.json"
    path.write_text(text)
    with pytest.raises(LayoutError, match=r"m\.json"):
        load_mapping(path)
    with pytest.raises(LayoutError):
        load_mapping(tmp_path / "absent.json")


def test_the_example_is_valid():
    path = Path(__file__).parents[2] / "examples" / "twelve_joints_mapping.json"
    mapping = load_mapping(path)
    assert mapping.count == len(json.loads(path.read_text())["keypoints"]) == 12
