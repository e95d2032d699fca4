"""A .blend whose takes were edited by hand, or by another add-on: panels and operators say so, and none falls over."""

import json

import bpy
import numpy as np
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


OF_A_TAKE = ("confidence", "condition", "residual", "site", "edit_state", "edit_offset", "travel")


def of_another_kind(mesh, name: str, kind: str, domain: str) -> None:
    mesh.attributes.remove(mesh.attributes[name])
    mesh.attributes.new(name, kind, domain)


@pytest.fixture
def edited_take(addon, take):
    takes = addon("takes.take")
    takes.write_edits(take, [1, 2], [0, 3], takes.MOVED, np.full((2, 2, 3), 0.01))
    takes.set_travel(take, np.ones((6, 3)))
    for name, kind, values in (
        ("condition", "INT", 1),
        ("residual", "FLOAT", 0.1),
        ("site", "FLOAT_VECTOR", (0, 0, 1)),
    ):
        addon("takes.mesh_data").write(
            take.data, name, kind, np.full((len(take.data.vertices), np.size(values)), values)
        )
    return take


def in_words(operator: str) -> None:
    """Run it where it may run now; a message is one of ours."""
    if getattr(bpy.ops.lsmpl, operator).poll():
        try:
            getattr(bpy.ops.lsmpl, operator)("EXEC_DEFAULT")
        except RuntimeError as error:
            assert "Traceback" not in str(error) and "Python:" not in str(error), f"{operator}: {error}"


@pytest.mark.parametrize(("kind", "domain"), [("FLOAT_VECTOR", "POINT"), ("FLOAT", "EDGE")])
def test_attributes_of_somebody_elses_kind_are_none_of_ours_and_give_way(addon, drawn, edited_take, kind, domain):
    """As another add-on's, or a geometry node's, of the same name."""
    take, takes = edited_take, addon("takes.take")
    for name in OF_A_TAKE:
        if kind == take.data.attributes[name].data_type and domain == "POINT":
            continue
        of_another_kind(take.data, name, kind, domain)
        drawn()
        in_words("jump_to_doubtful")
        if name == "confidence":  # of which a take has nothing else
            addon("takes.mesh_data").write(take.data, name, "FLOAT", np.ones(len(take.data.vertices)))
    takes.load_track(take)
    in_words("solve")
    takes.write_edits(take, [1], [0], takes.IGNORED)
    assert takes.edit_states(take)[1, 0] == takes.IGNORED


@pytest.mark.parametrize("value", [1e38, float("nan"), float("inf")])
def test_numbers_beyond_all_measure_are_told_and_nothing_is_summed_of_them(addon, core, drawn, edited_take, value):
    """A warning of NumPy's is an error here; on Blender's console it would be one with every redraw."""
    take, takes = edited_take, addon("takes.take")
    residuals = addon("refining.residuals")
    for name in ("residual", "site", "edit_offset", "travel", "confidence", "position"):
        attribute = take.data.attributes[name]
        field = "vector" if attribute.data_type == "FLOAT_VECTOR" else "value"
        kept = np.empty(len(attribute.data) * (3 if field == "vector" else 1), dtype=np.float32)
        attribute.data.foreach_get(field, kept)
        attribute.data.foreach_set(field, np.full_like(kept, value))
        drawn()
        in_words("jump_to_doubtful")
        in_words("live")
        if name == "residual":
            with pytest.raises(core.LsmplError, match="'residual' has numbers beyond all measure"):
                residuals.frame_residual(take, 0, 5)
        elif name != "site":
            for load in (takes.load_track, lambda take: takes.keypoints_at(take, 1)):
                with pytest.raises(core.LsmplError, match=f"{name!r} has numbers beyond all measure"):
                    load(take)
        take.data.attributes[name].data.foreach_set(field, kept)
    takes.load_track(take)
    in_words("solve")


def cleaned(addon, take):
    layers = addon("takes.layers")
    facts = {"raised_m": 0.1, "floor_m": 0.0, "cutoff_hz": None}
    facts |= {"sliding_before_cm_s": None, "sliding_after_cm_s": None, "contacts": {}}
    layers.prepare(take, layers.Layer.CLEANED, layers.load(take), None, {"clean_up": facts})()


@pytest.mark.parametrize("layer", ["solved", "cleaned"])
def test_a_motion_lacks_any_of_its_fields(addon, core, drawn, take, layer):
    layers = addon("takes.layers")
    cleaned(addon, take)
    mesh = getattr(take.lsmpl, layer)
    facts = json.loads(mesh["lsmpl_motion"])
    texts = [
        json.dumps({n: v for n, v in {**facts, f: value}.items() if v is not ...}) for f in facts for value in NONSENSE
    ]
    if layer == "cleaned":
        inner = facts["clean_up"]
        texts += [json.dumps({**facts, "clean_up": {n: v for n, v in inner.items() if n != gone}}) for gone in inner]
    for text in texts:
        mesh["lsmpl_motion"] = text
        drawn()
        try:
            addon("characters.baking").body_of(take, layers.load(take, layer))
            layers.raised(take)
        except core.LsmplError as error:
            assert "is no longer what was stored" in str(error) or "has the" not in str(error)
    mesh["lsmpl_motion"] = "{}"
    layers.remove(take, layers.Layer.SOLVED)
    assert not layers.is_solved(take) and take.lsmpl.cleaned is None


@pytest.mark.parametrize("damage", ["another kind", "fewer vertices"])
def test_damaged_motions_are_told(addon, core, drawn, take, damage):
    mesh = take.lsmpl.solved
    if damage == "fewer vertices":
        mesh.clear_geometry()
        mesh.vertices.add(31)
    else:
        of_another_kind(mesh, "pose", "FLOAT", "POINT")
    drawn()
    for load in (lambda: addon("takes.layers").load(take), lambda: addon("takes.layers").load_frame(take, 5)):
        with pytest.raises(core.LsmplError, match=r"Take Solved: has (lost its attribute|31 vertices)"):
            load()
    in_words("solve")
