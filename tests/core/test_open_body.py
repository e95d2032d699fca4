"""The committed open body is a symmetric, human, SMPL-format body whose joints are SMPL's."""

from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest

PATH = Path(__file__).parents[2] / "lsmpl_core" / "data" / "open_body.npz"
PARENTS = [-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21]
OTHER_SIDE = [0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22]
LEGS, ARMS = ((1, 4, 7, 10), (2, 5, 8, 11)), ((13, 16, 18, 20, 22), (14, 17, 19, 21, 23))
MIRROR = np.array([-1.0, 1.0, 1.0])

# Rest joints of SMPL's neutral mean shape, in metres: public figures.
SMPL_JOINTS = np.array(
    [
        (-0.0018, -0.2233, 0.0282), (0.0677, -0.3147, 0.0214), (-0.0695, -0.3139, 0.0239), (-0.0043, -0.1144, 0.0015),
        (0.1020, -0.6899, 0.0169), (-0.1078, -0.6964, 0.0150), (0.0012, 0.0208, 0.0026), (0.0884, -1.0879, -0.0268),
        (-0.0920, -1.0948, -0.0273), (0.0026, 0.0737, 0.0280), (0.1148, -1.1437, 0.0925), (-0.1174, -1.1430, 0.0961),
        (-0.0002, 0.2876, -0.0148), (0.0815, 0.1955, -0.0060), (-0.0791, 0.1926, -0.0106), (0.0050, 0.3526, 0.0365),
        (0.1724, 0.2260, -0.0149), (-0.1752, 0.2251, -0.0197), (0.4321, 0.2132, -0.0424), (-0.4289, 0.2118, -0.0411),
        (0.6813, 0.2222, -0.0435), (-0.6842, 0.2196, -0.0467), (0.7653, 0.2140, -0.0585), (-0.7688, 0.2134, -0.0570),
    ]
)  # fmt: skip

FINGERS = ("thumb", "index", "middle", "ring", "little")
SIDED_SITES = (
    ["eye", "eye_inner", "eye_outer", "ear", "big_toe", "small_toe", "heel"]
    + [f"{finger}_knuckle" for finger in FINGERS]
    + [f"{finger}_tip" for finger in FINGERS]
)
SITES = {"nose", "mouth_left", "mouth_right", "head_top", "chin"} | {
    f"{side}_{site}" for side, site in product(("left", "right"), SIDED_SITES)
}


@pytest.fixture(scope="module")
def body() -> dict[str, np.ndarray]:
    with np.load(PATH, allow_pickle=False) as archive:
        return {key: array.astype(np.float64) if array.dtype.kind == "f" else array for key, array in archive.items()}


@pytest.fixture(scope="module")
def mirror(body) -> np.ndarray:
    """(V,) the vertex that mirrors each vertex: the sites and the template's coordinates find it."""
    key = np.round(np.where(body["v_template"] == 0, 0.0, body["v_template"]), 6)
    lookup = {tuple(point): index for index, point in enumerate(key)}
    return np.array([lookup[tuple(np.where(point == 0, 0.0, point * MIRROR))] for point in key])


@pytest.fixture(scope="module")
def sites(body) -> dict[str, np.ndarray]:
    return dict(zip(body["site_names"].tolist(), site_points(body, body["v_template"])))


def site_points(body, vertices) -> np.ndarray:
    return np.einsum("sn,snx->sx", body["site_weights"], vertices[body["site_vertices"]])


def shaped(body, betas) -> np.ndarray:
    return body["v_template"] + body["shapedirs"] @ betas


def some_betas() -> list[np.ndarray]:
    """Each component at +-2, and random people."""
    axes = [sign * 2.0 * row for row in np.eye(10) for sign in (-1.0, 1.0)]
    return axes + list(np.random.default_rng(0).normal(size=(30, 10)))


def height(vertices) -> float:
    return float(np.ptp(vertices[:, 1]))


def angle(a, b) -> float:
    """In degrees."""
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))


def rotation_matrices(rotation_vectors) -> np.ndarray:
    """Rodrigues' formula, (..., 3) to (..., 3, 3)."""
    theta = np.linalg.norm(rotation_vectors, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(rotation_vectors / np.maximum(theta[..., 0], 1e-12), -1, 0)
    zero = np.zeros_like(x)
    skew = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    return np.eye(3) + np.sin(theta) * skew + (1 - np.cos(theta)) * skew @ skew


def skin(body, betas, pose) -> np.ndarray:
    """SMPL's linear blend skinning, as its paper writes it. `pose` is (24, 3) axis-angle."""
    vertices = shaped(body, betas)
    joints = body["J_regressor"] @ vertices
    rotations = rotation_matrices(pose)
    if "posedirs" in body:
        vertices = vertices + body["posedirs"] @ (rotations[1:] - np.eye(3)).ravel()
    turns, places = [rotations[0]], [joints[0]]
    for joint, parent in list(enumerate(PARENTS))[1:]:
        turns.append(turns[parent] @ rotations[joint])
        places.append(places[parent] + turns[parent] @ (joints[joint] - joints[parent]))
    turns = np.array(turns)
    shifts = np.array(places) - np.einsum("jab,jb->ja", turns, joints)
    blended = np.einsum("vj,jab->vab", body["weights"], turns)
    return np.einsum("vab,vb->va", blended, vertices) + body["weights"] @ shifts


def test_is_an_smpl_file_without_pickled_objects(body):
    vertices, faces = len(body["v_template"]), len(body["f"])
    assert body["v_template"].shape == (vertices, 3)
    assert body["shapedirs"].shape == (vertices, 3, 10)
    assert body["weights"].shape == (vertices, 24)
    assert body["J_regressor"].shape == (24, vertices)
    assert body["f"].shape == (faces, 3) and body["f"].max() < vertices
    assert body["quads"].shape == (faces // 2, 4)
    assert body["kintree_table"][0].tolist() == PARENTS
    assert body["kintree_table"][1].tolist() == list(range(24))
    assert str(body["name"]) == "open"
    assert "CC0" in str(body["license"])


def test_is_small():
    assert PATH.stat().st_size < 3e6


def test_numbers_are_finite(body):
    for key in ("v_template", "shapedirs", "weights", "J_regressor", "site_weights"):
        assert np.isfinite(body[key]).all(), key


def test_triangles_are_the_halves_of_the_quads(body):
    first, second = np.split(body["f"], 2)
    assert np.array_equal(first, body["quads"][:, [0, 1, 2]])
    assert np.array_equal(second, body["quads"][:, [0, 2, 3]])


def test_weights_sum_to_one_over_at_most_seven_joints(body):
    assert body["weights"].min() >= 0
    assert np.abs(body["weights"].sum(1) - 1).max() < 1e-6
    assert (body["weights"] > 0).sum(1).max() <= 7


def test_template_and_weights_and_components_are_symmetric(body, mirror):
    assert np.array_equal(mirror[mirror], np.arange(len(mirror)))
    assert np.abs(body["weights"][mirror][:, OTHER_SIDE] - body["weights"]).max() < 1e-6
    mirrored = body["shapedirs"][mirror] * MIRROR[:, None]
    assert np.abs(mirrored - body["shapedirs"]).max() < 2e-4


def test_sites_are_symmetric(sites):
    for name, point in sites.items():
        if name.startswith("left_"):
            assert np.abs(sites["right_" + name.removeprefix("left_")] - point * MIRROR).max() < 1e-5, name
    assert np.abs(sites["mouth_left"] - sites["mouth_right"] * MIRROR).max() < 1e-6


def test_mean_joints_are_smpls(body):
    joints = body["J_regressor"] @ body["v_template"]
    assert np.linalg.norm(joints - SMPL_JOINTS, axis=1).max() < 0.006
    assert np.abs(joints[OTHER_SIDE] * MIRROR - joints).max() < 1e-5


@pytest.mark.parametrize("betas", some_betas())
def test_limbs_keep_smpls_rest_directions_in_every_shape(body, betas):
    joints = body["J_regressor"] @ shaped(body, betas)
    for joint, parent in list(enumerate(PARENTS))[1:]:
        limit = 4.0 if joint in (4, 5, 7, 8, 18, 19, 20, 21) else 10.0
        assert angle(joints[joint] - joints[parent], SMPL_JOINTS[joint] - SMPL_JOINTS[parent]) < limit, joint


@pytest.mark.parametrize("betas", some_betas())
def test_shapes_stay_human(body, betas):
    vertices = shaped(body, betas)
    joints = body["J_regressor"] @ vertices
    assert 1.3 < height(vertices) < 2.2
    for left, right in (LEGS, ARMS):
        lengths = [np.linalg.norm(np.diff(joints[list(chain)], axis=0), axis=1) for chain in (left, right)]
        assert min(map(np.min, lengths)) > 0.05
        assert np.allclose(*lengths, atol=1e-3)
    thigh, shin = np.linalg.norm(joints[1] - joints[4]), np.linalg.norm(joints[4] - joints[7])
    upper_arm, forearm = np.linalg.norm(joints[16] - joints[18]), np.linalg.norm(joints[18] - joints[20])
    assert 0.8 < thigh / shin < 1.1
    assert 0.9 < upper_arm / forearm < 1.2
    assert 0.42 < (joints[1, 1] - vertices[:, 1].min()) / height(vertices) < 0.56


def test_mean_adult_is_1_7_metres_tall_and_component_0_is_height(body):
    assert height(body["v_template"]) == pytest.approx(1.70, abs=0.02)
    shorter, taller = (height(shaped(body, sign * 2 * np.eye(10)[0])) for sign in (-1, 1))
    assert 1.45 < shorter < 1.60 and 1.80 < taller < 1.95


def test_components_change_limbs_and_girth(body):
    rest = body["J_regressor"] @ body["v_template"]
    legs, waists = [], []
    waist = np.abs(body["v_template"][:, 1] - rest[3, 1]) < 0.05
    for component in np.eye(10):
        vertices = shaped(body, 2 * component)
        joints = body["J_regressor"] @ vertices
        legs.append(abs((joints[1, 1] - joints[7, 1]) - (rest[1, 1] - rest[7, 1])))
        waists.append(abs(np.ptp(vertices[waist, 2]) - np.ptp(body["v_template"][waist, 2])))
    assert sum(change > 0.01 for change in legs) >= 2
    assert sum(change > 0.01 for change in waists) >= 2


@pytest.mark.parametrize("betas", some_betas())
def test_joints_stay_inside_the_body(body, betas):
    """Skin surrounds a joint: seen from it, there are vertices near it in every one of eight directions."""
    vertices = shaped(body, betas)
    for joint, place in enumerate(body["J_regressor"] @ vertices):
        offsets = vertices - place
        near = offsets[np.linalg.norm(offsets, axis=1) < 0.30]
        octants = {tuple(row) for row in (near > 0).tolist()}
        assert len(octants) == 8, joint


def test_all_sites_are_there_and_are_convex_combinations(body):
    assert set(body["site_names"].tolist()) == SITES
    assert body["site_weights"].min() >= 0
    assert np.abs(body["site_weights"].sum(1) - 1).max() < 1e-6
    assert body["site_vertices"].min() >= 0 and body["site_vertices"].max() < len(body["v_template"])


def test_left_sites_are_at_the_persons_left(sites):
    for name, point in sites.items():
        if "left" in name:
            assert point[0] > 0.01, name
        elif "right" in name:
            assert point[0] < -0.01, name
        else:
            assert abs(point[0]) < 1e-3, name


def test_sites_are_where_detectors_mark_them(body, sites):
    vertices, joints = body["v_template"], body["J_regressor"] @ body["v_template"]
    sole, crown = vertices[:, 1].min(), vertices[:, 1].max()
    assert sites["head_top"][1] == pytest.approx(crown, abs=0.005)
    face = ["head_top", "left_eye", "nose", "mouth_left", "chin"]
    assert all(sites[above][1] > sites[below][1] + 0.01 for above, below in pairwise(face))
    assert abs(sites["mouth_left"][0]) < sites["left_eye"][0]
    assert sites["nose"][2] == max(sites[name][2] for name in sites if "toe" not in name)
    assert 0 < sites["left_eye_inner"][0] < sites["left_eye"][0] < sites["left_eye_outer"][0] < sites["left_ear"][0]
    for name in ("left_big_toe", "left_small_toe", "left_heel"):
        assert sites[name][1] < sole + 0.04, name
    assert sites["left_heel"][2] < joints[7, 2] < sites["left_small_toe"][2] < sites["left_big_toe"][2]
    assert sites["left_big_toe"][0] < sites["left_small_toe"][0]
    for finger in FINGERS:
        knuckle, tip = sites[f"left_{finger}_knuckle"], sites[f"left_{finger}_tip"]
        assert 0.04 < np.linalg.norm(tip - knuckle) < 0.12, finger
        assert 0.03 < np.linalg.norm(knuckle - joints[20]) < 0.11, finger
    across = [sites[f"left_{finger}_knuckle"][2] for finger in FINGERS]
    assert across == sorted(across, reverse=True), "palms face down, thumbs forward"


def test_soles_are_flat_on_the_ground(body):
    feet = (body["weights"][:, [7, 10]].sum(1) > 0.5) & (body["v_template"][:, 1] < -1.1)
    sole = body["v_template"][:, 1].min()
    near_ground = body["v_template"][feet & (body["v_template"][:, 1] < sole + 0.01)]
    assert np.ptp(near_ground[:, 2]) > 0.2


def volume(body, vertices) -> float:
    """Cubic metres."""
    a, b, c = (vertices[body["f"][:, corner]] for corner in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def test_bent_knees_and_elbows_keep_their_girth(body):
    """At 90 degrees the surface's volume is within 3 % of the rest pose's."""

    pose = np.zeros((24, 3))
    pose[[4, 5], 0] = np.pi / 2
    pose[18, 1], pose[19, 1] = -np.pi / 2, np.pi / 2
    rest = volume(body, body["v_template"])
    assert volume(body, skin(body, np.zeros(10), pose)) == pytest.approx(rest, rel=0.03)


def test_skinning_equals_smplx(body):
    torch = pytest.importorskip("torch")
    smplx = pytest.importorskip("smplx")
    rng = np.random.default_rng(3)
    betas, poses = rng.normal(size=(4, 10)), rng.normal(scale=0.6, size=(4, 24, 3))
    arrays = {key: body[key] for key in ("v_template", "shapedirs", "weights", "J_regressor", "kintree_table", "f")}
    arrays["posedirs"] = body.get("posedirs", np.zeros((len(body["v_template"]), 3, 207)))
    model = smplx.SMPL(model_path="", data_struct=smplx.utils.Struct(**arrays), batch_size=4, dtype=torch.float64)
    output = model(
        betas=torch.as_tensor(betas),
        global_orient=torch.as_tensor(poses[:, 0]),
        body_pose=torch.as_tensor(poses[:, 1:].reshape(4, 69)),
    )
    ours = np.stack([skin(body, b, p) for b, p in zip(betas, poses)])
    assert np.abs(output.vertices.detach().numpy() - ours).max() < 1e-5


def test_pose_correctives_are_symmetric_and_leave_sites_alone(body, mirror):
    posedirs = body["posedirs"].reshape(-1, 3, 23, 3, 3)
    other_side = np.array(OTHER_SIDE[1:]) - 1
    mirrored = posedirs[mirror][:, :, other_side] * MIRROR[:, None, None, None] * np.outer(MIRROR, MIRROR)
    assert np.abs(mirrored - posedirs).max() < 2e-4
    assert not body["posedirs"][body["site_vertices"][body["site_weights"] > 0]].any()


@pytest.mark.parametrize(("joint", "beyond", "least"), [(16, 18, 0.85), (18, 20, 0.87), (20, 22, 0.95)])
def test_twisted_limbs_keep_their_thickness(body, joint, beyond, least):
    """Shoulder, elbow and wrist, twisted by 80 degrees either way."""
    joints = body["J_regressor"] @ body["v_template"]
    axis = (joints[beyond] - joints[joint]) / np.linalg.norm(joints[beyond] - joints[joint])
    chain = {16: [16, 18, 20, 22], 18: [18, 20, 22], 20: [20, 22]}[joint]
    ring = np.abs(body["weights"][:, chain].sum(1) - 0.5) < 0.2

    def radius(vertices) -> float:
        return float(np.linalg.norm(np.cross(vertices[ring] - joints[joint], axis), axis=1).mean())

    for sign in (-1, 1):
        pose = np.zeros((24, 3))
        pose[joint] = sign * np.radians(80) * axis
        assert radius(skin(body, np.zeros(10), pose)) > least * radius(body["v_template"])


BENDS = [("elbow", 18, 1, -1), ("knee", 4, 0, 1)]
"""Of the left side: the joint, the axis that it bends about, and which way."""


def bent(body, joint: int, axis: int, degrees: float, correctives: bool = True) -> np.ndarray:
    pose = np.zeros((24, 3))
    pose[joint, axis] = np.radians(degrees)
    without = body if correctives else {**body, "posedirs": np.zeros_like(body["posedirs"])}
    return skin(without, np.zeros(10), pose)


def folds(body, vertices) -> int:
    """Edges about which the skin turns back on itself, by more than 120 degrees."""
    quads = body["quads"]
    a, b, c, d = (vertices[quads[:, corner]] for corner in range(4))
    normals = np.cross(c - a, d - b)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    edges = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    order = np.lexsort(edges.T[::-1])
    faces = np.repeat(np.arange(len(quads)), 4)[order]
    shared = np.flatnonzero((edges[order][1:] == edges[order][:-1]).all(axis=1))
    return int(((normals[faces[shared]] * normals[faces[shared + 1]]).sum(axis=1) < -0.5).sum())


def test_bent_elbows_and_knees_fold_no_more_than_plainly_skinned_ones(body):
    counts = [
        [folds(body, bent(body, joint, axis, way * degrees, on)) for on in (True, False)]
        for _, joint, axis, way in BENDS
        for degrees in (60, 90, 120, 150)
    ]
    corrected, plain = np.sum(counts, axis=0)
    assert corrected <= plain


def test_bent_knees_and_hips_keep_their_volume_better_than_plainly_skinned_ones(body):
    for joint, degrees in [(4, 90), (4, 120), (4, 150), (1, -60), (1, -90)]:
        corrected, plain = (volume(body, bent(body, joint, 0, degrees, on)) for on in (True, False))
        assert corrected > plain, (joint, degrees)


def test_bent_elbows_keep_theirs(body):
    for degrees in (60, 90, 120, 150):
        assert volume(body, bent(body, 18, 1, -degrees)) > volume(body, body["v_template"]) - 0.0002  # cubic metres


def stretched(body, vertices) -> float:
    """By how much edges are longer or shorter than at rest, root mean square of the logarithms."""
    one, other = body["quads"].ravel(), np.roll(body["quads"], -1, axis=1).ravel()
    rest, posed = (np.linalg.norm(v[one] - v[other], axis=1) for v in (body["v_template"], vertices))
    return float(np.sqrt(np.average(np.log(np.maximum(posed, 1e-5) / rest) ** 2, weights=rest)))


@pytest.mark.parametrize(
    "pose",
    [
        {16: (0, 0, -72), 13: (0, 0, -8), 18: (0, -10, 0)},
        {16: (0, 0, 65), 13: (0, 0, 25)},
        {16: (0, 0, -50), 18: (0, -100, 0)},
        {18: (0, -120, 0)},
        {18: (0, -150, 0)},
        {18: (80, 0, 0)},
        {18: (-80, 0, 0)},
        {4: (150, 0, 0)},
        {1: (-60, 0, 0), 4: (150, 0, 0)},
        {1: (-90, 0, 0), 4: (90, 0, 0)},
        {1: (-115, 0, 0), 4: (140, 0, 0), 7: (-20, 0, 0)},
    ],
    ids=[
        "hanging arm",
        "overhead",
        "hand on hip",
        "elbow",
        "elbow as far as it goes",
        "forearm turned in",
        "forearm turned out",
        "knee",
        "kneeling",
        "sitting",
        "crouch",
    ],
)
def test_nothing_is_worse_than_in_plain_skinning(body, pose):
    """Less stretched, less folded, and nearer to the volume at rest."""
    vectors = np.zeros((24, 3))
    for joint, degrees in pose.items():
        vectors[joint] = np.radians(degrees)
    corrected = skin(body, np.zeros(10), vectors)
    plain = skin({**body, "posedirs": np.zeros_like(body["posedirs"])}, np.zeros(10), vectors)
    assert stretched(body, corrected) < stretched(body, plain)
    assert folds(body, corrected) <= folds(body, plain)
    rest = volume(body, body["v_template"])
    assert abs(volume(body, corrected) - rest) < abs(volume(body, plain) - rest)
