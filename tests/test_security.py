"""What `docs/security.md` promises: no network, nothing executed that a file holds, permissions that are used.

Hostile files of the other kinds are in the tests of their readers; `docs/security.md` says where.
"""

import ast
import io
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lsmpl_core.backends.arrays import choose_backend
from lsmpl_core.calibration_files import read_calibration
from lsmpl_core.errors import CalibrationError, LayoutError, NetworkFileError
from lsmpl_core.readers.mapping import load_mapping
from lsmpl_core.readers.markers import load_markers
from lsmpl_core.solver.network import load_network

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = sorted(path for package in ("addon", "lsmpl_core") for path in (ROOT / package).rglob("*.py"))

OURS_AND_BLENDERS = {
    "addon_utils",
    "bl_operators",
    "bl_ui",
    "bpy",
    "rna_keymap_ui",
    "bpy_extras",
    "bmesh",
    "gpu",
    "gpu_extras",
    "blf",
    "mathutils",
}
LIBRARIES = {"numpy", "array_api_compat", "threadpoolctl", "torch", "tqdm"}
NEVER = {
    "asyncio", "cgi", "code", "ctypes", "dbm", "email", "ftplib", "http", "imaplib", "marshal", "multiprocessing",
    "nntplib", "poplib", "pty", "requests", "runpy", "shelve", "smtplib", "socket", "socketserver", "ssl", "telnetlib",
    "urllib", "urllib3", "webbrowser", "wsgiref", "xmlrpc",
}  # fmt: skip
"""Modules that reach the network, run code that is data, or read what runs code."""
RUNS_DATA = {"eval", "exec", "compile", "__import__", "execfile"}
MAY_LOAD_LIBRARIES = {
    f"lsmpl_core/backends/{name}.py"
    for name in ("kernel_library", "kernels", "kernel_border", "linear_kernels", "finger_kernels")
}
"""By ctypes: the compiled kernels, out of the package that is installed beside the extension."""
MAY_START_PROCESSES = {"lsmpl_core/cli/worker_handle.py", "addon/devices/torch_folder.py"}
OPENS = {"addon/importing/example.py": "bpy.ops.wm.path_open(filepath=str(PAGES))"}
"""What may be opened by the system: the pages that come with the extension, when their button is pressed."""


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module)
    return found


def calls(tree: ast.AST) -> list[tuple[str, ast.Call]]:
    return [(ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("path", SHIPPED, ids=name)
def test_nothing_reaches_the_network_or_runs_what_it_reads(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tops = {module.partition(".")[0] for module in imports(tree)}
    assert not tops & (NEVER - {"ctypes"} if name(path) in MAY_LOAD_LIBRARIES else NEVER)
    assert tops <= set(sys.stdlib_module_names) | LIBRARIES | OURS_AND_BLENDERS, "a library that no zip has"
    if name(path) not in MAY_START_PROCESSES:
        assert "subprocess" not in tops
    for function, call in calls(tree):
        words = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert function not in RUNS_DATA, f"line {call.lineno}"
        assert not re.fullmatch(r"os\.(system|popen|exec\w*|spawn\w*|fork\w*|startfile)", function), (
            f"line {call.lineno}"
        )
        assert not re.fullmatch(r"_?pickle\.(load|loads|Unpickler)", function), f"line {call.lineno}"
        if function in ("np.load", "numpy.load"):
            assert words.get("allow_pickle") == "False", f"line {call.lineno}"
        if function == "torch.load":
            assert words.get("weights_only") == "True", f"line {call.lineno}"
        assert words.get("shell") in (None, "False"), f"line {call.lineno}"
    text = path.read_text(encoding="utf-8").replace(OPENS.get(name(path), "\0"), "")
    assert not re.search(
        r"bpy\.ops\.(wm\.(url_open|path_open)|extensions\.|script\.)|\.clipboard\b|use_online_access", text
    )


def test_the_scan_would_see_it():
    """The check above, on lines that it must not let through."""
    for line in (
        "import urllib.request",
        "from http import client",
        "import requests as r",
        "def f():\n import socket",
    ):
        assert {module.partition(".")[0] for module in imports(ast.parse(line))} & NEVER
    assert calls(ast.parse("x = torch.load(p, weights_only=False)"))[0][0] == "torch.load"


def test_permissions_are_those_that_are_used():
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    assert set(manifest["permissions"]) == {"files"}, "no network, clipboard, camera or microphone"
    assert len(manifest["permissions"]["files"]) <= 64 and not manifest["permissions"]["files"].endswith(".")


def test_a_conversion_opens_no_connection(tmp_path):
    """Watched by Python's audit hook, which sees what libraries do, too."""
    script = """
import sys
seen = []
def watch(event, words):
    if event.startswith(("socket.", "urllib", "ftplib", "http", "smtplib", "webbrowser")):
        seen.append((event, words))
sys.addaudithook(watch)
from lsmpl_core.cli.main import main
code = main(["convert", sys.argv[1], "-o", sys.argv[2], "--smooth", "0"])
print("seen", seen)
import socket
socket.socket().close()
print("noticed", any(event == "socket.__new__" for event, _ in seen))
sys.exit(code)
"""
    lines = (ROOT / "examples" / "walk_and_wave.trc").read_text().splitlines(keepends=True)
    (tmp_path / "walk.trc").write_text("".join(lines[:10]))
    words = [sys.executable, "-c", script, str(tmp_path / "walk.trc"), str(tmp_path / "walk.npz")]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "seen []" in done.stdout and "noticed True" in done.stdout


HOSTILE_JSON = {
    "empty": b"",
    "no text": bytes(range(256)) * 4,
    "deep lists": b"[" * 200_000,
    "deep objects": b'{"keypoints":' * 100_000,
    "deep within": b'{"keypoints": {"a": '
    + b"[" * 50_000
    + b"]" * 50_000
    + b'}, "sided": '
    + b"[" * 900
    + b"]" * 900
    + b"}",
    "large": b'{"keypoints": {"a": "' + b"x" * (1 << 20) + b'"}}',
    "huge number": b'{"keypoints": {"a": "left_knee"}, "fps": ' + b"9" * 5000 + b', "sided": ' + b"9" * 5000 + b"}",
    "infinite": b'{"keypoints": {"a": "left_knee"}, "fps": 1e999, "sided": 1e999}',
    "no number": b'{"keypoints": {"a": "left_knee"}, "fps": NaN, "single": NaN}',
    "other types": b'{"keypoints": {"a": {"b": []}}, "sided": {"a": 1}}',
    "null": b'{"keypoints": [null, null], "sided": [null]}',
    "many": b'{"keypoints": [' + b"7," * 90_000 + b'7], "sided": [' + b"7," * 90_000 + b"7]}",
    "surrogates": b'{"keypoints": {"\\ud800": "\\udfff"}, "sided": [{"names": ["\\ud800"], "place": "\\udfff"}]}',
}


@pytest.mark.parametrize("kind", HOSTILE_JSON)
@pytest.mark.parametrize("read", [load_mapping, load_markers, read_calibration])
def test_hostile_mappings_tables_and_calibrations_are_refused(tmp_path, read, kind):
    path = tmp_path / "hostile.json"
    path.write_bytes(HOSTILE_JSON[kind])
    with pytest.raises((LayoutError, CalibrationError)) as refused:
        read(path)
    message = str(refused.value)
    assert "hostile.json" in message and len(message) < 2000
    message.encode("utf-8", "backslashreplace")


def hostile_weights() -> dict[str, bytes]:
    def archive(**members: bytes) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
            for member, data in members.items():
                opened.writestr(f"{member}.npy", data)
        return file.getvalue()

    objects, header = io.BytesIO(), io.BytesIO()
    np.save(objects, np.array([print], dtype=object), allow_pickle=True)
    claim = {"descr": "<f4", "fortran_order": False, "shape": (1 << 40,)}
    np.lib.format.write_array_header_1_0(header, claim)
    bomb = io.BytesIO()
    np.save(bomb, np.zeros(1 << 25, np.float32))
    return {
        "nothing": b"",
        "no zip": b"PK\x03\x04" + bytes(100),
        "objects": archive(**{"in.bias": objects.getvalue()}),
        "claims": archive(**{"in.bias": header.getvalue()}),
        "unpacks to 128 MB": archive(**{"in.bias": bomb.getvalue()}),
        "names": archive(**{"../../in": b"x", "in.bias": b"\x93NUMPY\x01\x00\xff\xff" + b"("* 70_000}),
    }  # fmt: skip


@pytest.mark.parametrize("kind", hostile_weights())
def test_hostile_weights_are_refused(tmp_path, kind):
    path = tmp_path / "hostile.npz"
    path.write_bytes(hostile_weights()[kind])
    with pytest.raises(NetworkFileError, match=r"hostile\.npz"):
        load_network(choose_backend("numpy"), ["nose"], path)
