"""What another estimator made of the same take, drawn onto its keypoints, and how much better that is.

python examples/03_refine_another_estimate.py [OUT-FOLDER]
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import lsmpl_core as lsmpl
from lsmpl_core.metrics import acceleration_error, mpjpe, pve

HERE = Path(__file__).parent
OUT = Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "out")
OUT.mkdir(parents=True, exist_ok=True)

body = lsmpl.load_body()

# A motion whose truth is known, and the keypoints of that body.
truth = lsmpl.solve(lsmpl.read_keypoints(HERE / "walk_and_wave.trc"), body)
track = body.keypoints(truth, "coco_17")

# As a video estimator leaves it: a file in the AMASS layout, 7 degrees off in every joint, and in the camera's
# place. `read_motion` reads WHAM, 4DHumans, GVHMR and SMPLer-X as well.
rng = np.random.default_rng(0)
off = rng.normal(scale=0.07, size=truth.poses.shape)
replace(truth, poses=truth.poses + off, trans=truth.trans + (2.0, 5.0, 0.3)).save(OUT / "estimate.npz")
estimate = lsmpl.read_motion(OUT / "estimate.npz", frames=len(track))

refined = lsmpl.refine_motion(track, body, estimate)

for name, motion in (("estimate", estimate), ("refined", refined)):
    joints, true_joints = body.joints(motion), body.joints(truth)
    print(
        f"{name}: surface {pve(body, truth, motion):.1f} mm, joints {mpjpe(true_joints, joints):.1f} mm, "
        f"acceleration {acceleration_error(true_joints, joints, truth.fps) / 1000:.1f} m/s²"
    )
refined.save(OUT / "refined.npz")
