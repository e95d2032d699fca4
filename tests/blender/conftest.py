"""A real Blender for the scripted session: LSMPL_BLENDER says how to start one (see session.py)."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def zip_path(tmp_path_factory) -> Path:
    """The extension's zip: the one that LSMPL_ZIP names, or built here."""
    if "LSMPL_ZIP" in os.environ:
        return Path(os.environ["LSMPL_ZIP"])
    sys.path.insert(0, str(ROOT))
    from build import build

    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def running(zip_path):
    """`with running(**options)`: a Blender with the extension; options are `BlenderSession`'s.

    installed: whether it is there already, or somebody has still to install it.
    """
    from session import BlenderSession

    command = os.environ.get("LSMPL_BLENDER")
    if not command:
        pytest.skip("LSMPL_BLENDER does not say how to start a real Blender with a screen")
    outside, _, inside = os.environ.get("LSMPL_BLENDER_FILES", "/tmp").partition("=")

    @contextmanager
    def run(installed: bool = True, **options) -> Iterator[BlenderSession]:
        session = BlenderSession(command, Path(outside), inside or outside, **options)
        try:
            if installed:
                session.install(zip_path)
            yield session
        finally:
            session.close()

    return run


@pytest.fixture(scope="module")
def blender(running):
    """A running Blender with the extension installed."""
    with running() as session:
        yield session


@pytest.fixture(scope="module")
def look(blender, tmp_path_factory):
    """`look("name")` leaves a screenshot in the folder LSMPL_SHOTS, for people to look at.

    Without `settle` the mouse stays where it is.
    """
    folder = Path(os.environ.get("LSMPL_SHOTS") or tmp_path_factory.mktemp("shots"))
    folder.mkdir(parents=True, exist_ok=True)

    def take_screenshot(name: str, settle: bool = True) -> None:
        if settle:
            blender.settle()
        blender.screenshot(folder / f"{name}.png")

    return take_screenshot
