"""Names that no body can be told from are refused for what they are."""

import numpy as np
import pytest

from lsmpl_core.errors import LayoutError
from lsmpl_core.readers.marker_refusals import only_numbered
from lsmpl_core.readers.matching import match_layout
from lsmpl_core.readers.raw import RawTrack

ARM = ["RSHO", "RUPA", "RELB", "RELBM", "RFRM", "RWRA", "RWRB", "RFIN"]
PLATES = [f"{plate}{i}" for plate in ("Probe", "ScapulaL", "ArmL", "ForearmL", "GloveL") for i in (1, 2, 3)]
UNKNOWN = ["RxCheec", "maxkif", "Rkutz", "Lkutz", "Hoch", "Tief", "Quer", "Laengs", "C7"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["Right_Hand", "Left_Hand"], r"2 points \(Right_Hand, Left_Hand\) are too few"),
        (["r_acromion", "r_elbow", "r_wrist"], "too few"),
        (ARM, "all on the right arm"),
        (PLATES, r"clusters \(Probe, ScapulaL, ArmL, ForearmL, GloveL\)"),
        ([f"Channel{i}" for i in range(101, 130)], "nobody labelled.*Channel101"),
        ([f"PT0{i}" for i in range(8)], "nobody labelled"),
        (UNKNOWN, "no keypoint layout, skeleton or marker set that is known: RxCheec.*known as markers: C7"),
        (["LHipAngles", "RHipAngles", "LHipForce", "RHipForce"], "what models compute"),
    ],
)
def test_what_few_known_names_are_is_said(rng, names, said):
    points = np.cumsum(rng.normal(scale=0.01, size=(20, len(names), 3)), axis=0) + rng.normal(size=(len(names), 3))
    with pytest.raises(LayoutError, match=said) as refused:
        match_layout(RawTrack(points, names), None, None, "take")
    assert len(str(refused.value)) < 700


def test_names_of_markers_do_not_differ_by_numbers_alone():
    assert only_numbered(["M1", "M2", "M3"]) and not only_numbered(["LHD1", "RHD1"]) and not only_numbered(["C7"])
