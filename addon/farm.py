"""The command line as a script, for render farms: `blender -b -P .../lsmpl/addon/farm.py -- convert
IN... -o OUT`."""

import importlib
import sys
from pathlib import Path

import bpy  # noqa: F401  in the bpy module, this makes `addon_utils` known

import addon_utils  # isort: skip

package = ".".join(("bl_ext", *Path(__file__).resolve().parts[-4:-2]))
addon_utils.enable(package)  # also with --factory-startup
sys.exit(importlib.import_module(f"{package}.addon.headless").main())
