"""Which bone of a character is which SMPL joint: presets of common rigs, a guess by words, and the
user's own JSON.

A bone map gives bones their joints. Several bones may share a joint (they share its rotation),
joints may be without a bone, and bones without a joint are left alone. A user's file is

    {"name": "My rig", "bones": {"Hips": "pelvis", "LeftUpLeg": "left_hip", "Spine_A": "spine1"}}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from ..body.skeleton import JOINT_NAMES
from ..data import DATA
from ..errors import BoneMapError
from ..files.json_files import read_json
from ..files.replacing import replace_when_complete
from ..keypoints.words import words_of
from ..suggestions import suggestion

TABLE = DATA / "bone_maps.json"
ESSENTIAL = tuple(
    j for j in JOINT_NAMES if not j.endswith(("hand", "foot", "collar", "spine1", "spine2"))
)
"""The joints that a character ought to have bones for."""
FEWEST_BONES = 8
"""A preset that finds bones for fewer joints than this is no match."""
_SIDES = {"l": "left", "left": "left", "lt": "left", "r": "right", "right": "right", "rt": "right"}
_HELPERS = {
    "ik",
    "twist",
    "roll",
    "pole",
    "target",
    "end",
    "nub",
    "mch",
    "org",
    "helper",
    "ctrl",
    "jiggle",
    "tweak",
}
_KEYS = ("name", "bones")


@dataclass(frozen=True)
class Switch:
    """A property of a control bone that a preset needs at a value, and what that does, for the
    user."""

    bone: str
    property: str
    value: float
    does: str


@dataclass(frozen=True)
class BoneMap:
    """bones: the SMPL joint of each bone. key and label: the preset, "" and the file's name for a
    user's own.

    smpl_rest says that the character's rest pose is SMPL's own, so that small differences to it are
    shape, not pose.
    """

    bones: dict[str, str]
    key: str = ""
    label: str = ""
    smpl_rest: bool = False
    switches: tuple[Switch, ...] = field(default=())

    @property
    def missing(self) -> tuple[str, ...]:
        """Essential joints that no bone was found for."""
        found = set(self.bones.values())
        return tuple(joint for joint in ESSENTIAL if joint not in found)


def match_bones(names: Sequence[str]) -> BoneMap:
    """The bone map of a character with these bones, by the preset that finds bones for most joints.

    Case does not matter, nor does what all its names begin with (`mixamorig:`, `m_avg_`, `DEF-`).
    Of presets that find as many, the first one in the table counts, and one that is told by bones
    of its own beats others. Where none fits, bones are guessed by the words in their names, in the
    order of `names` (parents before children). Raises `BoneMapError` where that finds no pelvis or
    too few joints.
    """
    best, most = None, (False, 0)
    for preset in presets():
        found = _found(preset, names)
        covered = len(set(found.bones.values())) if found else 0
        if found is None or covered < FEWEST_BONES or "pelvis" not in found.bones.values():
            continue
        if (bool(preset.marks), covered) > most:
            best, most = found, (bool(preset.marks), covered)
    guess = guess_bones(names)
    if best and most[1] + 3 >= len(set(guess.values())):
        return best
    if "pelvis" not in guess.values() or len(set(guess.values())) < FEWEST_BONES:
        raise BoneMapError(
            f"its {len(names)} bones have the names of no rig that is known, nor do these say "
            "which bone is which; "
            "assign them by hand, or load a bone map"
        )
    return BoneMap(guess, label="guessed from the names")


def recognise(bones: Mapping[str, str], names: Sequence[str]) -> BoneMap:
    """A user's bones and joints, with what is known of the preset that they come from, if they
    mostly agree with it."""
    for preset in presets():
        found = _found(preset, names)
        agree = sum(bones.get(bone) == joint for bone, joint in found.bones.items()) if found else 0
        if found and agree >= FEWEST_BONES and 2 * agree > len(bones):
            return replace(found, bones=dict(bones))
    return BoneMap(dict(bones))


def guess_bones(names: Iterable[str]) -> dict[str, str]:
    """Bones and joints by the words in their names: sides, and what limbs are commonly called."""
    table = _table()["words"]
    taken: dict[str, str] = {}
    spine: list[str] = []
    for name in names:
        words = words_of(re.split(r"[:|]", name)[-1])
        side = next((_SIDES[word] for word in words if word in _SIDES), "")
        part = "".join(word for word in words if word not in _SIDES and not word.isdigit())
        if _HELPERS & set(words):
            continue
        for joint, known in table.items():
            if ("*" in joint) != bool(side) or part not in known:
                continue
            joint = joint.replace("*", side)
            if joint == "spine":
                spine.append(name)
            elif joint == "neck" or joint not in taken.values():
                taken[name] = joint
            else:
                continue
            break
    for number, name in enumerate(spine):
        taken[name] = f"spine{1 + number * 3 // len(spine) if len(spine) > 2 else 1 + 2 * number}"
    return taken


@dataclass(frozen=True)
class Preset:
    """One rig's names, with the sides filled in. marks: bones that only this rig has, and
    always."""

    key: str
    label: str
    bones: dict[str, str]
    smpl_rest: bool
    switches: tuple[Switch, ...]
    marks: tuple[str, ...]


@cache
def presets() -> tuple[Preset, ...]:
    """The rigs that are known by name."""
    return tuple(_preset(entry) for entry in _table()["presets"])


def preset(key: str) -> Preset:
    """The preset with that key. Raises `BoneMapError` listing those there are."""
    for known in presets():
        if known.key == key:
            return known
    raise BoneMapError(
        f"no preset {key!r}; there are: {', '.join(known.key for known in presets())}"
    )


def apply_preset(key: str, names: Sequence[str]) -> BoneMap:
    """The bone map that a preset gives these bones. Raises `BoneMapError` where it knows none of
    them."""
    found = _found(preset(key), names)
    if not found or not found.bones:
        raise BoneMapError(f"none of the bones has a name that {preset(key).label} rigs have")
    return found


def load_bone_map(path: str | Path) -> BoneMap:
    """Read a user's bone map; `BoneMapError` names the file, the bone that is wrong, and the
    closest valid joints."""
    path = Path(path)
    return parse_bone_map(read_json(path, "bone map", BoneMapError), str(path))


def parse_bone_map(data: Any, where: str) -> BoneMap:
    """The same from parsed JSON; `where` opens the messages."""
    if not isinstance(data, dict) or not isinstance(data.get("bones"), dict) or not data["bones"]:
        raise BoneMapError(
            f'{where}: a bone map is an object with "bones"; for example '
            f'{{"bones": {{"Hips": "pelvis"}}}}'
        )
    if unknown := sorted(set(data) - set(_KEYS)):
        raise BoneMapError(
            f"{where}: unknown key {unknown[0]!r}; a bone map may have: {', '.join(_KEYS)}"
        )
    for bone, joint in data["bones"].items():
        if joint not in JOINT_NAMES:
            raise BoneMapError(
                f"{where}: bone {bone!r}: {joint!r} is no SMPL joint; "
                f"{suggestion(str(joint), JOINT_NAMES)}"
            )
    return BoneMap(dict(data["bones"]), label=str(data.get("name") or Path(where).stem))


def save_bone_map(bone_map: BoneMap, path: str | Path) -> None:
    """Write a bone map that `load_bone_map` reads. Raises `BoneMapError` where that cannot be
    written."""
    data = {"name": bone_map.label or Path(path).stem, "bones": bone_map.bones}
    try:
        with replace_when_complete(path) as scratch:
            scratch.write_text(
                json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
            )
    except OSError as error:
        raise BoneMapError(f"{path}: cannot be written: {error.strerror or error}") from error


@cache
def _table() -> dict:
    return json.loads(TABLE.read_text(encoding="utf-8"))


def _preset(entry: dict) -> Preset:
    bones, switches = {}, []
    sides = tuple(zip(entry.get("sides", ()), ("left", "right")))
    for bone, joint in entry["bones"].items():
        for own, side in sides if "*" in bone else (("", ""),):
            bones[bone.replace("*", own)] = joint.replace("*", side)
    for switch in entry.get("switches", ()):
        for own, _ in sides if "*" in switch["bone"] else (("", ""),):
            switches.append(Switch(**{**switch, "bone": switch["bone"].replace("*", own)}))
    marks = tuple(entry.get("marks", ()))
    return Preset(
        entry["key"], entry["label"], bones, entry.get("smpl_rest", False), tuple(switches), marks
    )


def _found(preset: Preset, names: Sequence[str]) -> BoneMap | None:
    """What a preset finds, under the one prefix with which it finds most."""
    ends = {bone.casefold(): bone for bone in preset.bones}
    prefixes: dict[str, dict[str, str]] = {}
    for name in names:
        folded = name.casefold()
        for end, bone in ends.items():
            if folded.endswith(end):
                prefixes.setdefault(folded[: len(folded) - len(end)], {}).setdefault(bone, name)
    if not prefixes:
        return None
    best = max(prefixes, key=lambda prefix: (len(prefixes[prefix]), -len(prefix)))
    found = prefixes[best]
    if not all(mark in found for mark in preset.marks):
        return None
    prefix = next(iter(found.values()))[: len(best)]
    bones = {found[bone]: joint for bone, joint in preset.bones.items() if bone in found}
    switches = tuple(Switch(prefix + s.bone, s.property, s.value, s.does) for s in preset.switches)
    return BoneMap(bones, preset.key, preset.label, preset.smpl_rest, switches)
