"""From a keypoint file to SMPL motion: what was read, how well it is met, and a file for other tools.

python examples/01_solve_a_track.py [OUT-FOLDER]
"""

import sys
from pathlib import Path

import numpy as np

import lsmpl_core as lsmpl

HERE = Path(__file__).parent
OUT = Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "out")

# 180 frames of OpenPose's BODY_25, with noise and gaps. Layout, unit and up axis are found out, and each
# choice is a decision that says why.
track = lsmpl.read_keypoints(HERE / "walk_and_wave.trc")
print(f"{len(track)} frames of {track.layout.name} at {track.fps:g} fps")
for decision in track.decisions:
    print(f"  {decision}")

# The open body comes with LSMPL; a user's own SMPL file is `load_body("SMPL_NEUTRAL.pkl")`. Neither betas
# nor a first pose are needed.
body = lsmpl.load_body()
motion = lsmpl.solve(track, body, progress=lambda at: print(f"\r{at.stage} {at.done}/{at.total}", end="  "))
print(f"\nthe body is {1000 * np.nanmean(motion.residual):.1f} mm from its keypoints, betas {motion.betas.round(2)}")

# The AMASS layout, which most tools for SMPL read, with residuals and conditions beside it.
OUT.mkdir(parents=True, exist_ok=True)
motion.save(OUT / "walk_and_wave.npz")
print(f"saved {OUT / 'walk_and_wave.npz'}: poses {motion.poses.shape}, trans {motion.trans.shape}")
