"""Whether a set of wheels is what it should be: for the target, complete, nothing besides, and safe
to unpack.

Reads the wheels themselves, so it does not matter who chose them: pip, or a hand that edited a lock
file.
"""

from __future__ import annotations

import email
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging import tags
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from .environments import SetupError
from .wheel_targets import PLATFORMS, Target

NOT_SHIPPED = {"numpy"}
"""Blender has its own; another one would be found by other add-ons, too."""
MOST_CHARACTERS = {"windows-x64": 135}
"""Of a path in a wheel. Windows gives Blender 259, whose program does not ask for more, and at most
124 of them lead to site-packages: `C:\\Users\\`, 20 of a user's name, `\\AppData\\Roaming\\Blender
Foundation\\Blender\\5.1\\` ..."""
_MOST_METADATA = 4_000_000


@dataclass(frozen=True)
class Wheel:
    """A wheel by what stands in it; `name` is normalised as PyPA does it ("typing-extensions")."""

    path: Path
    name: str
    version: Version
    needs: tuple[Requirement, ...]


def read_wheel(path: Path, target: Target) -> Wheel:
    """Its name, version and needs. Raises `SetupError` where it is damaged, for others, or leaves
    its folder."""
    try:
        name, version, _, found = parse_wheel_filename(path.name)
        with zipfile.ZipFile(path) as opened:
            infos = opened.infolist()
            if astray := [info.filename for info in infos if _leaves_its_folder(info.filename)]:
                raise SetupError(
                    f"{path}: has the file {astray[0]!r}, which would be written outside its folder"
                )
            facts = _metadata(opened, infos)
        needs = tuple(Requirement(line) for line in facts.get_all("Requires-Dist", []))
        pythons = SpecifierSet(facts["Requires-Python"] or "")
        stated = canonicalize_name(facts["Name"]), Version(facts["Version"])
    except (
        zipfile.BadZipFile,
        ValueError,
        TypeError,
    ) as error:  # those of packaging are ValueErrors
        raise SetupError(f"{path}: is no wheel that can be read: {error}") from error
    if not found & _tags(target):
        raise SetupError(
            f"{path}: is not for {target}, but for {', '.join(sorted(map(str, found)))}"
        )
    if not pythons.contains(target.markers["python_full_version"]):
        raise SetupError(f"{path}: needs Python {pythons}, and {target.python} is meant")
    most = MOST_CHARACTERS.get(target.platform, 4096)
    if long := [info.filename for info in infos if len(info.filename.rstrip("/")) > most]:
        raise SetupError(
            f"{path}: has {len(long)} paths with more than {most} characters, which Blender cannot"
            f" unpack on {target.platform}; take another version of {name} ({long[0]})"
        )
    if stated != (name, version):
        raise SetupError(f"{path}: says of itself that it is {stated[0]} {stated[1]}")
    return Wheel(path, name, version, needs)


def check_complete(wheels: Sequence[Wheel], target: Target, root: str = "torch") -> None:
    """Raises `SetupError` where `root` and what it needs on the target are not all there, or more
    than that is."""
    by_name = {wheel.name: wheel for wheel in wheels}
    faults = ["a project is there twice"] if len(by_name) < len(wheels) else []

    needed = {root}
    for name, need in needs_of(by_name, target, root):
        other = canonicalize_name(need.name)
        needed.add(other)
        if other not in by_name:
            faults.append(f"{name} needs {need}, which is not there")
        elif not need.specifier.contains(by_name[other].version, prereleases=True):
            faults.append(f"{name} needs {need}, found {by_name[other].version}")

    if root not in by_name:
        faults.append(f"{root} is not there")
    if more := sorted(set(by_name) - needed):
        faults.append(f"not needed: {', '.join(more)}")
    if faults:
        raise SetupError(
            f"the wheels for {target} do not belong together: {'; '.join(dict.fromkeys(faults))}"
        )


def needs_of(
    wheels: Mapping[str, Wheel], target: Target, root: str
) -> Iterator[tuple[str, Requirement]]:
    """All that `root`, and whatever it needs, needs on the target, each with the name of the
    project that needs it.

    Projects of which there is no wheel need nothing; what Blender has is left out.
    """
    todo, done = [(root, "")], set()
    while todo:
        name, extra = todo.pop()
        if (name, extra) in done:
            continue
        done.add((name, extra))
        for need in wheels[name].needs if name in wheels else ():
            if need.marker and not need.marker.evaluate({**target.markers, "extra": extra}):
                continue
            other = canonicalize_name(need.name)
            if other not in NOT_SHIPPED:
                yield name, need
                todo += [(other, ""), *((other, extra) for extra in need.extras)]


def _tags(target: Target) -> set[tags.Tag]:
    version = tuple(int(part) for part in target.python.split("."))
    own, platforms = f"cp{target.python.replace('.', '')}", PLATFORMS[target.platform]
    return {
        *tags.cpython_tags(version, [own], platforms),
        *tags.compatible_tags(version, own, platforms),
    }


def _metadata(opened: zipfile.ZipFile, infos: list[zipfile.ZipInfo]) -> email.message.Message:
    found = [
        info
        for info in infos
        if info.filename.endswith(".dist-info/METADATA") and info.filename.count("/") == 1
    ]
    if len(found) != 1 or found[0].file_size > _MOST_METADATA:
        raise ValueError(
            f"expected one dist-info/METADATA of less than {_MOST_METADATA / 1e6:.0f} MB"
        )
    return email.message_from_bytes(opened.read(found[0]))


def _leaves_its_folder(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or parts[0] == "" or ":" in parts[0]
