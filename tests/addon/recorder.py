"""Panels drawn without a screen: what they say, as text."""

import inspect
from functools import lru_cache

import bpy


class Recorder:
    """Stands for a layout: whatever a panel draws is kept as text."""

    def __init__(self, texts):
        self.texts = texts

    def label(self, text="", **_):
        self.texts.append(text)

    def prop(self, owner, name, text=None, **_):
        if name.startswith("["):  # a custom property
            assert name.strip('[]"') in owner, f"{owner.name} has no {name}"
            self.texts.append(text)
            return
        assert name in owner.bl_rna.properties, f"{owner.bl_rna.identifier} has no {name}"
        self.texts.append(owner.bl_rna.properties[name].name if text is None else text)
        if owner.bl_rna.properties[name].type == "STRING":  # a field shows what is in it
            self.texts.append(getattr(owner, name))

    def operator(self, name, text=None, **_):
        operator = getattr(bpy.ops.lsmpl, name.removeprefix("lsmpl."))
        self.texts.append(operator.get_rna_type().name if text is None else text)
        return Anything()

    def progress(self, text="", **_):
        self.texts.append(text)

    def __getattr__(self, name):
        return lambda *_, **__: Recorder(self.texts)


class Anything:
    """Takes whatever is set on it."""


class Region:
    width = 300


class Context:
    """Blender's, with a region to draw in."""

    region = Region()

    def __getattr__(self, name):
        return getattr(bpy.context, name)


def draw_panels(panels) -> dict[str, str]:
    """What the whole tab says now, section by section: {panel class: texts}. panels: the add-on's package."""
    said = {}
    for section in panels._SECTIONS:
        for cls in section._CLASSES:
            if not issubclass(cls, bpy.types.Panel) or (hasattr(cls, "poll") and not cls.poll(Context())):
                continue
            texts = []
            plain, methods = without_blender(cls)
            panel = plain()
            panel.layout = Recorder(texts)
            for method in methods:
                getattr(panel, method)(Context())
            said[cls.__name__] = "\n".join(texts)
    return said


@lru_cache
def without_blender(cls) -> tuple[type, list[str]]:
    """A panel's own functions in a class that takes any layout, and which of them draw it."""
    functions = {name: value for name, value in inspect.getmembers(cls) if inspect.isfunction(value)}
    draws = [name for name in ("draw_header_preset", "draw") if name in functions]
    return type(cls.__name__, (), functions), [n for n in draws if "presets" not in inspect.getsource(functions[n])]
