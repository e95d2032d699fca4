"""The extension in Blender straight from the checkout: a folder of links to it, for which Blender
needs no zip.

Its `__init__.py` forgets the modules that were loaded before, so that Blender's *Reload Scripts*
loads them anew.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from .environments import SetupError

LINKED = ("addon", "lsmpl_core", "wheels", "examples", "docs")
COPIED = ("blender_manifest.toml", "LICENSE", "NOTICES.md", "README.md")
MARK = "Made by `build.py link`"
ROOT_MODULE = f'''"""{MARK}: the extension from {{checkout}}. Reload Scripts loads it anew."""

import sys

for _name in [name for name in sys.modules if name.startswith(__name__ + ".")]:
    del sys.modules[_name]

from .addon import register, unregister  # noqa: E402, F401
'''


def link(checkout: Path, repository: Path, name: str = "lsmpl") -> Path:
    """Put the extension into one of Blender's repositories of extensions, and return its folder
    there.

    Replaces an earlier link; raises `SetupError` where an installed extension is there instead.
    """
    folder = repository / name
    unlink(repository, name)

    folder.mkdir(parents=True)
    for part in COPIED:
        shutil.copyfile(checkout / part, folder / part)
    for part in LINKED:
        _link_folder(checkout / part, folder / part)
    (folder / "__init__.py").write_text(
        ROOT_MODULE.format(checkout=checkout.as_posix()), encoding="utf-8"
    )
    return folder


def unlink(repository: Path, name: str = "lsmpl") -> None:
    """Take an earlier link away, where there is one."""
    folder = repository / name
    if not folder.exists():
        return
    module = folder / "__init__.py"
    if not (module.is_file() and MARK in module.read_text(encoding="utf-8")):
        raise SetupError(
            f"{folder} is an installed extension; remove it in Blender's preferences first"
        )
    for part in LINKED:  # never what they lead to
        if (folder / part).exists():  # an earlier version linked fewer
            (folder / part).rmdir() if os.name == "nt" else (folder / part).unlink()
    shutil.rmtree(folder)


def repositories(versions: Sequence[str] = ()) -> list[Path]:
    """The user's own repository of extensions of each Blender that was started here, or of those
    that are named.

    It is where Blender has it unless told otherwise: `user_default`, in the folder that
    `BLENDER_USER_EXTENSIONS` or `BLENDER_USER_RESOURCES` name, or among the user's settings.
    """
    if folder := os.environ.get("BLENDER_USER_EXTENSIONS"):
        return [Path(folder) / "user_default"]
    if folder := os.environ.get("BLENDER_USER_RESOURCES"):
        return [Path(folder) / "extensions" / "user_default"]
    settings = _settings()
    found = versions or sorted(path.name for path in settings.glob("*.*") if _is_recent(path.name))
    if not found:
        raise SetupError(
            f"no Blender from 4.2 on has settings in {settings}; "
            "start it once, or say --blender VERSION"
        )
    return [settings / version / "extensions" / "user_default" for version in found]


def _settings() -> Path:
    """Where Blender keeps a folder of each of its versions."""
    if os.name == "nt":
        return Path(os.environ["APPDATA"], "Blender Foundation", "Blender")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Blender"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "blender"


def _is_recent(name: str) -> bool:
    parts = name.split(".")
    return all(part.isdecimal() for part in parts) and [int(part) for part in parts] >= [4, 2]


def _link_folder(to: Path, link: Path) -> None:
    if sys.platform == "win32":  # a junction, for which nobody needs to be administrator
        import _winapi

        _winapi.CreateJunction(str(to), str(link))
    else:
        link.symlink_to(to, target_is_directory=True)
