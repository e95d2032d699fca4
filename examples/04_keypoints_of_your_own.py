"""Keypoints that no file format and no known layout has: an array of your own, and a table of numbers with a mapping.

python examples/04_keypoints_of_your_own.py [OUT-FOLDER]
"""

import sys
from pathlib import Path

import numpy as np

import lsmpl_core as lsmpl

HERE = Path(__file__).parent
OUT = Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "out")
OUT.mkdir(parents=True, exist_ok=True)

body = lsmpl.load_body()
recorded = lsmpl.read_keypoints(HERE / "walk_and_wave.trc")

# A layout names keypoints in the order of your array, and says where on the body each sits. Here: a rig of
# trackers on head, hands, hips and feet.
layout = lsmpl.Layout(
    "trackers",
    keypoints=("head", "left_hand", "right_hand", "pelvis", "left_foot", "right_foot", "left_knee", "right_knee"),
    sites=("nose", "left_wrist", "right_wrist", "mid_hip", "left_ankle", "right_ankle", "left_knee", "right_knee"),
)
of_recorded = [recorded.layout.sites.index(site) for site in layout.sites]
positions = recorded.positions[:, of_recorded].copy()  # (T,K,3) metres, Z up
positions[40:44, 1] = np.nan  # a tracker that was lost

track = lsmpl.KeypointTrack(positions, layout=layout, fps=30.0)
motion = lsmpl.solve(track, body)
print(f"{len(layout)} trackers are met to {1000 * np.nanmean(motion.residual):.1f} mm on average")

# A file without names needs a mapping, which says what its columns are. Here: rows of twelve joints in feet.
twelve = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
sites = [f"{side}_{joint}" for joint in twelve for side in ("left", "right")]
rows = recorded.positions[:, [recorded.layout.sites.index(site) for site in sites]] / 0.3048
np.savetxt(OUT / "twelve_joints.txt", rows.reshape(len(rows), -1), fmt="%.5f")

track = lsmpl.read_keypoints(OUT / "twelve_joints.txt", layout=HERE / "twelve_joints_mapping.json", unit="ft")
motion = lsmpl.solve(track, body)
print(f"{len(track.layout)} joints are met to {1000 * np.nanmean(motion.residual):.1f} mm on average")
motion.save(OUT / "twelve_joints.npz")
