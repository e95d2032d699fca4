"""`Camera`: a pinhole camera as OpenCV describes one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Camera:
    """x = K (R X + t) for a point X of the world, x and y to the right and down in pixels.

    matrix K (3,3) pixels; rotation R (3,3) and translation t (3,), in the world's unit, from the
    world to the camera, which looks along its z; distortion (D,) OpenCV's coefficients k1, k2, p1,
    p2, k3, ..., empty where the lens has none; size: width and height in pixels, None where the
    file does not say.
    """

    name: str
    matrix: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray
    distortion: np.ndarray
    size: tuple[int, int] | None = None

    @property
    def picture(self) -> tuple[float, float]:
        """Width and height in pixels; where the file does not say, twice the optical centre."""
        return self.size or (2 * float(self.matrix[0, 2]), 2 * float(self.matrix[1, 2]))

    def depth(self, points: np.ndarray) -> np.ndarray:
        """(...,) how far points (...,3) of the world are in front of the camera."""
        return points @ self.rotation[2] + self.translation[2]

    def project(self, points: np.ndarray, distorted: bool = False) -> np.ndarray:
        """(...,2) pixels of points (...,3) of the world; NaN for those behind the camera.

        distorted: by the lens, with up to five coefficients (OpenCV, calib3d).
        """
        seen = points @ self.rotation.T + self.translation
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            flat = seen[..., :2] / np.where(seen[..., 2:] > 0, seen[..., 2:], np.nan)
            if distorted and len(self.distortion):
                flat = _bent(flat, self.distortion)
            return flat @ self.matrix[:2, :2].T + self.matrix[:2, 2]


def _bent(flat: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Points (...,2) at depth 1 where a lens shows them: radially by k1, k2, k3, tangentially by
    p1, p2."""
    k1, k2, p1, p2, k3 = np.pad(coefficients[:5], (0, max(0, 5 - len(coefficients))))
    x, y = flat[..., 0], flat[..., 1]
    square = x * x + y * y
    radial = 1 + square * (k1 + square * (k2 + square * k3))
    return np.stack(
        [
            x * radial + 2 * p1 * x * y + p2 * (square + 2 * x * x),
            y * radial + p1 * (square + 2 * y * y) + 2 * p2 * x * y,
        ],
        axis=-1,
    )
