"""A solved motion made calm: no noise, feet that stand still, the floor at zero, another frame rate.

python examples/02_clean_up.py [OUT-FOLDER]
"""

import sys
from pathlib import Path

import lsmpl_core as lsmpl

HERE = Path(__file__).parent
OUT = Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "out")

body = lsmpl.load_body()
motion = lsmpl.solve(lsmpl.read_keypoints(HERE / "walk_and_wave.trc"), body)

# Where a solve is doubtful, before anything hides it.
for stretch in lsmpl.doubtful_stretches(motion):
    print(f"frames {stretch.first} to {stretch.last} are doubtful: {'; '.join(stretch.why)}")

# `smooth=0.5` is what the motion's own noise calls for. Feet stand still by solving the legs anew.
cleaned, report = lsmpl.clean_up_with_report(motion, body, smooth=0.5, lock_feet=True, floor="zero", fps=24.0)
print(f"feet slid by {100 * report.sliding_before:.1f} cm/s where they stand, now by {100 * report.sliding_after:.1f}")
print(f"the floor was at {100 * report.floor:.1f} cm; {len(cleaned)} frames at {cleaned.fps:g} fps")

OUT.mkdir(parents=True, exist_ok=True)
cleaned.save(OUT / "cleaned.npz")
