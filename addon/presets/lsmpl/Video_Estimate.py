import bpy

settings = bpy.context.scene.lsmpl

settings.shape = "ESTIMATE"
settings.solver = "network"
settings.travel = "AUTO"
settings.hands = "AUTO"
settings.rotations = "AUTO"
settings.bake_when_done = True
settings.smooth = 0.5
settings.part_hands = True
settings.lock_feet = True
settings.floor = "ZERO"
settings.floor_height = 0.0
