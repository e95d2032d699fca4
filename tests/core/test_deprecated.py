"""Names of 0.1 that later ones took the place of: they work, and they warn."""

from __future__ import annotations

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.cli.main import main


def test_the_old_name_of_refine_motion(body, stroll):
    track, motion = body.keypoints(stroll.frames(slice(0, 6))), stroll.frames(slice(0, 6))
    with pytest.warns(DeprecationWarning, match="lsmpl_core.refine is now lsmpl_core.refine_motion"):
        old = lsmpl.refine(track, body, motion)
    np.testing.assert_array_equal(old.poses, lsmpl.refine_motion(track, body, motion).poses)


def test_the_old_names_of_refine_frames(body, stroll):
    track = body.keypoints(stroll.frames(slice(0, 12)))
    motion = lsmpl.solve(track, body, betas=stroll.betas)
    new = lsmpl.refine_frames(track, body, motion, 4, 6, init=lsmpl.Init.NEIGHBOURS)
    for begin in ("around", lsmpl.Begin.AROUND):
        with pytest.warns(DeprecationWarning, match="refine_frames"):
            old = lsmpl.touch_up(track, body, motion, 4, 6, begin=begin)
        np.testing.assert_array_equal(old.rotations, new.rotations)
    with pytest.warns(DeprecationWarning, match="refine_frames_steps"):
        steps = lsmpl.touch_up_steps(track, body, motion, 4, 6)
    assert next(steps).stage == "refine"


def test_the_old_names_of_what_they_take():
    with pytest.warns(DeprecationWarning, match="lsmpl_core.Init"):
        assert lsmpl.Begin("nothing") is lsmpl.Init.COLD
    with pytest.warns(DeprecationWarning, match="PinnedJoints"):
        assert isinstance(lsmpl.Pins([0], [1], [np.eye(3)]), lsmpl.PinnedJoints)


def test_the_old_names_of_options():
    with pytest.warns(DeprecationWarning, match="repair"):
        assert not lsmpl.SolveOptions(mend=False).repair
    with pytest.warns(DeprecationWarning, match="optimise_sequence"):
        assert lsmpl.SolveOptions(couple=True).optimise_sequence


def test_the_old_place_of_the_published_network():
    pytest.importorskip("torch")
    with pytest.warns(DeprecationWarning, match=r"published\.network\.PublishedNetwork"):
        from lsmpl_core.published import PublishedNetwork
    from lsmpl_core.published import network

    assert PublishedNetwork is network.PublishedNetwork


def test_the_old_word_of_the_command_line(tmp_path, capsys):
    assert main(["refine", str(tmp_path / "none.npz"), str(tmp_path / "none.trc"), "-o", str(tmp_path / "o.npz")]) != 0
    assert "refine is now refine-motion" in capsys.readouterr().err


def test_each_public_name_is_there():
    assert set(lsmpl.__all__) == set(lsmpl._MODULES)
    assert all(getattr(lsmpl, name) is not None for name in lsmpl.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        lsmpl.nothing  # noqa: B018
