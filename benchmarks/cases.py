"""What becomes of every case in a folder: what came out, how far it is from the truth, and whether that is right.

    python benchmarks/cases.py ../shared/keypoints/cases [--only PART_OF_A_NAME] [--table]

The folder holds inputs as tools write them, and the motions that they were made from (`truth_*.npz`). Joints are
compared after the one rigid alignment that suits the whole take best, as worlds differ.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import lsmpl_core as lsmpl

NEAR_MM = 25.0
"""Mean distance of the joints from the truth's up to which a take came out right."""
BODY_JOINTS = 22


@dataclass(frozen=True)
class Case:
    """The truth's file, frames, first frame and rate that are right; or words of the error that is (refused).

    travels: False where the file's positions are relative to the body, so that its way is not in them."""

    truth: str = ""
    frames: int = 0
    fps: float | None = None
    first: int = 0
    refused: str = ""
    person: str | None = None
    travels: bool = True


CASES = {
    "kinect2_25_joints_read_as_body25.npy": Case("walk28", 28),
    "azure_kinect_32_joints_read_as_whole_body.npy": Case("walk28", 28),
    "openpose_body19_read_as_panoptic19.npy": Case("walk28", 28),
    "bvh_world_positions_read_as_skin_markers.csv": Case("walk80", 60, 30),
    "alphapose_2d_pixels_read_as_3d.json": Case(refused="2D"),
    "openpose_2d_only_folder": Case(refused="2D"),
    "trc_missing_written_as_9999999.trc": Case("walk80", 50, 30, 1),
    "georeferenced_far_from_origin.npy": Case("walk80", 40),
    "low_confidence_arm_spoils_whole_take.npy": Case("walk80", 80),
    "trc_one_frame_row_twice.trc": Case("walk80", 40, 30, 1),
    "csv_frames_dropped_by_time.csv": Case("walk80", 60, 30),
    "whole_body_frozen_frames_60_to_71.npy": Case("turn120", 120),
    "dlc_csv_two_individuals.csv": Case("walk80", 25, person="ind1"),
    "vicon_csv_rate_in_second_line.csv": Case("walk28", 28, 100, 1),
    "vicon_csv_model_outputs_first.csv": Case("walk28", 28, 100, 1),
    "motive_csv_markers.csv": Case("walk28", 28, 120),
    "motive_csv_bones_with_quaternions.csv": Case("walk28", 28, 120),
    "qtm_tsv_names_only_in_header.tsv": Case("walk28", 28, 200),
    "trc_comma_separated.trc": Case("walk28", 28, 100, 1),
    "csv_columns_name_0_1_2_3.csv": Case("walk28", 28),
    "csv_with_a_text_column.csv": Case("walk80", 30),
    "rokoko_csv_positions_and_rotations.csv": Case("walk28", 28),
    "totalcapture_gt_skel_gbl_pos.txt": Case("walk28", 28),
    "azure_kinect_offline_processor.json": Case("walk28", 28, 10),
    "zed_sdk_body38_export.json": Case("walk28", 28, 10),
    "mmpose_3d_demo_results.json": Case("walk28", 28, first=1, travels=False),
    "sam3d_body_mhr70_keypoints.npy": Case("walk28", 28),
    "mdm_results_object_dict.npy": Case("walk28", 28),
    "mediapipe_world_hips_at_origin.csv": Case("walk80", 60),
}
REFINED = {
    "refine_tram_hps_track_0.npy": Case("walk28", 28),
    "refine_prompthmr_results.pkl": Case("walk28", 28),
    "refine_edge_motion.pkl": Case("walk28", 28),
    "refine_aist_motion.pkl": Case("walk28", 28),
    "refine_slahmr_world_results.npz": Case("walk28", 28),
    "refine_vibe_output.pkl": Case("walk28", 28),
}

TITLES = {
    "kinect2_25_joints_read_as_body25.npy": "Kinect v2, bare array",
    "azure_kinect_32_joints_read_as_whole_body.npy": "Azure Kinect, bare array",
    "openpose_body19_read_as_panoptic19.npy": "OpenPose BODY_19, bare array",
    "bvh_world_positions_read_as_skin_markers.csv": "bones' positions of a BVH, CSV",
    "trc_missing_written_as_9999999.trc": "Cortex TRC, 9999999 for missing",
    "georeferenced_far_from_origin.npy": "survey coordinates, BODY_25",
    "low_confidence_arm_spoils_whole_take.npy": "BODY_25, an arm 3 m away at confidence 0.02 in 25 of 80 frames",
    "trc_one_frame_row_twice.trc": "TRC with a row twice",
    "csv_frames_dropped_by_time.csv": "CSV with 10 frames skipped",
    "whole_body_frozen_frames_60_to_71.npy": "BODY_25 with 12 frozen frames",
    "dlc_csv_two_individuals.csv": "DeepLabCut, one of two",
    "vicon_csv_rate_in_second_line.csv": "Vicon CSV",
    "vicon_csv_model_outputs_first.csv": "Vicon CSV, model outputs first",
    "motive_csv_markers.csv": "Motive CSV, markers",
    "motive_csv_bones_with_quaternions.csv": "Motive CSV, bones",
    "qtm_tsv_names_only_in_header.tsv": "Qualisys TSV",
    "trc_comma_separated.trc": "TRC with commas",
    "csv_columns_name_0_1_2_3.csv": "NAME[0..3] columns",
    "csv_with_a_text_column.csv": "CSV with a column of text",
    "rokoko_csv_positions_and_rotations.csv": "Rokoko CSV",
    "totalcapture_gt_skel_gbl_pos.txt": "TotalCapture text",
    "azure_kinect_offline_processor.json": "Azure Kinect's offline processor, JSON",
    "zed_sdk_body38_export.json": "ZED BODY_38, JSON",
    "mmpose_3d_demo_results.json": "MMPose 3D demo, JSON (relative to the hips)",
    "sam3d_body_mhr70_keypoints.npy": "MHR-70, bare array",
    "mdm_results_object_dict.npy": "MDM results.npy",
    "mediapipe_world_hips_at_origin.csv": "MediaPipe world landmarks (relative to the hips)",
    "refine_tram_hps_track_0.npy": "refine-motion: TRAM",
    "refine_prompthmr_results.pkl": "refine-motion: PromptHMR",
    "refine_edge_motion.pkl": "refine-motion: EDGE",
    "refine_aist_motion.pkl": "refine-motion: AIST++",
    "refine_slahmr_world_results.npz": "refine-motion: SLAHMR",
    "refine_vibe_output.pkl": "refine-motion: VIBE, without a translation",
}
"""What the table in `docs/import_export.md` calls the cases that are read."""


@dataclass
class Outcome:
    """What came out of a case: in words, and whether it is right."""

    said: str
    right: bool
    error_mm: float = np.nan
    residual_mm: float = np.nan


def tried(folder: Path, name: str, body: lsmpl.Body) -> Outcome:
    """Read, solved and compared."""
    case = CASES.get(name) or REFINED[name]
    try:
        if name in REFINED:
            track = lsmpl.read_keypoints(folder / "refine_keypoints_body25.npy")
            motion = lsmpl.refine_motion(track, body, lsmpl.read_motion(folder / name, None, len(track)))
        else:
            track = lsmpl.read_keypoints(folder / name, person=case.person)
            motion = lsmpl.solve(track, body)
    except lsmpl.LsmplError as error:
        return Outcome(f"refused: {error}", bool(case.refused) and case.refused in str(error))
    said = f"{track.layout.name}, {len(track)} frames from {track.first_frame}, {track.fps:g} fps"
    if case.refused:
        return Outcome(said, False)
    # The truths are of an open body of an earlier key, whose shapes are those of today's.
    truth = replace(lsmpl.Motion.load(folder / f"truth_{case.truth}.npz"), body=body.key)
    error = joint_error_mm(body, motion, truth.frames(slice(0, case.frames)), case.travels)
    right = error < NEAR_MM and len(motion) == case.frames and track.first_frame == case.first
    right = right and (case.fps is None or abs(track.fps - case.fps) < 0.02 * case.fps)
    return Outcome(said, right, error, 1000 * float(np.nanmean(motion.residual)))


def joint_error_mm(body: lsmpl.Body, motion: lsmpl.Motion, truth: lsmpl.Motion, travels: bool = True) -> float:
    """Mean distance of the body joints in mm, both takes in the same world (their pelvises at one place unless it
    `travels`), over the frames between the first and the last that was seen; NaN where their lengths differ."""
    if len(motion) != len(truth):
        return np.nan
    a, b = body.joints(motion)[:, :BODY_JOINTS], body.joints(truth)[:, :BODY_JOINTS]
    if not travels:
        a, b = a - a[:, :1], b - b[:, :1]
    if motion.condition is not None:
        seen = np.flatnonzero((motion.condition != lsmpl.Condition.MISSING).any(axis=1))
        a, b = a[seen[0] : seen[-1] + 1], b[seen[0] : seen[-1] + 1]
    a, b = a.reshape(-1, 3), b.reshape(-1, 3)
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    left, _, right = np.linalg.svd(a.T @ b)
    turn = left @ np.diag([1, 1, np.sign(np.linalg.det(left @ right))]) @ right
    return 1000 * float(np.linalg.norm(a @ turn - b, axis=1).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    parser.add_argument("--table", action="store_true", help="rows of the table in docs/import_export.md, too")
    options = parser.parse_args()
    rows = []
    body, right, count = lsmpl.load_body(), 0, 0
    for name in [*CASES, *REFINED]:
        if options.only not in name:
            continue
        began = time.perf_counter()
        outcome = tried(options.folder, name, body)
        seconds = time.perf_counter() - began
        right, count = right + outcome.right, count + 1
        verdict = "right" if outcome.right else "WRONG"
        numbers = f"joints {outcome.error_mm:6.1f} mm, residual {outcome.residual_mm:6.1f} mm, {seconds:4.1f} s"
        if name in TITLES:
            rows.append(f"| {TITLES[name]} | {outcome.residual_mm:.1f} | {outcome.error_mm:.1f} |")
        print(f"{verdict}  {name}\n       {numbers}: {outcome.said[:240]}", flush=True)
    print(f"{right} of {count} are right")
    if options.table:
        print("\n".join(rows))


if __name__ == "__main__":
    main()
