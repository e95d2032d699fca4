// SPDX-License-Identifier: GPL-3.0-or-later
// A job type for Flamenco, Blender's render farm: solves a folder of keypoint takes, in equal shares.
// Copy it into the folder `scripts` beside flamenco-manager and restart that. See docs/farms.md.

const JOB_TYPE = {
    label: "LSMPL: Solve Takes",
    description: "Turn a folder of 3D keypoint takes into animated SMPL characters",
    settings: [
        { key: "takes", type: "string", subtype: "dir_path", required: true,
          description: "Folder of takes on the shared storage, searched with the folders in it; or a pattern such as /share/takes/**/*.trc" },
        { key: "output", type: "string", subtype: "dir_path", required: true,
          description: "Folder for the results on the shared storage. It gets the same folders as the takes, and a folder of reports" },
        { key: "format", type: "string", choices: ["blend", "fbx", "glb", "bvh", "usdc", "npz"], default: "blend", required: true,
          description: "File type of the results" },
        { key: "tasks", type: "int32", default: 20, propargs: { min: 1, max: 10000 }, required: true,
          description: "Number of tasks, each an equal share of the takes" },
        { key: "jobs", type: "int32", default: 2, propargs: { min: 1, max: 256 }, required: true, visible: "submission",
          description: "Takes that a task solves at a time, one CPU core for each" },
        { key: "timeout", type: "int32", default: 1800, propargs: { min: 1 }, required: true, visible: "submission",
          description: "Seconds after which a single take is given up" },
        { key: "more_options", type: "string", default: "", required: false,
          description: "Further words of `lsmpl convert`, such as: --lock-feet --floor zero --body '/share/SMPL NEUTRAL.pkl'" },
        { key: "fail_tasks", type: "bool", default: false, required: false, visible: "submission",
          description: "Let a task fail if any of its takes does. Flamenco then tries it again, and blocks workers that fail often" },
        { key: "script", type: "string", subtype: "file_path", default: "", required: false, visible: "submission",
          description: "LSMPL's addon/farm.py, if the add-on is not enabled in the workers' Blender" },
        // Blender's file browser gives paths relative to the .blend, which mean nothing to a worker.
        { key: "takes_path", type: "string", eval: "bpy.path.abspath(settings.takes)", visible: "hidden" },
        { key: "output_path", type: "string", eval: "bpy.path.abspath(settings.output)", visible: "hidden" },
        { key: "script_path", type: "string", eval: "bpy.path.abspath(settings.script)", visible: "hidden" },
    ],
};

function compileJob(job) {
    const settings = job.settings;
    const count = settings.tasks || 20;
    if (count < 1 || count !== Math.floor(count)) {
        throw `The number of tasks is ${settings.tasks}; expected a whole number above 0`;
    }
    const paths = { takes: pathOf(settings, "takes"), output: pathOf(settings, "output"), script: "" };
    if (settings.script) {
        paths.script = pathOf(settings, "script");
    }
    const width = String(count).length;
    for (let part = 1; part <= count; part++) {
        const task = author.Task(`takes-${part}-of-${count}`, "blender");
        task.addCommand(author.Command("exec", {
            exe: "{blender}",
            args: wordsBefore(paths).concat(wordsOf(settings, paths, part, count, width)),
        }));
        job.addTask(task);
    }
}

// The whole path in a setting, without a slash at its end, which Blender adds to patterns, too. It may begin with one
// of the Manager's variables, such as {shared}.
function pathOf(settings, name) {
    const found = (settings[name + "_path"] || settings[name] || "").trim();
    if (!found) {
        throw `The setting "${name}" is empty`;
    }
    if (!/^([\/\\{]|[A-Za-z]:[\/\\])/.test(found)) {
        throw `The setting "${name}" is ${found}; expected a whole path, which means the same on all workers`;
    }
    return /^([A-Za-z]:)?[\/\\]+$/.test(found) ? found : found.replace(/[\/\\]+$/, "");
}

function wordsBefore(paths) {
    return paths.script ? ["--background", "--python", paths.script, "--"] : ["--command", "lsmpl"];
}

function wordsOf(settings, paths, part, count, width) {
    const number = String(part).padStart(width, "0");
    const words = [
        "convert", paths.takes,
        "--output", `${paths.output}/`,  // with / between names, which every system's workers understand
        "--format", settings.format || "blend",
        "--part", `${part}/${count}`,
        "--jobs", String(settings.jobs || 1),
        "--timeout", String(settings.timeout || 1800),
        "--report", `${paths.output}/reports/part_${number}.json`,
        "--resume",
    ];
    if (!settings.fail_tasks) {
        words.push("--failed-ok");
    }
    return words.concat(splitWords(settings.more_options || ""));
}

// Words as a shell has them: divided by spaces, but not within quotes.
function splitWords(text) {
    const words = text.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) || [];
    return words.map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, (_, a, b) => (a === undefined ? b : a)));
}
