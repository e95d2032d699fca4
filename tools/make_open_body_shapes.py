"""Finds the betas of the open body's average man and woman, written to
lsmpl_core/data/open_body_shapes.json.

    pip install anny==0.6.2 scipy
    python -m tools.make_open_body_shapes

Anny's adults are drawn as for the body itself, brought onto its rest pose and into its ten
components; by how much the betas change with Anny's slider from man to woman, all its other sliders
being average, is a linear regression.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from .make_open_body import OUTPUT as BODY
from .make_open_body import SEED, in_t_pose
from .open_body.anny_bodies import draw_phenotypes, sample_anny
from .open_body.surface import MIRROR, vertex_areas

OUTPUT = Path(__file__).parents[1] / "lsmpl_core" / "data" / "open_body_shapes.json"
COUNT = 300
LEAST_SURE = 0.95
"""Share of what two bodies at the ends of the slider differ by that the ten components have to
hold."""


def main() -> None:
    anny = sample_anny(COUNT, SEED)
    sliders = {name: values.numpy() for name, values in draw_phenotypes(COUNT, SEED).items()}
    bodies = in_t_pose(anny)
    bodies = (bodies + bodies[:, anny.mirror] * MIRROR) / 2

    # Into the components, as large parts of the surface count.
    with np.load(BODY) as arrays:
        template, directions = arrays["v_template"].astype(float), arrays["shapedirs"].astype(float)
    area = np.sqrt(vertex_areas(template, anny.quads))[:, None]
    components = (directions * area[..., None]).reshape(-1, directions.shape[-1])
    deviations = ((bodies - template) * area).reshape(len(bodies), -1)
    betas = np.linalg.lstsq(components, deviations.T, rcond=None)[0].T

    # Of three ancestries that add up to one, two are free.
    named = [name for name in sliders if name != "caucasian"]
    centred = np.stack([sliders[name] - sliders[name].mean() for name in named], axis=1)
    system = np.column_stack([np.ones(COUNT), centred])
    by_slider = np.linalg.lstsq(system, betas, rcond=None)[0]
    surface = np.linalg.lstsq(system, deviations, rcond=None)[0][1 + named.index("gender")]
    change = by_slider[1 + named.index("gender")]
    held = 1 - ((surface - components @ change) ** 2).sum() / (surface**2).sum()
    print(f"the ten components hold {held:.1%} of what women and men differ by")
    if held < LEAST_SURE:
        raise SystemExit("too little to offer a man and a woman")

    shapes = {"man": np.round(-change / 2, 3).tolist(), "woman": np.round(change / 2, 3).tolist()}
    about = "Betas of the open body, by tools/make_open_body_shapes.py; see open_body.LICENSE.txt."
    OUTPUT.write_text(json.dumps({"about": about, **shapes}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
