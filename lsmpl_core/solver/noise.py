"""How the keypoints' noise sets the weights of predictions and of the prior."""

from __future__ import annotations

from array_api_compat import array_namespace

from .options import SolveOptions

TYPICAL_SIGMA = 0.1
"""Radians: a joint that the network expects to be off by this much is anchored with the options'
weight."""
EXACT_NOISE, LOUD_NOISE, MOST_NOISE = 0.0001, 0.01, 0.03
"""Metres of noise: the options' weights are meant for the first; from the second on, a prediction,
which has seen the keypoints too, is worth more than its sigma says; more than the third is not
believed."""


def prior_weight(sigma, noise, anchor: float = SolveOptions.anchor):
    """(B,24) weights in m²/rad² of predictions with these spreads (B,24), for keypoints with this
    noise (B,)."""
    return (anchor * noise_scaling(noise))[:, None] * (TYPICAL_SIGMA / sigma) ** 2


def noise_scaling(noise):
    """How much more than with exact keypoints a prediction counts; noise is an array, in metres."""
    louder = 1.0 + (array_namespace(noise).clip(noise, EXACT_NOISE, MOST_NOISE) / LOUD_NOISE) ** 2
    return noise_share(noise) * louder


def noise_share(noise):
    """How much more than with exact keypoints anchor and prior count; noise is an array, in
    metres."""
    return (array_namespace(noise).clip(noise, EXACT_NOISE, MOST_NOISE) / EXACT_NOISE) ** 2
