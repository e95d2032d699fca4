"""Read SMPL body files, which come from strangers, into checked arrays.

Two forms are read: `.npz`, and the official `.pkl` with its chumpy and SciPy objects (see
`safe_pickle`).
"""

import io
import os
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from ..bounds import are_whole
from ..errors import BodyFileError
from ..files import safe_pickle
from ..files.npz import open_npz, read_array, read_header
from ..files.pickle_arrays import to_array
from ..files.reals import reals
from .skeleton import SKELETONS, SMPL, SMPLH, SMPLX

SHAPE_COMPONENTS = 10
PER_JOINT = 9  # pose components: the entries of the rotation matrices of all joints but the root

_REQUIRED = ("v_template", "shapedirs", "weights", "J_regressor", "kintree_table", "f")
_OPTIONAL = ("posedirs", "quads", "site_names", "site_vertices", "site_weights", "name", "license")
_OTHER_MODELS = {16: "a MANO hand", 5: "a FLAME head"}
_UNSIGNED_MINUS_ONE = 2**32 - 1  # the root's parent in official files
_WEIGHT_TOLERANCE = 1e-3  # some files store float16
_REGRESSOR_TOLERANCE = 0.1  # SMPL's training only encourages its rows to sum to one
_HEIGHTS = (0.1, 10.0)  # of a template, in [m]


def read_body_file(path: str | os.PathLike, correctives: bool = True) -> dict[str, np.ndarray]:
    """Read a body of SMPL, SMPL-H or SMPL-X, in metres, Y up. Nothing in the file is run.

    `correctives` False leaves `posedirs` unread.

    Gives, with V vertices, F triangles and J joints, 24, 52 or 55:
        `v_template (V,3)`, `shapedirs (V,3,10)` (the first ten components), `posedirs
        (V,3,9*(J-1))` unless the file has none, `weights (V,J)` (rows sum to one), `J_regressor
        (J,V)`, all float32; `parents (J,)` (root -1) and `f (F,3)`, int32; and where the file has
        them `quads (Q,4)`, int32, the sites' `site_names (S,)`, `site_vertices (S,N)`, int32, and
        `site_weights (S,N)`, float32, and `name` and `license` (strings, 0-d).

    Raises BodyFileError if the file cannot be read, is damaged, or is no such body; the message
    names the field, what was found and what would be valid.
    """
    path = Path(path)
    fields = _Fields(_read_fields(path, () if correctives else ("posedirs",)), path)
    fields.check_present()
    parents = fields.parents()
    joints = len(parents)

    v_template = fields.numbers("v_template", (None, 3))
    vertices = len(v_template)
    height = float(np.ptp(v_template, axis=0).max()) if vertices else 0.0
    if not _HEIGHTS[0] <= height <= _HEIGHTS[1]:
        raise fields.error(
            "v_template", f"spans {height:.3g} m", "a body in metres, about 1.7 m tall"
        )

    shapedirs = fields.numbers("shapedirs", (vertices, 3, None))
    if shapedirs.shape[2] < SHAPE_COMPONENTS:
        found = f"has {shapedirs.shape[2]} shape components"
        raise fields.error(
            "shapedirs", found, f"at least {SHAPE_COMPONENTS}, as in the 10-component SMPL files"
        )

    body = {
        "v_template": v_template,
        "shapedirs": shapedirs[:, :, :SHAPE_COMPONENTS],
        "weights": fields.weights("weights", (vertices, joints)),
        "J_regressor": fields.rows_of_one("J_regressor", (joints, vertices), _REGRESSOR_TOLERANCE),
    }
    if fields.has("posedirs"):
        body["posedirs"] = fields.numbers("posedirs", (vertices, 3, PER_JOINT * (joints - 1)))
    if fields.has("site_weights"):
        body["site_weights"] = fields.weights("site_weights", (None, None))
    body = {key: np.ascontiguousarray(array, np.float32) for key, array in body.items()}

    body["parents"] = parents
    body["f"] = fields.indices("f", (None, 3), vertices)
    if fields.has("quads"):
        body["quads"] = fields.indices("quads", (None, 4), vertices)
    if fields.has("site_weights"):
        body["site_vertices"] = fields.indices(
            "site_vertices", body["site_weights"].shape, vertices
        )
        body["site_names"] = fields.strings("site_names", (len(body["site_weights"]),))
    for key in ("name", "license"):
        if fields.has(key):
            body[key] = fields.strings(key, ())
    return body


def _read_fields(path: Path, without: Collection[str]) -> Mapping[str, object]:
    """The fields of a body file by name, not yet checked, but for those that are not wanted."""
    suffix = path.suffix.lower()
    if suffix not in (".npz", ".pkl") and path.is_file():
        raise BodyFileError(f"{path} ends in '{path.suffix}'; a body file is an SMPL .npz or .pkl.")
    data = safe_pickle.read_bytes(path)
    if not data:
        raise BodyFileError(
            f"{path} is empty; an SMPL .npz or .pkl was expected. Copy or download it again."
        )
    is_zip = data[:2] == b"PK"
    if suffix == ".npz" and not is_zip:
        raise BodyFileError(
            f"{path} is no .npz archive: it starts with {data[:12]!r}. Copy or download it again."
        )
    if is_zip:
        return _read_npz(data, path, without)
    fields = safe_pickle.loads(data, name=str(path))
    if not isinstance(fields, dict):
        raise BodyFileError(
            f"{path} holds a {type(fields).__name__}; an SMPL .pkl holds a dict of "
            f"{_listed(_REQUIRED)}."
        )
    named = {
        key.decode("latin1") if isinstance(key, bytes) else key: value
        for key, value in fields.items()
    }
    return {key: value for key, value in named.items() if key not in without}


def _read_npz(data: bytes, path: Path, without: Collection[str]) -> dict[str, object]:
    fields = {}
    member = "the list of contents"
    try:
        with open_npz(io.BytesIO(data), len(data)) as archive:
            for key in (*_REQUIRED, *_OPTIONAL):
                if key in archive.names and key not in without:
                    member = key
                    fields[key] = _array_or_pickle(archive.raw(key))
    except BodyFileError as error:
        raise BodyFileError(f"{path}, {member}: {error}") from error
    except ValueError as error:
        raise BodyFileError(
            f"{path}: {member} {error}. Copy or download the file again."
        ) from error
    return fields


def _array_or_pickle(data: bytes) -> object:
    """What one `.npy` member holds; an array of objects is an embedded pickle."""
    stream = io.BytesIO(data)
    _, _, dtype = read_header(stream)
    if dtype.hasobject:
        return safe_pickle.loads(stream.read(), name="the pickle in it")
    return read_array(io.BytesIO(data), len(data))


class _Fields:
    """The fields of one file, handed out as checked arrays; its errors name the file and the
    field."""

    def __init__(self, raw: Mapping[str, object], path: Path):
        self.raw, self.path = raw, path

    def error(self, field: str, found: str, valid: str) -> BodyFileError:
        return BodyFileError(f"{self.path}: field '{field}' {found}; valid is {valid}.")

    def has(self, field: str) -> bool:
        return self.raw.get(field) is not None

    def check_present(self) -> None:
        missing = [field for field in _REQUIRED if not self.has(field)]
        if missing:
            found = (
                _listed(sorted(str(key)[:40] for key in self.raw)[:20])
                if self.raw
                else "none of an SMPL body's fields"
            )
            raise BodyFileError(
                f"{self.path} has no field {_listed(missing)}; found was {found}. "
                f"An SMPL body has {_listed(_REQUIRED)}, and mostly posedirs."
            )

    def array(
        self, field: str, shape: tuple[int | None, ...], kinds: str, valid: str
    ) -> np.ndarray:
        """The field as an array of this shape (None is any size) and of these dtype kinds."""
        if not self.has(field):
            raise self.error(field, "is missing", valid)
        try:
            array = to_array(self.raw[field])
        except ValueError as cause:
            raise self.error(field, f"is {cause}", valid) from cause
        if array.dtype.kind not in kinds:
            raise self.error(field, f"is of type {array.dtype}", valid)
        if array.ndim != len(shape) or any(
            n is not None and n != found for n, found in zip(shape, array.shape)
        ):
            wanted = ", ".join("any" if n is None else str(n) for n in shape)
            raise self.error(field, f"has shape {array.shape}", f"shape ({wanted})")
        return array

    def numbers(self, field: str, shape: tuple[int | None, ...]) -> np.ndarray:
        """Finite numbers, as float64."""
        array = reals(self.array(field, shape, "fiu", "an array of numbers"))
        if array.size and not (array.min() > -1e6 and array.max() < 1e6):
            bad = np.count_nonzero(~(np.abs(array) < 1e6))
            raise self.error(
                field, f"has {bad} values that are not finite or above a million", "finite numbers"
            )
        return array

    def rows_of_one(
        self, field: str, shape: tuple[int | None, int | None], tolerance: float
    ) -> np.ndarray:
        """Rows of finite numbers that sum to one within `tolerance`, as float64."""
        array = self.numbers(field, shape)
        if not array.size:
            raise self.error(field, f"is empty, of shape {array.shape}", "rows that sum to one")
        sums = array.sum(axis=1)
        worst = np.abs(sums - 1).argmax()
        if abs(sums[worst] - 1) > tolerance:
            raise self.error(
                field, f"sums to {sums[worst]:.4g} in row {worst}", "rows that sum to one"
            )
        return array

    def weights(self, field: str, shape: tuple[int | None, int | None]) -> np.ndarray:
        """Rows of non-negative numbers that sum to one, with the file's rounding taken out, as
        float64."""
        array = self.rows_of_one(field, shape, _WEIGHT_TOLERANCE)
        if array.min() < -_WEIGHT_TOLERANCE:
            raise self.error(
                field, f"has the negative value {array.min():.4g}", "weights from 0 to 1"
            )
        return array / array.sum(axis=1, keepdims=True)

    def integers(self, field: str, shape: tuple[int | None, ...]) -> np.ndarray:
        """Whole numbers, as int64; unsigned minus one, which official files have, becomes -1."""
        array = self.array(field, shape, "fiu", "an array of whole numbers")
        if array.dtype.kind == "f" and not are_whole(array):
            raise self.error(
                field, "has values that are no whole numbers", "an array of whole numbers"
            )
        array = array.astype(np.int64)
        return np.where(array == _UNSIGNED_MINUS_ONE, -1, array)

    def indices(self, field: str, shape: tuple[int | None, ...], below: int) -> np.ndarray:
        """Vertex numbers from 0 to `below` - 1, as int32."""
        array = self.integers(field, shape)
        if not array.size:
            raise self.error(
                field, f"is empty, of shape {array.shape}", f"vertex numbers from 0 to {below - 1}"
            )
        for value in (array.min(), array.max()):
            if not 0 <= value < below:
                raise self.error(field, f"has the vertex number {value}", f"0 to {below - 1}")
        return array.astype(np.int32)

    def strings(self, field: str, shape: tuple[int | None, ...]) -> np.ndarray:
        array = self.array(field, shape, "US", "text")
        try:
            return (
                np.char.decode(array, "utf-8")
                if array.dtype.kind == "S"
                else np.array(array.tolist(), dtype=str)
            )
        except ValueError as cause:
            raise self.error(field, "is no valid text", "text in UTF-8") from cause

    def parents(self) -> np.ndarray:
        """Each joint's parent from `kintree_table`, (J,) int32 with root -1, after naming other
        kinds of model."""
        table = self.integers("kintree_table", (2, None))
        joints = table.shape[1]
        skeleton = SKELETONS.get(joints)
        if skeleton is None:
            model = _OTHER_MODELS.get(joints, "another model")
            raise BodyFileError(
                f"{self.path} has {joints} joints in 'kintree_table', which is {model}; valid is "
                f"an SMPL body, which has {len(SMPL)} (from smpl.is.tue.mpg.de, such as "
                f"SMPL_NEUTRAL.pkl), an SMPL-H body of {len(SMPLH)} or an SMPL-X body of "
                f"{len(SMPLX)}."
            )
        valid = (
            f"{skeleton.name}'s tree of {joints} joints, shape (2, {joints}): parents, then the "
            "joints' numbers"
        )
        parents = table[0]
        if (table[1] != np.arange(joints)).any():
            raise self.error("kintree_table", "numbers its joints out of order in row 1", valid)
        for joint, parent in enumerate(parents):
            if joint == 0 and parent != -1:
                raise self.error(
                    "kintree_table",
                    f"gives the root the parent {parent}",
                    f"-1 or {2**32 - 1} there",
                )
            if joint > 0 and not 0 <= parent < joint:
                found = f"gives joint {joint} the parent {parent}"
                raise self.error(
                    "kintree_table", found, f"a tree in order, so 0 to {joint - 1} there"
                )
            right = skeleton.parents[joint]
            if parent != right:
                found = (
                    f"gives joint {joint} the parent {parent}, so its joints are not "
                    f"{skeleton.name}'s"
                )
                raise self.error(
                    "kintree_table", found, f"{right} there, and in all {skeleton.parents}"
                )
        return parents.astype(np.int32)


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(names)
