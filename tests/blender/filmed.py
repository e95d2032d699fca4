"""A take as somebody gets it who filmed another: images, their camera's calibration, and keypoints that are noisy and
sometimes astray. All of it is made of the example.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import lsmpl_core as lsmpl
from lsmpl_core.body.garments import clothes

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "walk_and_wave.trc"
WIDTH, HEIGHT, FOCAL = 640, 360, 560.0
NOISE = 0.006
"""Metres, the standard deviation of a coordinate."""
ASTRAY = {
    "right_knee": (84, 96, (0.1, 0.0, 0.1)),
    "right_ankle": (84, 96, (0.1, 0.0, 0.15)),
    "right_wrist": (134, 146, (0.1, 0.05, -0.25)),
    "right_elbow": (134, 146, (0.05, 0.1, -0.15)),
}
"""Keypoints that a detector puts elsewhere: in which frames, and by how much, in metres. The example's left arm is
hidden in a third stretch."""
COLOURS = np.array([(178, 150, 132), (92, 118, 143), (52, 56, 68), (38, 36, 38)])
"""Of skin, shirt, trousers and shoes, as `garments` counts them."""


def film(folder: Path) -> tuple[Path, Path, Path]:
    """Write `walk.trc`, `calibration.toml` and `filmed_0001.jpg` and so on into a folder, and return these three."""
    folder.mkdir(parents=True, exist_ok=True)
    body, track = lsmpl.load_body(), lsmpl.read_keypoints(EXAMPLE)
    motion = lsmpl.solve(track, body)
    rotation, translation = _camera(track)
    _paint(folder, body, body.vertices(motion) @ rotation.T + translation)
    (folder / "calibration.toml").write_text(_CALIBRATION.format(
        width=WIDTH, height=HEIGHT, focal=FOCAL, x=WIDTH / 2, y=HEIGHT / 2,
        rotation=_rotation_vector(rotation), translation=translation.tolist(),
    ))  # fmt: skip
    _write(folder / "walk.trc", _as_detected(track))
    return folder / "walk.trc", folder / "calibration.toml", folder / "filmed_0001.jpg"


_CALIBRATION = """[cam_1]
name = "cam_1"
size = [{width}, {height}]
matrix = [[{focal}, 0.0, {x}], [0.0, {focal}, {y}], [0.0, 0.0, 1.0]]
distortions = [0.0, 0.0, 0.0, 0.0]
rotation = {rotation}
translation = {translation}
"""


def _camera(track: lsmpl.KeypointTrack) -> tuple[np.ndarray, np.ndarray]:
    """From the world into the space of a camera before the walk, a bit from the side and from above: (3,3) and (3,)."""
    middle = np.nanmean(track.positions, axis=(0, 1))
    ahead = np.array([0.35, 1.0, -0.16])
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(ahead, right), ahead])
    return rotation, -rotation @ (middle - 4.6 * ahead)


def _rotation_vector(rotation: np.ndarray) -> list[float]:
    angle = np.arccos((np.trace(rotation) - 1) / 2)
    axis = np.array([rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1]])
    return (angle * axis / np.linalg.norm(axis)).tolist()


def _as_detected(track: lsmpl.KeypointTrack) -> lsmpl.KeypointTrack:
    positions = track.positions + np.random.default_rng(7).normal(scale=NOISE, size=track.positions.shape)
    for name, (first, end, by) in ASTRAY.items():
        positions[first:end, track.layout.keypoints.index(name)] += by
    return replace(track, positions=positions)


def _write(path: Path, track: lsmpl.KeypointTrack) -> None:
    """As the example's file, with these positions."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    head, rows = lines[:5], [line.split("\t") for line in lines[5:] if line.strip()]
    for row, at in zip(rows, track.positions):
        row[2 : 2 + at.size] = [f"{value:.5f}" for value in at.ravel()]
    path.write_text("\n".join([*head, *("\t".join(row) for row in rows)]) + "\n", encoding="utf-8")


def _paint(folder: Path, body: lsmpl.Body, vertices: np.ndarray) -> None:
    """Images of vertices (T,V,3) in the camera's space, shaded, on a floor before a wall."""
    worn = clothes(body, body.faces)
    light = np.array([-0.4, -0.8, -0.45])
    for number, at in enumerate(vertices, 1):
        picture = Image.new("RGB", (WIDTH, HEIGHT), (148, 152, 150))
        pen = ImageDraw.Draw(picture)
        pen.rectangle((0, HEIGHT * 0.62, WIDTH, HEIGHT), fill=(120, 112, 100))
        corners = at[body.faces]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        seen = np.flatnonzero((normals * corners[:, 0]).sum(axis=1) < 0)
        shade = normals[seen] @ light / np.maximum(np.linalg.norm(normals[seen], axis=1), 1e-12)
        colours = (COLOURS[worn[seen]] * (0.65 + 0.4 * np.clip(shade, -0.2, 1.0))[:, None]).astype(int)
        pixels = FOCAL * corners[seen, :, :2] / corners[seen, :, 2:] + (WIDTH / 2, HEIGHT / 2)
        for i in np.argsort(-corners[seen, :, 2].mean(axis=1)):
            pen.polygon([tuple(point) for point in pixels[i]], fill=tuple(colours[i]))
        picture.save(folder / f"filmed_{number:04d}.jpg", quality=85)


if __name__ == "__main__":
    import sys

    print(*film(Path(sys.argv[1])))
