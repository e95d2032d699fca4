"""Lint and every test suite, each in its own environment, two at a time; the closing lines sum
up."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from . import environments, kernels
from .environments import ROOT, Environment, SetupError, run_captured, say


@dataclass(frozen=True)
class Suite:
    """Tests and the environment that they run in; `asked_only`: not unless it is named."""

    name: str
    environment: Environment
    paths: tuple[str, ...]
    asked_only: bool = False


SUITES = (
    Suite(
        "core",
        environments.CORE_TESTS,
        (
            "tests/core",
            *sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/test_*.py")),
        ),
    ),
    Suite("numpy2", environments.NUMPY_2_TESTS, ("tests/core",)),
    *(Suite(blender.name, blender, ("tests/addon",)) for blender in environments.BLENDERS),
    *(
        Suite(blender.name, blender, ("tests/addon",), asked_only=True)
        for blender in environments.BETWEEN
    ),
    Suite("shared", environments.CORE_TESTS, ("tests/shared",), asked_only=True),
)
"""`shared` is on files that may not be passed on, see `tests/shared/conftest.py`."""
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
    try:
        kernels.unpack_for_here(ROOT / "wheels", _version())
    except SetupError as error:
        say(f"the compiled kernels are not tested: {error}")
    for result in _results(archive, only, pytest_arguments):
        print(result.output, end="", flush=True)
        results.append(result)
    print("\n" + "\n".join(f"{result.name}: {result.verdict}" for result in results))
    sums = (
        f"{sum(getattr(result, outcome) for result in results)} {outcome}" for outcome in _OUTCOMES
    )
    print(", ".join(sums), flush=True)
    return int(not all(result.good for result in results))


def _version() -> str:
    return tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))["version"]


_OUTCOMES = ("passed", "failed", "skipped")
_COUNTED = ("failures", "errors", "skipped", "tests")
"""What pytest says of a suite."""


def _results(archive: Path, only: Sequence[str], arguments: Sequence[str]) -> Iterator[Result]:
    ready = []
    for suite in SUITES:
        environment = suite.environment
        if suite.name not in only if only else suite.asked_only:
            continue
        if environment.find_python() is None:
            yield Result(
                suite.name, f"SKIPPED, no Python {' or '.join(environment.pythons)} here", good=True
            )
            continue
        try:
            python = environment.prepare()
        except SetupError as error:
            yield Result(suite.name, f"FAILED to set up: {error}", good=False)
            continue
        if suite.name == "core":
            yield _lint(python)
        ready.append(suite)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(lambda suite: _pytest(suite, archive, arguments), ready)


def _lint(python: Path) -> Result:
    output, good = "", True
    for check in (
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy"],
        ["tools.check_types"],
    ):
        done = run_captured([python, "-m", *check], cwd=ROOT)
        output += done.stdout + done.stderr
        good &= done.returncode == 0
    return Result("lint", "clean" if good else "FAILED", good, output=output)


def _pytest(suite: Suite, archive: Path, arguments: Sequence[str]) -> Result:
    environment, paths = suite.environment, [*suite.paths, *arguments]
    say(f"{suite.name}: pytest {' '.join(paths)}")
    results = environment.folder / f"results-{suite.name}.xml"
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
        for found in ElementTree.parse(results).iter("testsuite"):
            failures, errors, skipped, tests = (int(found.attrib[name]) for name in _COUNTED)
            failed = failures + errors
            counts["failed"] += failed
            counts["skipped"] += skipped
            counts["passed"] += tests - failed - skipped
    good = done.returncode == 0
    verdict = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    verdict += f"{'' if good else ', FAILED'} ({time.monotonic() - began:.0f} s)"
    return Result(suite.name, verdict, good, **counts, output=f"== {suite.name}\n{done.stdout}")
