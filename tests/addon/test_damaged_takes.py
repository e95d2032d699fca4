"""A .blend whose takes were edited by hand, or by another add-on: panels and operators say so, and none falls over."""

import json

import bpy
import pytest

NONSENSE = (None, -1, "x", ...)
"""In place of any field; ... takes it away."""
NO_FACTS = ("", "{", "null", "[]", "7", "[" * 5000, json.dumps({"format": "new"}), json.dumps({"format": 1}), 7)


@pytest.fixture
def take(addon, body, random_motion):
    motion = random_motion(frames=6)
    take = addon("importing.adding").add_take(bpy.context.scene, body.keypoints(motion, "coco_17"), "Take")
    addon("importing.adding").match_scene(bpy.context.scene, [take])
    addon("solving.solve").keep(take, bpy.context.scene, motion, body)
    bpy.context.view_layer.objects.active = take
    return take


def owner_of(take, key):
    """The datablock that has a custom property."""
    blocks = take.data, take.lsmpl.solved, take.lsmpl.armature, take.lsmpl.armature.data
    return next(block for block in blocks if key in block)


def run_all() -> None:
    """Every operator that may run now and asks for no file: a message of its own, or nothing."""
    for name in dir(bpy.ops.lsmpl):
        operator = getattr(bpy.ops.lsmpl, name)
        if (
            any(word in name for word in ("import", "export", "documentation", "torch", "device"))
            or not operator.poll()
        ):
            continue
        try:
            operator("EXEC_DEFAULT")
        except RuntimeError as error:
            assert "Traceback" not in str(error) and "Python:" not in str(error), f"{name}: {error}"


@pytest.mark.parametrize("key", ["lsmpl_track", "lsmpl_motion", "lsmpl_character", "lsmpl_joints"])
def test_panels_say_what_is_damaged_whatever_field_it_is(drawn, take, key):
    owner = owner_of(take, key)
    facts = json.loads(owner[key])
    for field in facts:
        for value in NONSENSE:
            owner[key] = json.dumps({name: v for name, v in {**facts, field: value}.items() if v is not ...})
            drawn()
    for value in NO_FACTS:
        owner[key] = value
        drawn()


@pytest.mark.parametrize("key", ["lsmpl_track", "lsmpl_joints"])
def test_operators_say_so_too(take, key):
    owner_of(take, key)[key] = "{}"
    run_all()


@pytest.mark.parametrize("name", ["position", "confidence"])
def test_attributes_of_another_kind_are_lost_ones(drawn, addon, core, take, name):
    mesh = take.data
    if name == "confidence":
        mesh.attributes.remove(mesh.attributes[name])
        mesh.attributes.new(name, "FLOAT_COLOR", "POINT")
    else:
        mesh.clear_geometry()
    drawn()
    with pytest.raises(core.LsmplError, match=r"has lost its attribute|the mesh was edited"):
        addon("takes.take").load_track(take)


def test_a_damaged_track_is_told_by_its_field(addon, core, take):
    facts = json.loads(take.data["lsmpl_track"])
    take.data["lsmpl_track"] = json.dumps({**facts, "frames": -1})
    with pytest.raises(core.LsmplError, match=r"no longer what was stored: frames is -1"):
        addon("takes.take").load_track(take)
