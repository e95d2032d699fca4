"""The compiled kernels do what NumPy does, for whichever poses are computed together, and refuse what they cannot."""

from dataclasses import replace

import fuzz_kernels
import numpy as np
import pytest
from stick_figure import walking

import lsmpl_core as lsmpl
from lsmpl_core.backends import kernel_library, kernels, linear_kernels, threads
from lsmpl_core.backends.arrays import choose_backend
from lsmpl_core.body import kinematics
from lsmpl_core.body.kinematics import State
from lsmpl_core.body.sites import site_parts
from lsmpl_core.hands import finger_batch
from lsmpl_core.hands.finger_batch import FingerBatch
from lsmpl_core.rotation import exp_map
from lsmpl_core.solver import accelerations, banded, tracking
from lsmpl_core.solver import poses as poses_module
from lsmpl_core.solver.accelerations import add_accelerations, expected_changes
from lsmpl_core.solver.banded import add_differences, solve_banded, solve_diagonals
from lsmpl_core.solver.frame_terms import put_frame_terms
from lsmpl_core.solver.polish import Anchor, Prior, Targets, polish
from lsmpl_core.solver.poses import Poses
from lsmpl_core.solver.predictors import choose_predictor
from lsmpl_core.solver.problem import Problem
from lsmpl_core.solver.shape_equations import Freedom, shape_equations
from lsmpl_core.solver.tracking import Tracker

COUNT = 20
found = kernel_library.find_kernels()
pytestmark = pytest.mark.skipif(found.kernels is None, reason=found.fact)


@pytest.fixture(scope="module")
def poses():
    """Some of all kinds: a rest pose, half turns, and what a person does."""
    rng = np.random.default_rng(3)
    turns = rng.normal(0.0, 0.4, (COUNT, 24, 3))
    turns[0], turns[1, 4], turns[1, 0] = 0.0, (np.pi, 0.0, 0.0), (0.0, 3.1, 0.3)
    return Poses(exp_map(turns), rng.normal(size=(COUNT, 3)))


def problem_on(device, body, stroll, seen=None, layout="body_25"):
    layout = lsmpl.LAYOUTS[layout]
    track = body.keypoints(stroll, layout)
    rng = np.random.default_rng(5)
    offsets = rng.normal(0.0, 0.01, (len(layout), 3))
    if seen is not None:
        track = replace(track, confidence=np.where(seen[: len(track)], track.confidence, 0.0))
    parts = site_parts(body, layout.sites)
    options = lsmpl.SolveOptions(noise=0.003)
    return Problem.of(track, body, parts, stroll.betas, choose_backend(device), options, offsets)


def both_of(body, layout):
    """The same problem for NumPy and for the kernels; a fifth of the keypoints is not seen."""
    rng = np.random.default_rng(9)
    turns = np.cumsum(rng.normal(0.0, 0.03, (60, 24, 3)), axis=0)
    motion = lsmpl.Motion(turns, np.zeros((60, 3)), betas=np.linspace(-1.0, 1.0, 10), body=body.key)
    seen = rng.random((60, len(lsmpl.LAYOUTS[layout]))) > 0.2
    return [problem_on(device, body, motion, seen, layout) for device in ("numpy", "native")]


@pytest.fixture(scope="module")
def both(body):
    return both_of(body, "body_25")


def state_of(problem, poses) -> State:
    return problem.state(poses)


def alike(one: State, other: State, tolerance=1e-9) -> bool:
    return all(np.allclose(getattr(one, name), getattr(other, name), atol=tolerance) for name in State.__annotations__)


def test_bodies_stand_where_numpy_puts_them(both, poses):
    one, other = (state_of(problem, poses) for problem in both)
    assert alike(one, other, 1e-12)
    jacobians = [problem.model.jacobian(state) for problem, state in zip(both, (one, other))]
    assert np.allclose(*jacobians, atol=1e-12)


STEPS = {"steps": 1}, {"steps": 9, "damping": 1e-2}, {"steps": 1, "more": 8, "enough": 1e-3}


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("kind", ["prior", "no prior", "own means", "no planes"])
def test_poses_are_polished_alike(both, poses, steps, kind):
    reached = []
    for problem in both:
        state, targets = state_of(problem, poses), problem.targets(list(range(COUNT)))
        anchor = Anchor(state.rotations, np.linspace(1e-6, 1e-4, 24 * COUNT).reshape(COUNT, 24))
        prior = {
            "prior": problem.prior,
            "no prior": None,
            "own means": Prior(np.full((COUNT, 69), 0.1), problem.prior.precision, problem.prior.weight),
            "no planes": replace(problem.prior, planes=None),
        }[kind]
        reached.append(polish(problem.model, state, targets, anchor, prior, **steps))
    one, other = reached
    assert alike(one.state, other.state, 1e-6)
    assert np.allclose(one.cost, other.cost, rtol=1e-6, atol=1e-12) and (one.converged == other.converged).all()


def test_each_body_shape_of_a_batch_is_its_own(both, body, poses):
    shapes = np.random.default_rng(1).normal(size=(COUNT, 10))
    parts, reached = both[0].parts, []
    for problem in both:
        rest = np.stack([body.rest_joints(betas) for betas in shapes])
        moments = np.stack([parts.moments(betas) for betas in shapes])
        model = type(problem.model).build(problem.backend, rest, parts, moments)
        state = model.state(poses.rotations, poses.trans)
        anchor = Anchor(state.rotations, np.full(24, 1e-6))
        done = polish(model, state, problem.targets(list(range(COUNT))), anchor, problem.prior, steps=2)
        reached.append(done.state)
    assert alike(*reached, 1e-6)


def test_the_network_predicts_alike(both, poses):
    predicted = []
    for problem in both:
        state, targets = state_of(problem, poses), problem.targets(list(range(COUNT)))
        predicted.append(choose_predictor(problem).predict(problem.model, state, targets))
    (one, anchor), (other, same) = predicted
    assert np.abs(one.keypoints - other.keypoints).max() < 2e-5, "single precision"
    assert np.allclose(anchor.weights, same.weights, rtol=1e-3)


def test_sequences_are_made_of_the_same_terms(both, poses):
    terms = [(np.empty((COUNT, 75, 75)), np.empty((COUNT, 75))) for _ in both]
    for problem, filled in zip(both, terms):
        tracker, frames = Tracker.of(problem), np.arange(COUNT)
        anchor = Anchor(*tracker.predictions(poses, frames))
        put_frame_terms(tracker, poses, frames, anchor, *filled)
    for one, other in zip(*terms):
        assert np.allclose(one, other, rtol=1e-4, atol=1e-4 * np.abs(one).max())


@pytest.mark.parametrize("frames", [2, 3, COUNT])
def test_accelerations_cost_alike(poses, frames, monkeypatch):
    rng = np.random.default_rng(11)
    freedom = np.where(rng.random((frames - 2, 25)) < 0.3, np.inf, 4.0)
    added = []
    for compiled in (found, kernel_library.Found(None, "none")):
        monkeypatch.setattr(accelerations, "find_kernels", lambda compiled=compiled: compiled)
        given = np.ones((frames, 75, 75)), np.ones((frames, 75))
        beside = add_accelerations(poses[:frames], expected_changes(60.0), freedom, 0.01, *given)
        added.append((*given, *beside))
    for one, other in zip(*added):
        assert one.shape == other.shape and np.allclose(one, other, rtol=1e-9, atol=1e-9)


def test_steps_turn_joints_alike(poses, rng, monkeypatch):
    steps, reached = rng.normal(0.0, 0.5, (COUNT, 25, 3)), []
    for compiled in (found, kernel_library.Found(None, "none")):
        monkeypatch.setattr(poses_module, "find_kernels", lambda compiled=compiled: compiled)
        reached.append(poses.moved(steps))
    assert np.allclose(reached[0].rotations, reached[1].rotations, atol=1e-12)
    assert np.array_equal(reached[0].trans, reached[1].trans)


@pytest.mark.parametrize("betas", [True, False])
@pytest.mark.parametrize("sites", [[], [3, 7, 1], list(range(25))])
def test_shapes_and_sites_explain_alike(both, poses, betas, sites):
    freedom = Freedom(betas, np.array(sites, dtype=np.int64))
    one, other = (shape_equations(p, state_of(p, poses), np.arange(COUNT), freedom) for p in both)
    for name in ("hessian", "gradient", "followed"):
        assert np.allclose(getattr(one, name), getattr(other, name), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("layout", ["body_25", "azure_kinect_32", "mpi_inf_3dhp_28"])
@pytest.mark.parametrize("betas", [True, False])
def test_joints_that_carry_others_explain_alike(body, poses, betas, layout):
    both = both_of(body, layout)
    parts = both[0].parts
    parts = replace(parts, carries=parts.at_joint >= 0)
    freedom = Freedom.of(np.ones(parts.count), betas, parts.carried)
    assert freedom.carrying > 4
    found = []
    for problem in both:
        moved = parts.displaced(np.full((parts.count, 3), 0.01))
        model = type(problem.model).build(problem.backend, problem.rest_joints, moved, moved.moments(problem.betas))
        problem = replace(problem, parts=moved, model=model)
        found.append(shape_equations(problem, state_of(problem, poses), np.arange(COUNT), freedom))
    for name in ("hessian", "gradient", "followed"):
        one, other = (getattr(equations, name) for equations in found)
        assert np.allclose(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("frames", [1, 2, 3, 12])
@pytest.mark.parametrize("N", [12, 27])
def test_frames_are_coupled_as_in_one_large_system(frames, N, rng):
    diagonal = np.stack([a @ a.T + 3.0 * N * np.eye(N) for a in rng.normal(size=(frames, N, N))])
    first, second = (rng.normal(size=(max(frames - by, 0), N // 3, 3, 3)) for by in (1, 2))
    right = rng.normal(size=(frames, N))
    large = np.zeros((frames, N, frames, N))
    for t in range(frames):
        large[t, :, t] = diagonal[t]
        for by, blocks in ((1, first), (2, second)):
            if t + by < frames:
                for j in range(N // 3):
                    at = slice(3 * j, 3 * j + 3)
                    large[t, at, t + by, at], large[t + by, at, t, at] = blocks[t, j], blocks[t, j].T
    large = large.reshape(frames * N, -1)
    expected = np.linalg.solve(large, right.ravel()).reshape(frames, N)
    assert np.allclose(linear_kernels.solve_banded(found.kernels, diagonal, first, second, right), expected)
    assert np.allclose(solve_banded(diagonal, first, second, right), expected)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 40])
@pytest.mark.parametrize("columns", [1, 20])
def test_penalised_differences_are_solved_as_dense_systems(frames, columns, rng, monkeypatch):
    diagonals, right = np.zeros((4, frames)), rng.normal(size=(frames, columns))
    diagonals[0] = 1.0
    for order in (order for order in (1, 2, 3) if order < frames):
        add_differences(diagonals, order, rng.uniform(0.1, 9.0, frames - order))
    dense = np.diag(diagonals[0])
    for by in range(1, min(4, frames)):
        dense += np.diag(diagonals[by, by:], -by) + np.diag(diagonals[by, by:], by)
    expected = np.linalg.solve(dense, right)
    assert np.allclose(solve_diagonals(diagonals, right), expected)
    monkeypatch.setattr(banded, "find_kernels", lambda: kernel_library.Found(None, ""))
    assert np.allclose(solve_diagonals(diagonals, right), expected)


def test_fingers_are_bent_alike(rng, monkeypatch):
    """Some by half a turn, some beyond their limits, a third of the points far off and a third not seen."""
    N, near = 60, rng.normal(0.0, 0.3, (60, 9))
    low = rng.uniform(-0.6, -0.1, (N, 4))
    axes, between = exp_map(rng.normal(size=(N, 3))), exp_map(rng.normal(size=(N, 2, 3)))
    bones = np.tile([0.0, 0.0, 0.03], (N, 3, 1))
    arrays = axes, between, rng.normal(size=(N, 3)), bones, np.zeros((N, 3, 3)), rng.choice([0.0, 0.5, 1.0], (N, 3))
    held = near, rng.uniform(0.1, 0.6, (N, 9)), rng.normal(0.0, 0.1, N), low, low + 0.7
    batch = FingerBatch(*arrays, *held, noise=0.003, outlier=0.012, end_weight=16.0)
    targets = batch.points(near) + rng.normal(0.0, rng.choice([0.001, 0.003, 0.03], (N, 3, 1)), (N, 3, 3))
    batch = replace(batch, targets=targets)
    q = near + rng.normal(0.0, 0.2, near.shape)
    q[0], q[1, :3], q[2, 3:6] = 0.0, (np.pi, 0.0, 0.0), (1e-8, 0.0, 0.0)
    by_kernels = [*batch.equations(q), batch.polished(q), batch.stepped(q)]
    monkeypatch.setattr(finger_batch, "find_kernels", lambda: kernel_library.Found(None, ""))
    for one, other in zip(by_kernels, [*batch.equations(q), batch.polished(q), batch.stepped(q)]):
        assert np.allclose(one, other, rtol=1e-9, atol=1e-7 * np.abs(other).max())


@pytest.mark.parametrize("n", [1, 7, 8, 24, 75])
@pytest.mark.parametrize("m", [1, 2, 9, 76])
def test_products_and_systems(rng, n, m):
    a, b = rng.normal(size=(3, n, 130)), rng.normal(size=(3, 130, m))
    assert np.allclose(linear_kernels.multiply(found.kernels, a, b), a @ b)
    matrices, right = a @ np.swapaxes(a, 1, 2) + np.eye(n), rng.normal(size=(3, n, m))
    solved = np.linalg.solve(matrices, right)
    assert np.allclose(linear_kernels.solve(found.kernels, matrices, right), solved)
    half = linear_kernels.half_solve(found.kernels, matrices, right)
    assert np.allclose(np.swapaxes(half, 1, 2) @ half, np.swapaxes(right, 1, 2) @ solved)


def test_a_poses_result_depends_neither_on_the_batch_nor_on_the_threads(both, poses, monkeypatch):
    problem, predictor = both[1], choose_predictor(both[1])

    def solved(rows, workers):
        monkeypatch.setattr(kernels, "worker_threads", lambda: workers)
        monkeypatch.setattr(kernels, "FEWEST_A_THREAD", 1)
        state, targets = state_of(problem, poses[rows]), problem.targets(rows)
        state, anchor = predictor.predict(problem.model, state, targets)
        return polish(problem.model, state, targets, anchor, problem.prior, steps=2, more=3).state

    together, shared = solved(list(range(COUNT)), 1), solved(list(range(COUNT)), 3)
    assert all(np.array_equal(getattr(together, name), getattr(shared, name)) for name in State.__annotations__)
    for row in (0, 7, COUNT - 1):
        alone = solved([row], 1)
        assert np.array_equal(alone.rotations[0], together.rotations[row])


@pytest.mark.parametrize("workers", [1, 3])
def test_many_steps_in_one_call_are_those_that_are_taken_one_by_one(both, monkeypatch, workers):
    """Poses that wait, one that is lost and begun anew, more poses than one batch of the network holds."""
    problem = both[1]
    jumped = problem.positions.copy()
    jumped[30:] = jumped[30:] @ np.diag([-1.0, -1.0, 1.0]) + 1.0
    tracker = Tracker.of(replace(problem, positions=jumped))
    first = np.arange(52) % 25
    path = np.stack([np.minimum(first + step, 33 + first % 3) for step in range(1, 15)])
    begun = tracker.poses(tracker.step(tracker.state(Poses(*upright(len(first)))), first))

    def followed():
        steps = list(tracker.follow(tracker.state(begun), first, path))
        return [np.stack(of) for of in zip(*((p.rotations, p.trans, residual) for _, p, residual in steps))]

    monkeypatch.setattr(kernels, "worker_threads", lambda: workers)
    monkeypatch.setattr(tracking, "POSES_A_CALL", 160)
    many = followed()
    monkeypatch.setattr(tracking, "NetworkPredictor", type(None))
    for one, other in zip(many, followed()):
        assert np.allclose(one, other, atol=1e-6)


def upright(count):
    return np.tile(exp_map(np.array([np.pi / 2, 0.0, 0.0])), (count, 24, 1, 1)), np.zeros((count, 3))


def test_a_path_beyond_the_take_is_refused(both):
    tracker = Tracker.of(both[1])
    with pytest.raises(ValueError, match="index"):
        list(tracker.follow(tracker.state(Poses(*upright(1))), [0], np.array([[1], [60]])))


def test_a_take_is_solved_alike(body, stroll):
    track = body.keypoints(stroll)
    one, other = (lsmpl.solve(track, body, betas=stroll.betas, device=device) for device in ("numpy", "native"))
    assert np.abs(body.joints(one) - body.joints(other)).max() < 1e-4


def test_arrays_of_other_sizes_do_not_cross_the_border(both, poses):
    problem = both[1]
    model, (R, t) = problem.model.compiled, (poses.rotations, poses.trans)
    K = len(problem.sites)
    good = (R, t), (np.zeros((COUNT, K, 3)), np.ones((COUNT, K))), (R, np.ones(24))
    for bad in (
        ((R[:-1], t), *good[1:]),
        (good[0], (np.zeros((COUNT, K + 1, 3)), good[1][1]), good[2]),
        (good[0], (good[1][0], np.ones((COUNT - 1, K))), good[2]),
        (*good[:2], (R, np.ones((COUNT - 1, 24)))),
    ):
        with pytest.raises(ValueError, match="expected"):
            found.kernels.polish(model, *bad, None, steps=1, more=0, enough=0.0, damping=1e-4, tolerance=1e-9)


def test_indices_that_point_nowhere_are_refused(poses):
    for joint in (-1, 24):
        model = found.kernels.model(
            np.zeros((1, 24, 3)), np.zeros((1, 2, 3)), np.ones(2), np.array([0, joint]), np.eye(2)
        )
        with pytest.raises(ValueError, match="index"):
            found.kernels.state(model, poses.rotations, poses.trans)


def test_keypoints_without_weight_may_be_anything(both, poses):
    problem = both[1]
    state, targets = state_of(problem, poses), problem.targets(list(range(COUNT)))
    nothing = Targets(targets.positions, np.zeros_like(targets.weights))
    anchor = Anchor(state.rotations, np.full(24, 1e-6))
    done = polish(problem.model, state, nothing, anchor, problem.prior, steps=3)
    assert np.isfinite(done.state.rotations).all() and np.isfinite(done.cost).all()


def test_a_library_that_computes_wrongly_is_left_alone():
    class Wrong(kernels.Kernels):
        def state(self, model, rotations, trans):
            arrays = super().state(model, rotations, trans)
            return [*arrays[:-1], arrays[-1] + 0.01 * np.arange(24)[:, None]]

    tried = kernel_library.tried(Wrong(found.kernels.path))
    assert tried.kernels is None and "self-test" in tried.fact


def test_a_file_that_is_no_library_is_left_alone(tmp_path, monkeypatch):
    package = tmp_path / kernel_library.PACKAGE
    package.mkdir()
    (package / "__init__.py").write_text("")
    for name in ("kernels.so", "kernels.dll", "kernels.dylib"):
        (package / name).write_bytes(b"not a library")
    monkeypatch.setattr(kernel_library.importlib.util, "find_spec", lambda name: Spec(str(package / "__init__.py")))
    looked = kernel_library.find_kernels.__wrapped__()
    assert looked.kernels is None and "cannot be loaded" in looked.fact


class Spec:
    def __init__(self, origin):
        self.origin = origin


def test_they_can_be_switched_off(monkeypatch):
    monkeypatch.setenv(kernel_library.SWITCH, "0")
    assert kernel_library.find_kernels.__wrapped__().kernels is None


def test_threads_are_as_many_as_the_user_says(monkeypatch):
    for name in threads.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 8)
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    assert threads.worker_threads() == 7
    monkeypatch.setenv("LSMPL_THREADS", "3")
    assert threads.worker_threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("LSMPL_THREADS")
    assert threads.worker_threads() == 1
    threads.use_threads(5)
    assert threads.worker_threads() == 5
    threads.use_threads(None)
    assert threads.worker_threads() == 1


def test_windows_loads_a_copy_so_that_the_library_can_be_replaced(tmp_path, monkeypatch):
    library, users = tmp_path / "kernels.dll", tmp_path / "users"
    library.write_bytes(b"one")
    assert kernel_library.loadable(library) == library
    monkeypatch.setattr(kernel_library.sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(users))
    first = kernel_library.loadable(library)
    assert first.read_bytes() == b"one" and users in first.parents
    first.write_bytes(b"not what was installed")
    assert kernel_library.loadable(library) == first and first.read_bytes() == b"one"

    library.write_bytes(b"two")
    second = kernel_library.loadable(library)
    assert second.read_bytes() == b"two" and not first.exists()
    users.joinpath("file").write_text("")
    monkeypatch.setenv("LOCALAPPDATA", str(users / "file"))
    assert kernel_library.loadable(library) == library


def test_wild_numbers_neither_crash_nor_hang():
    """A little of `fuzz_kernels.py`, which is for a library that watches itself."""
    rng = np.random.default_rng(0)
    with np.errstate(all="ignore"):
        for _ in range(20):
            fuzz_kernels.once(found.kernels, rng)


def test_whole_takes_stand_where_numpy_puts_them(poses, body, monkeypatch):
    turns, rest = np.random.default_rng(2).normal(0.0, 1.0, (COUNT, 24, 3)), body.rest_joints(np.ones(10))
    turns[0] = 0.0
    compiled = kinematics.posed(turns, rest, poses.trans)
    monkeypatch.setattr(kinematics, "find_kernels", lambda: kernel_library.Found(None, ""))
    for one, other in zip(compiled, kinematics.posed(turns, rest, poses.trans)):
        assert np.allclose(one, other, atol=1e-12)


@pytest.mark.parametrize("layout", ["azure_kinect_32", "zed_34", "mpi_inf_3dhp_28"])
def test_skeletons_of_many_joints_are_solved(body, layout):
    track = lsmpl.KeypointTrack(walking(lsmpl.LAYOUTS[layout], 6), layout=lsmpl.LAYOUTS[layout], fps=30.0)
    assert len(lsmpl.solve(track, body)) == 6
