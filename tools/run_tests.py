"""Lint and every test suite, each in its own environment, two at a time; the closing lines sum up."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from . import environments
from .environments import ROOT, Environment, SetupError, run_captured, say

SUITES: dict[Environment, list[str]] = {
    environments.CORE_TESTS: [
        "tests/core",
        *(f"tests/test_{name}.py" for name in ("build", "environments", "torch_zips", "flamenco", "security", "docs")),
    ],
    environments.NUMPY_2_TESTS: ["tests/core"],
    environments.BLENDER_4_2: ["tests/addon"],
    environments.BLENDER_5_2: ["tests/addon"],
    **{blender: ["tests/addon"] for blender in environments.BETWEEN},
}
AT_ONCE = 2


@dataclass
class Result:
    """How one suite went."""

    name: str
    verdict: str
    good: bool
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    output: str = ""


def run_tests(archive: Path, only: Sequence[str] = (), pytest_arguments: Sequence[str] = ()) -> int:
    """Run the suites, the add-on's on the extension in `archive`. Returns the exit code."""
    results = []
    for result in _results(archive, only, pytest_arguments):
        print(result.output, end="", flush=True)
        results.append(result)
    print("\n" + "\n".join(f"{result.name}: {result.verdict}" for result in results))
    sums = (f"{sum(getattr(result, outcome) for result in results)} {outcome}" for outcome in _OUTCOMES)
    print(", ".join(sums), flush=True)
    return int(not all(result.good for result in results))


_OUTCOMES = ("passed", "failed", "skipped")


def _results(archive: Path, only: Sequence[str], arguments: Sequence[str]) -> Iterator[Result]:
    ready = []
    for environment in SUITES:
        wanted = environment.name in only if only else environment not in environments.BETWEEN
        if not wanted:
            continue
        if environment.find_python() is None:
            yield Result(environment.name, f"SKIPPED, no Python {' or '.join(environment.pythons)} here", good=True)
            continue
        try:
            python = environment.prepare()
        except SetupError as error:
            yield Result(environment.name, f"FAILED to set up: {error}", good=False)
            continue
        if environment is environments.CORE_TESTS:
            yield _lint(python)
        ready.append(environment)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(lambda environment: _pytest(environment, archive, arguments), ready)


def _lint(python: Path) -> Result:
    output, good = "", True
    for check in (["check", "."], ["format", "--check", "."]):
        done = run_captured([python, "-m", "ruff", *check], cwd=ROOT)
        output += done.stdout + done.stderr
        good &= done.returncode == 0
    return Result("ruff", "clean" if good else "FAILED", good, output=output)


def _pytest(environment: Environment, archive: Path, arguments: Sequence[str]) -> Result:
    paths = [*SUITES[environment], *arguments]
    say(f"{environment.name}: pytest {' '.join(paths)}")
    results = environment.folder / "results.xml"
    results.unlink(missing_ok=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lsmpl-profile-") as profile:
        done = subprocess.run(
            [environment.python, "-m", "pytest", "-ra", f"--junitxml={results}", *paths],
            cwd=ROOT,
            env={
                **os.environ,
                "BLENDER_USER_RESOURCES": profile,
                "LSMPL_ZIP": str(archive),
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
                "PYTHONIOENCODING": "utf-8",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
    counts = dict.fromkeys(_OUTCOMES, 0)
    if results.is_file():
        for suite in ElementTree.parse(results).iter("testsuite"):
            failed, skipped = int(suite.get("failures")) + int(suite.get("errors")), int(suite.get("skipped"))
            counts["failed"] += failed
            counts["skipped"] += skipped
            counts["passed"] += int(suite.get("tests")) - failed - skipped
    good = done.returncode == 0
    verdict = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    verdict += f"{'' if good else ', FAILED'} ({time.monotonic() - began:.0f} s)"
    return Result(environment.name, verdict, good, **counts, output=f"== {environment.name}\n{done.stdout}")
