"""What runs on a device, on a GPU that is none (`pretend_device.py`): it gives what NumPy gives, and seldom waits."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed, so its half of the kernels is not tested")
pytest.importorskip("torch.utils.backend_registration")
if not hasattr(torch.utils.backend_registration, "_setup_privateuseone_for_python_backend"):
    pytest.skip(f"PyTorch {torch.__version__} has no devices made in Python", allow_module_level=True)

from pretend_device import PretendGpu  # noqa: E402
from test_calibration import recorded  # noqa: E402, F401
from test_published_solver import checkpoint, seeing_network  # noqa: E402, F401

import lsmpl_core as lsmpl  # noqa: E402
from lsmpl_core import device_fallback as fallback  # noqa: E402
from lsmpl_core.backends.arrays import choose_backend  # noqa: E402
from lsmpl_core.body.sites import site_parts  # noqa: E402
from lsmpl_core.by_hand.dragging import Drag  # noqa: E402
from lsmpl_core.by_hand.posing import Poser, poses_of  # noqa: E402
from lsmpl_core.marker_calibration.calibrate_markers import calibrate  # noqa: E402
from lsmpl_core.progress import run_to_end  # noqa: E402
from lsmpl_core.rotation import angle_between, exp_map, log_map, to_quaternion  # noqa: E402
from lsmpl_core.solver import sequences, start  # noqa: E402
from lsmpl_core.solver.pinned_joints import PinnedJoints  # noqa: E402
from lsmpl_core.solver.problem import Problem  # noqa: E402
from lsmpl_core.solver.sequence_optimisation import optimise_sequence  # noqa: E402
from lsmpl_core.solver.sequences import each_on_its_own, in_chunks  # noqa: E402
from lsmpl_core.solver.start import given_start  # noqa: E402
from lsmpl_core.solver.tracking import Tracker  # noqa: E402

ALIKE = 1e-4
"""Metres."""
GPUS = pytest.mark.parametrize("gpu", [True, False], ids=["cuda", "mps"], indirect=True)


@pytest.fixture
def gpu(request):
    """With double precision, as CUDA's, or without, as Apple's."""
    with PretendGpu(double=getattr(request, "param", True)) as gpu:
        yield gpu


@pytest.fixture(autouse=True)
def few_steps_of_cold_starts(monkeypatch):
    """A cold start takes 39 steps, and each a tenth of a second here."""
    monkeypatch.setattr(start, "COLD_SCHEDULE", ((1e-4, 3), (1e-5, 3)))
    monkeypatch.setattr(start, "COLD_LAST_STEPS", 3)


@pytest.fixture(scope="module")
def short(stroll):
    return stroll.frames(slice(0, 12))


def given(motion: lsmpl.Motion) -> dict:
    """The true shape and first pose, for a solve."""
    return {"betas": motion.betas, "start_pose": motion.poses[0]}


def shaken(track, noise):
    return replace(
        track, positions=track.positions + noise * np.random.default_rng(0).normal(size=track.positions.shape)
    )


def with_gap(track):
    confidence = track.confidence.copy()
    confidence[4:9, 3:8] = 0.0
    return replace(
        track, positions=np.where(confidence[..., None] > 0.0, track.positions, np.nan), confidence=confidence
    )


def alike(body, gpu, solve):
    """Whether `solve(device)` gives the motion on the GPU that it gives on NumPy; returns that one."""
    numpy, other = solve("numpy"), solve(gpu.backend)
    assert not any(d.what == fallback.WHAT for d in other.decisions), "it gave way to NumPy"
    assert gpu.launched, "the GPU was not used"
    assert np.abs(body.joints(numpy) - body.joints(other)).max() < ALIKE
    return numpy


TRACKS = {
    "exact": lambda track: track,
    "noise": lambda track: shaken(track, 0.005),
    "gap": with_gap,
    "far away": lambda track: replace(track, positions=track.positions + [30.0, -20.0, 5.0]),
}


@GPUS
@pytest.mark.parametrize("kind", TRACKS)
def test_a_take_is_solved(body, short, gpu, kind):
    track = TRACKS[kind](body.keypoints(short))
    begin = None if kind == "exact" and gpu.double else short.poses[0]
    alike(body, gpu, lambda device: lsmpl.solve(track, body, betas=short.betas, start_pose=begin, device=device))


@pytest.mark.parametrize("layout", ["coco_17", "mediapipe_33", "smpl_24"])
def test_of_other_layouts_too(body, short, gpu, layout):
    track = body.keypoints(short, layout)
    alike(body, gpu, lambda device: lsmpl.solve(track, body, **given(short), device=device))


@pytest.mark.parametrize(
    "options",
    [{"solver": "polish", "polish": 2}, {"polish": 0}, {"optimise_sequence": True}, {"noise": 0.002, "repair": False}],
    ids=str,
)
def test_with_options(body, short, gpu, options):
    track, chosen = body.keypoints(short), lsmpl.SolveOptions(**options)
    alike(
        body,
        gpu,
        lambda device: lsmpl.solve(track, body, **given(short), device=device, options=chosen),
    )


@GPUS
def test_in_chunks(body, stroll, gpu, monkeypatch):
    monkeypatch.setattr(sequences, "WARM_UP_FRAMES", 4)
    monkeypatch.setattr(sequences, "CHUNK_FADE_FRAMES", 3)
    track, options = body.keypoints(stroll.frames(slice(0, 20))), lsmpl.SolveOptions(noise=1e-4)

    def solved(backend):
        problem = Problem.of(track, body, site_parts(body, track.layout.sites), stroll.betas, backend, options)
        poses = run_to_end(in_chunks(Tracker.of(problem), given_start(problem, stroll.poses[0]), 2))
        return problem.model.to(choose_backend("numpy")).state(poses.rotations, poses.trans).joints

    assert np.abs(solved(choose_backend("numpy")) - solved(gpu.backend)).max() < ALIKE
    assert gpu.launched


def test_with_frames_that_are_lost_and_solved_from_nothing(body, stroll, gpu):
    motion = stroll.frames(slice(0, 8))
    turned = motion.poses.copy()
    turned[4:, 0] = log_map(exp_map(np.array([0.0, 0.0, np.pi])) @ exp_map(turned[4:, 0]))
    track = body.keypoints(replace(motion, poses=turned))
    options = lsmpl.SolveOptions(repair=False, optimise_sequence=False, noise=0.0)
    alike(
        body,
        gpu,
        lambda device: lsmpl.solve(track, body, **given(motion), device=device, options=options),
    )


@GPUS
def test_a_motion_is_refined(body, short, gpu):
    track = shaken(body.keypoints(short), 0.002)
    rough = replace(short, poses=short.poses + 0.05 * np.random.default_rng(0).normal(size=short.poses.shape))
    alike(body, gpu, lambda device: lsmpl.refine_motion(track, body, rough, device=device))


def test_markers_are_solved(body, stroll, recorded, gpu):  # noqa: F811
    calibration = calibrate([recorded], body)
    track, begin = recorded.frames(slice(0, 10)), stroll.poses[0]
    options = {"start_pose": begin, "calibration": calibration}
    alike(body, gpu, lambda device: lsmpl.solve(track, body, device=device, **options))


@GPUS
def test_as_published(body, short, gpu, checkpoint):  # noqa: F811
    options = lsmpl.SolveOptions(solver="published", checkpoint=checkpoint(seeing_network()), noise=0.0)
    track = body.keypoints(short)
    alike(
        body,
        gpu,
        lambda device: lsmpl.solve(track, body, **given(short), device=device, options=options),
    )


@GPUS
def test_keypoints_are_dragged_and_frames_touched_up(body, short, gpu):
    track = shaken(body.keypoints(short), 0.003)
    solved = lsmpl.solve(track, body, betas=short.betas)
    pins = PinnedJoints(np.array([6]), np.array([16]), exp_map(solved.poses[[6], 16]))
    wrist = track.layout.keypoints.index("right_wrist")
    dragged = np.arange(len(track.layout)) == wrist

    def posed(device):
        poser = Poser(track.layout, body, solved.calibration, device)
        drag = Drag(
            poser, poses_of(solved, slice(3, 4)), pins=PinnedJoints(np.array([0]), np.array([17]), np.eye(3)[None])
        )
        one = drag.pose(drag.sites + [0.0, 0.0, 0.15], dragged, dragged & False)[0]
        options = {"part_weights": {"left_leg": 0.5}, "pins": pins, "poser": poser}
        again = [
            lsmpl.refine_frames(track, body, solved, 4, 7, init=begin, **options)
            for begin in ([lsmpl.Init.NEIGHBOURS, lsmpl.Init.COLD] if gpu.double else [lsmpl.Init.CURRENT])
        ]
        found = [one, *again]
        return np.concatenate([poser.sites(poses) for poses in found]), np.concatenate([p.trans for p in found])

    for numpy, other in zip(posed("numpy"), posed(gpu.backend)):
        assert np.nanmax(np.abs(numpy - other)) < ALIKE
    assert gpu.launched


@GPUS
def test_rotations_are_read_at_any_angle(gpu, rng):
    turns = rng.normal(size=(40, 3))
    turns *= np.array([0.0, 1e-9, 1e-4, 0.5, 2.0, 3.0, 3.1, np.pi])[np.arange(40) % 8, None] / np.linalg.norm(
        turns, axis=1, keepdims=True
    )
    turned = exp_map(turns)
    close = 1e-5 if gpu.double else 2e-3
    there = gpu.backend.array(turned)
    assert angle_between(exp_map(gpu.backend.numpy(log_map(there))), turned).max() < close
    np.testing.assert_allclose(gpu.backend.numpy(to_quaternion(there)) ** 2, to_quaternion(turned) ** 2, atol=close)


def test_the_host_waits_twice_a_frame_and_few_times_for_a_batch(body, stroll, gpu):
    """What is counted here decides how fast a GPU is, which no machine of ours can tell."""
    track = body.keypoints(stroll.frames(slice(0, 20)))
    options = lsmpl.SolveOptions(noise=1e-4)
    parts = site_parts(body, track.layout.sites)
    problem = Problem.of(track, body, parts, stroll.betas, gpu.backend, options)
    tracker = Tracker.of(problem)
    poses = poses_of(stroll, slice(0, 20))

    def counted(work):
        gpu.launched.clear()
        gpu.waits.clear()
        run_to_end(work)
        return gpu.waits.total(), gpu.launched.total()

    def follow(at, frames):
        path = np.asarray(at) + np.arange(1, 1 + frames)[:, None]
        return tracker.follow(tracker.state(poses[at]), at, path)

    counted(follow([0], 2))  # what is made once
    for at in ([0], [0, 5, 10, 15]):
        (waits, launched), (more_waits, more_launched) = counted(follow(at, 2)), counted(follow(at, 4))
        # Once for the poses, and once to see whether a frame needs another step of the polish.
        assert more_waits - waits == 4
        assert (more_launched - launched) / 2 < 640
    waits, launched = counted(each_on_its_own(tracker, poses))
    assert waits <= 9 and launched < 1400
    tracker = Tracker.of(problem.with_noise(0.005))
    assert counted(optimise_sequence(tracker, poses))[0] <= 4 * 20


def test_the_published_solver_waits_once_a_frame_as_well(body, short, gpu, checkpoint):  # noqa: F811
    options = lsmpl.SolveOptions(solver="published", checkpoint=checkpoint(seeing_network()), noise=0.0)
    track = body.keypoints(short)
    waits = []
    for frames in (2, 4, 8):  # the first one loads the network
        gpu.waits.clear()
        some = track.frames(slice(0, frames))
        lsmpl.solve(some, body, **given(short), device=gpu.backend, options=options)
        waits.append(gpu.waits.total())
    assert waits[2] - waits[1] == 4


def test_the_pretended_gpu_refuses_what_a_gpu_refuses():
    """Otherwise the tests above would say nothing."""
    with PretendGpu(double=False) as gpu:
        here, there = torch.ones(3), torch.ones(3, device=gpu.backend.device)
        assert there.device.type == "pretend" and (there + 1.0).cpu().tolist() == [2.0, 2.0, 2.0]
        for mix in (lambda: here + there, lambda: torch.stack([here, there]), lambda: there @ here):
            with pytest.raises(RuntimeError, match="same device"):
                mix()
        for look in (there.numpy, lambda: np.asarray(there)):
            with pytest.raises(RuntimeError):
                look()
        with pytest.raises(TypeError, match="float64"):
            there.double()
        gpu.waits.clear()
        assert float(there[0]) == 1.0 and bool((there > 0.0).all()) and there[there > 0.0].shape == (3,)
        assert gpu.waits.total() == 3
    with pytest.raises(RuntimeError, match="gone"):
        there + 1.0
