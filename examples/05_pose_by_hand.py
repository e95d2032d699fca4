"""One frame posed by hand, as Live does it in Blender: a keypoint is dragged, and the body follows.

python examples/05_pose_by_hand.py [OUT-FOLDER]
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import lsmpl_core as lsmpl
from lsmpl_core.rotation import log_map

HERE = Path(__file__).parent
OUT = Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "out")
FRAME = 120

body = lsmpl.load_body()
track = lsmpl.read_keypoints(HERE / "walk_and_wave.trc")
motion = lsmpl.solve(track, body)

# What the solve found out of the subject, betas and where each keypoint sits, makes a poser for any of its frames.
poser = lsmpl.Poser(track.layout, body, motion.calibration)
before = lsmpl.poses_of(motion, np.array([FRAME]))

# The right wrist is taken 20 cm up and 10 cm to the side. NaN: let the others follow, near to where they are.
sites, wrist = poser.sites(before), track.layout.index("right_wrist")
target = np.full_like(sites, np.nan)
target[:, wrist] = sites[:, wrist] + (0.0, 0.1, 0.2)
after = poser.drag(target, before)

moved = 1000 * np.linalg.norm(poser.sites(after) - sites, axis=2)[0]
missed = 1000 * np.linalg.norm(poser.sites(after)[:, wrist] - target[:, wrist])
print(f"the wrist is {missed:.1f} mm from where it should be")
for name in ("right_elbow", "right_shoulder", "left_wrist", "left_ankle"):
    print(f"  {name} went along by {moved[track.layout.index(name)]:.0f} mm")

# The frame, put back into the motion.
poses, trans = motion.poses.copy(), motion.trans.copy()
poses[FRAME], trans[FRAME] = log_map(after.rotations[0]), after.trans[0]
OUT.mkdir(parents=True, exist_ok=True)
replace(motion, poses=poses, trans=trans).save(OUT / "posed.npz")
