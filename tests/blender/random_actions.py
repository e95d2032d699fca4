"""What somebody may do with takes that are posed live, one after the other and in any order.

Each action returns what was done, in words.
"""

from __future__ import annotations

from collections.abc import Callable

from hands import Hands

FRAMES = 60
"""Of the longer take."""


# Handles


def drag(hands: Hands) -> str:
    """A handle is clicked and moved, perhaps with others; or taken back with Esc."""
    handle = hands.click_handle()
    if handle is None:
        return "Live, to drag"
    if hands.chance(0.2):
        hands.click_handle(modifier="shift")
    end = hands.random.choice(["click", "click", "click", "Return", "Escape", "number"])
    hands.key("g")
    if hands.chance(0.2):
        hands.key(hands.random.choice("xyz"), pause=0.05)
    if end == "number":
        hands.key("0", "period", str(hands.random.randint(1, 3)), "Return")
        return f"drag {handle} by a number"
    hands.move_about()
    hands.end_tool(end)
    return f"drag {handle}, {end}"


def drag_while_it_plays(hands: Hands) -> str:
    handle = hands.click_handle()
    if handle is None:
        return "Live, to drag while it plays"
    hands.key("space", pause=0.5)
    hands.key("g")
    hands.move_about()
    hands.end_tool("click")
    hands.stop_playing()
    return f"drag {handle} while it plays"


def mark_keypoints(hands: Hands) -> str:
    if hands.chance(0.6):
        hands.click_handle()
    return hands.press("Lock Feet", "Lock", "Unlock", "Ignore", "Reset", "Reset All")


def delete_or_duplicate(hands: Hands) -> str:
    handle = hands.click_handle()
    if handle is None:
        return "Live, to delete"
    if hands.chance(0.5):
        hands.key("Delete", pause=hands.pause())
        return f"delete {handle}"
    hands.key("shift+d")
    hands.move_about()
    hands.end_tool("click")
    return f"duplicate {handle}"


def select(hands: Hands) -> str:
    return f"select: {hands.keys('a', 'alt+a', 'ctrl+i', most=1)}"


# Frames


def step_frames(hands: Hands) -> str:
    done = hands.keys("Left", "Right")
    return f"{done} {hands.keys('shift+Left', 'shift+Right', most=1)}" if hands.chance(0.1) else done


def type_frame(hands: Hands) -> str:
    frame = hands.random.randint(1, FRAMES)
    hands.type_frame(frame)
    return f"type frame {frame}"


def scrub(hands: Hands) -> str:
    hands.scrub()
    return "scrub"


def play(hands: Hands) -> str:
    seconds = hands.random.uniform(0.3, 2.0)
    hands.key("space", pause=seconds)
    if hands.chance(0.2):
        hands.keys("ctrl+z", "ctrl+shift+z", "Right", most=1)
    hands.stop_playing()
    return f"play {seconds:.1f} s"


# To and fro


def undo(hands: Hands) -> str:
    return hands.keys("ctrl+z")


def redo(hands: Hands) -> str:
    return hands.keys("ctrl+shift+z")


def back_and_forth(hands: Hands) -> str:
    return hands.keys("ctrl+z", "ctrl+shift+z", "ctrl+shift+z", least=3, most=8)


def save(hands: Hands) -> str:
    hands.key("ctrl+s", pause=hands.pause())
    return "save"


def save_and_open(hands: Hands) -> str:
    hands.key("ctrl+s", pause=0.5)
    hands.blender.rest(240)
    hands.blender.run("bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath)")
    hands.press("Live")
    return "save, open again, Live"


# Buttons


def press_live(hands: Hands) -> str:
    return hands.press("Live")


def solve(hands: Hands) -> str:
    """Over whatever was edited, pinned, refined and cleaned up."""
    return hands.press("Solve")


def refine(hands: Hands) -> str:
    chosen = hands.press("Range", "This Frame", "From Present Motion") if hands.chance(0.4) else "as before"
    return f"{hands.press('Refine')}, {chosen}"


def decide(hands: Hands) -> str:
    return hands.press("Accept", "Reject", "Before", "After")


def clean_up(hands: Hands) -> str:
    return hands.press("Clean Up", "As Solved")


def put_on_another(hands: Hands) -> str:
    return hands.press("Bake to Other Character")


def interrupt_a_job(hands: Hands) -> str:
    """Whatever somebody does while it works, or Esc."""
    pressed = hands.press("Clean Up", "Refine", "Solve", pause=hands.random.uniform(0.1, 0.8))
    return f"{pressed} and {hands.keys('ctrl+z', 'ctrl+shift+z', 'Right', 'Escape', most=1)} meanwhile"


# Other things in the scene, and other modes


def go_to_another(hands: Hands) -> str:
    """Another take, or a character, is worked on from here on; often it is the one that is posed live."""
    hands.end_live()
    name = hands.activate()
    return f"activate {name}" + (f", {hands.press('Live')}" if hands.chance(0.6) else "")


def pose_bones(hands: Hands) -> str:
    """Bones turned and keyed, and pinned perhaps; or solved from."""
    done = "in Pose Mode"
    hands.press("Auto Keying", pause=0.2)  # or else an undo may end between a turn and its key
    if hands.mode() != "POSE":
        hands.end_live()
        done = hands.activate("Walk Rig", "Walk Rig", "Wave Rig", "Other")
        hands.key("ctrl+Tab", pause=0.3)
    bone = hands.click_bone()
    hands.key("r")
    hands.move_about()
    hands.end_tool("click")
    if hands.chance(0.5):
        done += f", {hands.press('Pin Bones', 'Pin Bones', 'Unpin Bones')}"
    if hands.chance(0.3):
        hands.press("From Posed Bones", pause=0.2)
        done += f", {hands.press('Refine')}"
        hands.blender.rest(240)
    if hands.chance(0.7):
        hands.key("ctrl+Tab", pause=hands.pause())
    hands.press("No Auto Keying", "No Auto Keying", "Auto Keying")
    return f"{done}: {bone} turned"


def change_controls(hands: Hands) -> str:
    """The Animation Rig is given, taken away, switched or put under a layer, in whatever mode."""
    if hands.chance(0.6):
        hands.end_live()
        done = hands.activate("Walk Rig", "Wave Rig")
    else:
        done = "as it is"
    pressed = hands.press("Add Controls", "Add Controls", "Remove Controls", "Switch an Arm", "Snap a Leg")
    if hands.chance(0.1):
        hands.blender.rest(240)
        pressed += f", {hands.press('Add Layer')}"
    return f"{done}: {pressed}"


def drag_control(hands: Hands) -> str:
    """A control of a character, or a bone of one without, is moved or turned; keyed, too."""
    hands.press("Auto Keying", pause=0.2)
    if hands.mode() != "POSE":
        hands.end_live()
        hands.activate("Walk Rig", "Wave Rig")
        if hands.chance(0.5):
            hands.press("Add Controls")
            hands.blender.rest(240)
        if hands.mode() != "POSE":
            hands.key("ctrl+Tab", pause=0.3)
    control = hands.click_bone()
    done = hands.keys("g", "g", "r", most=1)
    hands.move_about()
    how = hands.random.choice(["click", "click", "click", "Escape"])
    hands.end_tool(how)
    if hands.chance(0.3):
        done += f", {hands.keys('i', 'alt+g', 'ctrl+z', 'ctrl+shift+z', 'Left', 'Right')}"
    if hands.chance(0.4):
        hands.key("ctrl+Tab", pause=hands.pause())
    hands.press("No Auto Keying", "Auto Keying")
    return f"{control}: {done}, {how}"


def edit_mode(hands: Hands) -> str:
    """In and out, perhaps with one of our buttons or an undo inside."""
    hands.end_live()
    done = hands.activate("Walk", "Wave", "Walk Rig")
    hands.key("Tab", pause=0.3)
    if hands.chance(0.3):
        done += f", {hands.press('Live', 'Refine', 'Solve', 'Clean Up', 'Accept')}"
        hands.blender.rest(240)
    if hands.chance(0.3):
        done += f", {hands.keys('ctrl+z', 'ctrl+shift+z', 'Right')}"
    if hands.mode() == "EDIT":
        hands.key("Tab", pause=hands.pause())
    return f"edit {done}"


# What is beside the take


def drag_with_the_tool(hands: Hands) -> str:
    """Live's tool in the toolbar: press, move, let go."""
    handle = hands.drag_with_tool() if hands.mode() == "OBJECT" and hands.is_live() else hands.press("Live")
    return f"with the tool: {handle}"


def click_the_strip(hands: Hands) -> str:
    hands.click_strip()
    return "click the strip of doubt"


def change_picture(hands: Hands) -> str:
    """The images that a take was filmed in come, are moved in time, looked through, and go."""
    take = hands.random.choice(["Walk", "Wave"])
    hands.end_live()
    hands.activate(take)
    what = hands.random.choice(["add", "add", "offset", "look through", "remove"])
    hands.do(
        {
            "add": "bpy.ops.lsmpl.add_picture(filepath=bpy.data.filepath.replace('random.blend', 'filmed_01.png'))",
            "offset": f"for one in {{bpy.data.objects[{take!r}].lsmpl_picture.shown_by}} - {{None}}:"
            " one.lsmpl_picture.offset = 3",
            "look through": "bpy.ops.lsmpl.look_through()",
            "remove": "bpy.ops.lsmpl.remove_picture()",
        }[what]
    )
    return f"picture of {take}: {what}"


def key_in_a_layer(hands: Hands) -> str:
    """What an animator adds over the motion: a layer, and a pose keyed in it."""
    hands.end_live()
    rig = hands.activate("Walk Rig", "Wave Rig")
    pressed = hands.press("Add Layer") if hands.chance(0.2) else "as it is"
    hands.blender.rest(60)
    if hands.mode() != "POSE":
        hands.key("ctrl+Tab", pause=0.3)
    bone = hands.click_bone()
    hands.key("r")
    hands.move_about()
    hands.end_tool("click")
    hands.key("i", pause=hands.pause())
    hands.key("ctrl+Tab", pause=hands.pause())
    return f"{rig}, {pressed}: {bone} turned and keyed"


def change_characters(hands: Hands) -> str:
    """A take goes on another rig, or on both, or leaves one."""
    hands.end_live()
    take = hands.activate("Walk", "Walk", "Wave")
    rig = hands.random.choice(["Other", "Third"])
    what = hands.random.choice(["choose", "choose and bake", "choose and bake", "show", "leave", "bake again", "clear"])
    choose = f"bpy.data.objects[{take!r}].lsmpl.other.target = bpy.data.objects.get({rig!r})"
    hands.do(
        {
            "choose": choose,
            "choose and bake": choose,
            "show": f"bpy.ops.lsmpl.show_character(character={rig!r})",
            "leave": f"bpy.ops.lsmpl.leave_character(character={rig!r})",
            "bake again": "bpy.ops.lsmpl.bake_again()",
            "clear": f"bpy.data.objects[{take!r}].lsmpl.other.target = None",
        }[what],
        pause=0.3,
    )
    if what == "choose and bake":
        hands.press("Bake to Other Character")
    return f"{take} on {rig}: {what}"


def export(hands: Hands) -> str:
    """A file of a take's character, or of the user's, for a program."""
    hands.end_live()
    take = hands.activate("Walk", "Wave")
    program = hands.random.choice(["ANY", "UNREAL", "UNITY", "MIXAMO"])
    whose, kind = hands.random.choice(["OWN", "OTHER"]), hands.random.choice(["fbx", "fbx", "bvh", "npz"])
    hands.do(f"""
        chosen = scene.lsmpl_export
        chosen.format, chosen.program, chosen.character = {kind!r}, {program!r}, {whose!r}
        bpy.ops.lsmpl.export(filepath=bpy.data.filepath.replace("random.blend", "random.{kind}"))
    """)
    return f"export {take}, {whose}, {kind} for {program}"


def change_list(hands: Hands) -> str:
    """The list of takes: eye, solo, colour."""
    take = hands.random.choice(["Walk", "Wave"])
    what = hands.random.choice(["show_take", "solo_take"])
    hands.do(f"bpy.ops.lsmpl.{what}(take={take!r})", pause=0.2)
    if hands.chance(0.8):
        hands.do(f"bpy.ops.lsmpl.{what}(take={take!r})")
    return f"{what} {take}"


ANY_ORDER = [
    "accept", "add_bone", "add_controls", "add_layer", "as_solved", "average_body", "bake", "bake_again",
    "bake_to_controls", "bake_to_other", "clean_up", "colour_takes", "detect_bones", "go_to_doubt", "ignore_keypoint",
    "jump_to_doubtful", "leave_character", "live", "lock_feet_again", "look_through", "mark_doubtful", "match_render",
    "match_scene", "pin_bones", "pose_correctives", "read_again", "refine", "reject", "remove_bone",
    "remove_controls", "remove_picture", "remove_pins", "retime", "select_sources", "set_keypoints", "set_rate",
    "shape_of_take", "show_before", "show_character", "show_take", "snap_limb", "solo_take", "solve",
    "solve_from_motion", "switch_limb", "take_from_objects", "trust_keypoints", "unmark_doubtful",
]  # fmt: skip
"""Our operators, but for those that ask for files."""
OF_MESHES = "OBJECT", "EDIT", "SCULPT", "WEIGHT_PAINT", "VERTEX_PAINT", "TEXTURE_PAINT"
OF_ARMATURES = "OBJECT", "EDIT", "POSE"
ELSEWHERE = {
    "an empty scene": "window.scene = data.scenes.get('Second') or data.scenes.new('Second')",
    "a hidden collection": "stage.hide_viewport = True",
    "an excluded collection": "layer(stage).exclude = True",
    "nothing active": "view.objects.active = None",
    "a linked take": "link('Walk')",
    "a linked character": "link('Walk Rig')",
    "an overridden take": "link('Walk').override_create()",
    "an overridden character": "link('Walk Rig').override_create()",
}
"""Where buttons have nothing to do, or only to say why not."""
_GOING = """
    window, data, view = bpy.context.window, bpy.data, bpy.context.view_layer
    stage = data.collections.get("Stage") or data.collections.new("Stage")
    if stage.name not in scene.collection.children:
        scene.collection.children.link(stage)
    layer = lambda one: view.layer_collection.children[one.name]
    def link(name):
        with data.libraries.load({library!r}, link=True) as (there, chosen):
            chosen.objects = [name]
        linked = chosen.objects[0]
        scene.collection.objects.link(linked)
        view.objects.active = linked
        return linked
    for obj in (data.objects[name] for name in ("Walk", "Walk Rig") if name in data.objects):
        if obj.name not in stage.objects:
            stage.objects.link(obj)
            for other in obj.users_collection:
                if other != stage:
                    other.objects.unlink(obj)
    {go}
"""
HOME = """
    window, data = bpy.context.window, bpy.data
    window.scene = scene = data.scenes["Scene"]
    if "Second" in data.scenes:
        data.scenes.remove(data.scenes["Second"])
    made_over = [obj for obj in data.objects if obj.override_library]
    data.batch_remove([*made_over, *data.libraries])
    for one in data.collections:
        one.hide_viewport = False
    for one in bpy.context.view_layer.layer_collection.children:
        one.exclude = False
"""
"""Python that lets everything be as it was before somebody went elsewhere."""


def press_anything(hands: Hands, most: int = 4) -> str:
    """Buttons in any order, with undos between, whatever is selected and in whatever mode."""
    done = []
    for _ in range(hands.random.randint(1, most)):
        name = hands.random.choice(ANY_ORDER)
        options = f"fps={hands.random.choice([12.5, 30, 59.94])}" if name == "set_rate" else ""
        hands.do(f"bpy.ops.lsmpl.{name}({options})", pause=0.1)
        done.append(name)
        if hands.chance(0.3):
            done.append(hands.keys("ctrl+z", "ctrl+shift+z", most=2))
    return ", ".join(done)


def in_another_mode(hands: Hands) -> str:
    """Any buttons while something is painted, sculpted or edited."""
    hands.end_live()
    name = hands.random.choice(["Walk", "Walk Rig", "Walk Body", "Wave", "Other"])
    mode = hands.random.choice(OF_ARMATURES if name in ("Walk Rig", "Other") else OF_MESHES)
    hands.do(f"""
        obj = bpy.data.objects.get({name!r})
        if obj and obj.name in bpy.context.view_layer.objects and obj.visible_get():
            bpy.context.view_layer.objects.active = obj
            bpy.ops.object.mode_set(mode={mode!r})
    """)
    done = press_anything(hands, most=2)
    hands.do("bpy.ops.object.mode_set(mode='OBJECT')")
    return f"{name} in {mode}: {done}"


def elsewhere(hands: Hands) -> str:
    """Any buttons where takes are hidden, linked, overridden or not at all, and back."""
    if hands.chance(0.7):
        hands.end_live()
    where = hands.random.choice(list(ELSEWHERE))
    library = f"{hands.blender.inside}/library.blend"
    hands.do(_GOING.format(library=library, go=ELSEWHERE[where]), pause=0.3)
    done = press_anything(hands)
    hands.blender.rest(240)
    if hands.chance(0.5):
        done += f", {hands.keys('ctrl+z', 'ctrl+shift+z', least=1, most=4)}"
    return f"{where}: {done}"


ACTIONS: dict[Callable[[Hands], str], float] = {
    drag: 20,
    step_frames: 12,
    undo: 12,
    redo: 9,
    back_and_forth: 6,
    type_frame: 4,
    scrub: 3,
    play: 3,
    drag_while_it_plays: 2,
    press_live: 4,
    mark_keypoints: 6,
    refine: 3,
    decide: 3,
    clean_up: 2,
    solve: 2,
    interrupt_a_job: 1,
    put_on_another: 1,
    go_to_another: 3,
    pose_bones: 3,
    change_controls: 6,
    drag_control: 8,
    edit_mode: 1,
    drag_with_the_tool: 5,
    click_the_strip: 3,
    change_picture: 4,
    key_in_a_layer: 2,
    change_characters: 5,
    change_list: 1,
    export: 2,
    delete_or_duplicate: 2,
    press_anything: 6,
    in_another_mode: 3,
    elsewhere: 5,
    select: 2,
    save: 2,
    save_and_open: 0.5,
}
"""What is done, and how often of about a hundred times."""
