"""The body as the published network knows it: BODY_25 and the vertices of many poses and shapes at
once, in torch."""

from __future__ import annotations

import numpy as np
import torch

from ..body.body import Body
from ..body.kinematics import forward, skin
from ..body.sites import SiteParts, site_parts
from ..body.skeleton import NUM_JOINTS
from ..errors import NetworkFileError
from ..keypoints.layouts import BODY_25


class PublishedBody:
    """A body in single precision on a device; poses are rotations (B,24,3,3), trans (B,3) metres
    and betas (B,10).

    regressor (25,V): from the skinned vertices, pose correctives included, to BODY_25, as the
    weights were trained. None, or all zero as in a checkpoint that was trained on another body: the
    body's own sites, without correctives. offsets (25,3): metres by which those sites are off, in
    the rest frame.
    Raises `NetworkFileError` where the regressor is for another mesh.
    """

    def __init__(
        self,
        body: Body,
        regressor: torch.Tensor | None = None,
        offsets: np.ndarray | None = None,
        device: torch.device | str = "cpu",
    ):
        self.device = torch.device(device)
        self.joint_template = self._float(body.joint_template)
        self.joint_directions = self._float(body.joint_directions)
        self.template = self._float(body.v_template)
        self.directions = self._float(body.shape_directions)
        self.weights = self._float(body.skinning_weights)
        correctives = body.pose_directions
        self.correctives = None if correctives is None else self._float(correctives)
        self.regressor = None
        if regressor is not None and bool(regressor.any()):
            if regressor.shape[1] != len(body.v_template):
                raise NetworkFileError(
                    f"the checkpoint's keypoints are for a body of {regressor.shape[1]} vertices, "
                    f"and {body.name} has {len(body.v_template)}; choose an SMPL body file (the "
                    "official one has 6890 vertices)"
                )
            self.support = torch.nonzero(regressor.any(dim=0))[:, 0].to(self.device)
            self.regressor = regressor.to(self.device, torch.float32)[:, self.support]
        else:
            self._keep(site_parts(body, BODY_25.sites), offsets)

    def _float(self, values) -> torch.Tensor:
        return torch.as_tensor(np.asarray(values), dtype=torch.float32, device=self.device)

    def _keep(self, parts: SiteParts, offsets: np.ndarray | None) -> None:
        parts = parts if offsets is None else parts.displaced(offsets)
        self.mass, self.moment = self._float(parts.mass), self._float(parts.moment)
        self.moment_directions = self._float(parts.moment_directions)
        self.part_joint = torch.as_tensor(parts.joint, device=self.device)
        self.gather = self._float(np.arange(parts.count)[:, None] == parts.keypoint)

    def keypoints(self, rotations, trans, betas) -> torch.Tensor:
        """(B,25,3)"""
        if self.regressor is not None:
            return self.regressor @ self.vertices(rotations, trans, betas, self.support)
        rest, world, joints = self._posed(rotations, trans, betas)
        moments = self.moment + torch.einsum("pcs,bs->bpc", self.moment_directions, betas)
        levers = moments - self.mass[:, None] * rest[:, self.part_joint]
        parts = (world[:, self.part_joint] @ levers[..., None])[..., 0]
        return self.gather @ (parts + self.mass[:, None] * joints[:, self.part_joint])

    def vertices(self, rotations, trans, betas, which=slice(None)) -> torch.Tensor:
        """(B,V,3), or of `which` vertices."""
        rest, world, joints = self._posed(rotations, trans, betas)
        vertices = self.template[which] + torch.einsum("vcs,bs->bvc", self.directions[which], betas)
        if self.correctives is not None:
            features = (rotations[:, 1:] - torch.eye(3, device=self.device)).flatten(1)
            vertices = vertices + torch.einsum("vcp,bp->bvc", self.correctives[which], features)
        return skin(vertices, self.weights[which], world, joints, rest)

    def joints(self, rotations, trans, betas) -> torch.Tensor:
        """(B,24,3)"""
        return self._posed(rotations, trans, betas)[2]

    def _posed(self, rotations, trans, betas):
        rest = self.joint_template + torch.einsum("jcs,bs->bjc", self.joint_directions, betas)
        return rest, *forward(rotations, rest, trans)


def with_hands(rotations: torch.Tensor) -> torch.Tensor:
    """Rotations (B,22,3,3) of the root and the body joints -> (B,24,3,3) with hands at rest."""
    hands = torch.eye(3, dtype=rotations.dtype, device=rotations.device)
    return torch.cat(
        [rotations, hands.expand(len(rotations), NUM_JOINTS - rotations.shape[1], 3, 3)], dim=1
    )
