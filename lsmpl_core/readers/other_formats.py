"""What to export instead of files that hold motion, but in a form that is not read."""

from __future__ import annotations

from pathlib import Path

_POSITIONS = "positions of joints or markers as C3D, TRC, CSV or BVH"
_BY_BLENDER = (
    "Import it in Blender (File > Import), select its armature and export that as BVH (File > "
    "Export > Motion Capture), which is read"
)
_VIDEO = (
    "is a picture or a video. Let a pose estimator find the people in it first (SAM 3D Body, "
    "GVHMR, WHAM, MediaPipe, Pose2Sim): what these write is read"
)

INSTEAD = {
    ("fbx", "glb", "gltf", "usd", "usda", "usdc", "usdz", "dae", "abc", "x3d"): (
        f"is a scene. {_BY_BLENDER}"
    ),
    ("blend",): "is a Blender file. Export its armature as BVH (File > Export > Motion Capture)",
    ("amc", "asf"): (
        "is Acclaim's form, bones (ASF) and rotations (AMC) in two files. Convert both into BVH; "
        "CMU's database has C3D of the same takes"
    ),
    ("mvn",): "is Xsens' own form. Export MVNX, BVH or C3D in MVN (File > Export)",
    ("tak", "ttp"): "is Motive's own form. Export CSV, C3D or BVH (File > Export Tracking Data)",
    ("qtm", "qca"): "is Qualisys' own form. Export C3D or TSV in QTM (File > Export)",
    ("x2d", "x1d", "xcp", "vsk", "mcp", "enf", "system"): (
        "is one of Vicon's own files. Export C3D, or the trajectories as CSV, in Nexus or Shogun"
    ),
    ("trb", "cap", "anb", "anc", "prj"): (
        "is one of Motion Analysis' own files. Export TRC or C3D in Cortex"
    ),
    ("cmo", "cmz", "tdf", "mdx", "mdf"): f"is a laboratory's own form. Export {_POSITIONS}",
    ("osim",): (
        "is an OpenSim model, which holds no motion. Take its trial's markers (TRC), or the "
        "origins of the bodies (PointKinematics, .sto)"
    ),
    ("vmd", "vpd", "pmx", "bip", "htr", "htr2", "gtr", "trn", "anim", "xaf", "fnimate"): (
        f"holds rotations of bones in a program's own form. Export {_POSITIONS} there"
    ),
    ("h5", "hdf5"): (
        "is HDF5. Write its points as CSV or with numpy.save; DeepLabCut writes a CSV beside it "
        "(analyze_videos_converth5_to_csv), SLEAP by sleap-convert --format analysis.csv"
    ),
    ("slp",): "is SLEAP's own form. Export its analysis as CSV: a row a frame, or a row a person",
    ("parquet", "feather", "arrow"): (
        "is a data frame in a form of its own. Save it as CSV, as pandas' to_csv does"
    ),
    ("xlsx", "xls", "ods", "db", "sqlite"): (
        "is a table in a form of its own. Save it as CSV: a row a frame, columns such as nose_x, "
        "nose_y, nose_z"
    ),
    ("svo", "svo2", "mkv", "xef", "oni", "bag", "mcap"): (
        "is a sensor's recording. Export the bodies that its kit tracks as JSON or CSV"
    ),
    ("mp4", "mov", "avi", "webm", "wmv", "m4v", "gif", "png", "jpg", "jpeg", "webp"): _VIDEO,
    ("zip", "7z", "rar", "gz", "tar", "tgz", "xz", "bz2"): "is an archive. Unpack it first",
    ("onnx", "ckpt", "safetensors"): "is a network, which holds no motion",
    ("pt", "pth"): (
        "is PyTorch's form. Save the points there with numpy.save, (frames, keypoints, 3)"
    ),
    ("cdf",): (
        "is Human3.6M's form (NASA's CDF). Save its positions with numpy.save, (frames, 32, 3)"
    ),
    ("xml",): f"is XML, in which every program has a form of its own. Export {_POSITIONS}",
    ("obj", "ply", "stl", "off"): (
        "is a mesh without joints. Its points are not followed; export " + _POSITIONS
    ),
}  # fmt: skip
"""By the endings of files what they are, and what of theirs is read: forms as their programs'
manuals and public readers describe them."""


BEGINNINGS = (
    (b"PK\x03\x04", "a workbook or an archive, as ZIP. Save its sheet as CSV, or unpack it"),
    (b"\x1f\x8b", "packed by gzip. Unpack it first"),
    (b"\x89HDF", "HDF5. Write the points as CSV, a row a frame, or with numpy.save"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook. Save its sheet as CSV"),
    (b"Kaydara FBX", f"an FBX scene. {_BY_BLENDER}"),
    (b"glTF", f"a glTF scene. {_BY_BLENDER}"),
    (b"MATLAB 7.3", "MATLAB's form of version 7.3. Save it as version 7: save('take.mat', '-v7')"),
    (b"MATLAB", "a MAT-file. Name it .mat"),
    (b"\x93NUMPY", "a NumPy array. Name it .npy"),
)  # fmt: skip
"""By a file's first bytes what it is, whatever its name says."""


def known_by_its_bytes(data: bytes) -> str:
    """What a file that begins with some bytes is, and what to do with it; "" where they tell
    nothing."""
    return next((what for begin, what in BEGINNINGS if data.startswith(begin)), "")


def instead_of(path: Path) -> str:
    """What a file is by its ending and what to export instead; "" where that is not known."""
    ending = path.suffix.lower().lstrip(".")
    return next((advice for endings, advice in INSTEAD.items() if ending in endings), "")
