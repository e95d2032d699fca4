"""The job type for Flamenco, compiled by a stand-in of what Flamenco offers to such scripts."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from lsmpl_core.cli.front_end import FrontEnd
from lsmpl_core.cli.inputs import plan_outputs, share
from lsmpl_core.cli.parser import build_parser

SCRIPT = Path(__file__).resolve().parents[1] / "addon" / "flamenco" / "lsmpl_convert.js"
STAND_IN = """
const fs = require("fs"), vm = require("vm"), given = JSON.parse(fs.readFileSync(0));
const tasks = [];
const scope = {
    print: () => {},
    path: { join: (...parts) => parts.join("/").replace(/\\/+/g, "/"), dirname: null, basename: null, stem: null },
    author: {
        Task: (name, type) => ({ name, type, commands: [], addCommand(command) { this.commands.push(command); } }),
        Command: (name, parameters) => ({ name, parameters }),
    },
};
vm.createContext(scope);
vm.runInContext(fs.readFileSync(given.script, "utf8") + "\\nthis.type = JOB_TYPE; this.compile = compileJob;", scope);
const settings = {};
for (const setting of scope.type.settings) if ("default" in setting) settings[setting.key] = setting.default;
Object.assign(settings, given.settings);
let error = null;
try { scope.compile({ settings, addTask: (task) => tasks.push(task) }); } catch (e) { error = String(e); }
console.log(JSON.stringify({ tasks, error, type: scope.type }));
"""
FORMATS = ("blend", "fbx", "glb", "bvh", "usdc", "npz")


@pytest.fixture
def compile_job():
    if not (node := shutil.which("node") or shutil.which("nodejs")):
        pytest.skip("needs Node.js to run JavaScript, and it is not installed")

    def run(**settings) -> dict:
        given = json.dumps({"script": str(SCRIPT), "settings": settings})
        done = subprocess.run([node, "-e", STAND_IN], input=given, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    return run


def test_its_commands_are_ours_and_share_all_takes(compile_job, tmp_path):
    for number in range(17):
        (tmp_path / f"{number}.trc").write_text("")
    found = compile_job(
        takes=str(tmp_path), output="/share/out/", tasks=5, more_options="--lock-feet --body 'my body.npz'"
    )
    assert found["error"] is None and len(found["tasks"]) == 5
    front_end = FrontEnd(writers=dict.fromkeys(FORMATS), default_format="blend")
    jobs = []
    for task in found["tasks"]:
        (command,) = task["commands"]
        assert (task["type"], command["name"], command["parameters"]["exe"]) == ("blender", "exec", "{blender}")
        words = command["parameters"]["args"]
        assert words[:2] == ["--command", "lsmpl"]
        options = build_parser(front_end).parse_args(words[2:])
        assert options.resume and options.failed_ok and options.lock_feet and options.body == "my body.npz"
        assert options.report.startswith("/share/out/reports/part_")
        jobs += share(plan_outputs(options.inputs, options.output, options.format, front_end), options.part)
    assert sorted(job.source.name for job in jobs) == sorted(f"{number}.trc" for number in range(17))
    assert len({task["name"] for task in found["tasks"]}) == 5


def test_it_can_do_without_an_enabled_add_on(compile_job):
    found = compile_job(takes="/in", output="/out", tasks=1, script="/lsmpl/addon/farm.py", fail_tasks=True)
    words = found["tasks"][0]["commands"][0]["parameters"]["args"]
    assert words[:5] == ["--background", "--python", "/lsmpl/addon/farm.py", "--", "convert"]
    assert "--failed-ok" not in words


def words_of(found: dict) -> list[str]:
    assert found["error"] is None
    return found["tasks"][0]["commands"][0]["parameters"]["args"]


def test_paths_relative_to_the_blend_file_are_made_whole_before_they_are_sent(compile_job):
    """Which Flamenco does where a hidden setting says how."""
    found = compile_job(takes="//takes/", takes_path="/show/takes/", output="//out", output_path="/show/out")
    words = words_of(found)
    assert words[3] == "/show/takes" and words[5] == "/show/out/"
    hidden = [setting for setting in found["type"]["settings"] if setting.get("visible") == "hidden"]
    assert {setting["key"]: setting["eval"] for setting in hidden} == {
        f"{name}_path": f"bpy.path.abspath(settings.{name})" for name in ("takes", "output", "script")
    }
    assert not any(setting.get("required") for setting in hidden), "other programs that send jobs do without"


@pytest.mark.parametrize(
    "path", ["/in", "C:\\takes", "C:/takes", "\\\\server\\takes", "{shared}/takes", "/in/**/*.trc"]
)
def test_paths_that_mean_the_same_everywhere_are_passed_on_without_a_slash_at_their_end(compile_job, path):
    assert words_of(compile_job(takes=path, output="/out"))[3] == path
    assert words_of(compile_job(takes=f"{path}/", output="/out"))[3] == path


def test_what_it_cannot_do_it_says(compile_job):
    assert "takes" in compile_job(takes="", output="/out")["error"]
    assert "whole path" in compile_job(takes="takes", output="/out")["error"]
    assert "whole path" in compile_job(takes="/in", output="/out", script="farm.py")["error"]
    assert "number of tasks" in compile_job(takes="/in", output="/out", tasks=2.5)["error"]


def test_its_settings_are_as_flamenco_wants_them(compile_job):
    settings = compile_job(takes="/in", output="/out")["type"]["settings"]
    for setting in settings:
        assert setting["type"] in {"string", "int32", "float", "bool"}
        assert setting.get("description") or setting["visible"] == "hidden"
        assert setting.get("visible", "visible") in {"visible", "hidden", "submission", "web"}
        assert setting.get("subtype", "dir_path") in {"dir_path", "file_path", "hashed_file_path"}
        assert setting.get("choices", list(FORMATS)) == list(FORMATS)
