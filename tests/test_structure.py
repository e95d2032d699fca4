"""The house stands on its imports: which package may know which, and that what is needed is imported where one looks.

Read from the sources, so it needs neither Blender nor NumPy. A package here is a folder right under `addon` or
`lsmpl_core`; a module that lies there beside them counts as one of its own.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]

WITHOUT_CIRCLES = ("addon", "lsmpl_core")
"""Trees whose packages must not import each other in a circle."""
TORCH = "PyTorch is there for some only, and takes seconds to load"
WITHOUT_DEFERRED_IMPORTS: dict[str, Mapping[str, str]] = {
    "addon": {},
    "lsmpl_core": {
        "lsmpl_core.backends.arrays": TORCH,
        "lsmpl_core.backends.threads": "threadpoolctl sets an environment variable of Intel's when it is imported",
        "lsmpl_core.backends.torch_probe": TORCH,
        "lsmpl_core.cli.bars": "tqdm takes a fortieth of a second to load, for terminals alone",
        "lsmpl_core.cli.take": "what refines is not loaded by whoever converts",
        "lsmpl_core.estimates.contents": TORCH,
        "lsmpl_core.files.torch_files": TORCH,
        "lsmpl_core.published": TORCH,
        "lsmpl_core.report": "importlib.metadata loads parsers of mail and archives, for reports alone",
        "lsmpl_core.solver.predictors": TORCH,
    },
}
"""Trees whose functions import nothing, with the modules that may nevertheless, each with the reason why."""

LOADERS = {
    "addon": "its features, one after the other",
    "addon.farm": "the extension, under whatever name Blender has it",
    "lsmpl_core": "each public name when it is first asked for",
}
"""Modules that import others by names that are made up when they run."""


class Import(NamedTuple):
    module: str
    """Who imports."""
    line: int
    imported: str
    """The module of this repository that is meant, as far as it is one, or the name that stands there."""
    name: str
    """What is imported of it; "" for all of it."""
    in_function: bool
    for_types: bool
    """Whether it stands under `if TYPE_CHECKING`, so that nothing is imported when the program runs."""


def modules_of(folder: Path) -> dict[str, Path]:
    """The modules of a tree by their dotted names; a package by that of its folder."""
    named = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


def imports_of(module: str, path: Path, known: Mapping[str, Path]) -> Iterator[Import]:
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]

    def visit(node: ast.AST, in_function: bool, for_types: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            names = []
            if isinstance(child, ast.Import):
                names = [(alias.name, "") for alias in child.names]
            elif isinstance(child, ast.ImportFrom):
                above = package[: len(package) - child.level + 1] if child.level else []
                source = ".".join([*above, *([child.module] if child.module else [])])
                full = [(f"{source}.{alias.name}", alias.name) for alias in child.names]
                names = [(path, "") if path in known else (source, name) for path, name in full]
            for imported, name in names:
                yield Import(module, child.lineno, imported, name, in_function, for_types)
            inside = in_function or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
                yield from visit(ast.Module(child.body, []), inside, "not" not in ast.unparse(child.test))
                yield from visit(ast.Module(child.orelse, []), inside, for_types)
            else:
                yield from visit(child, inside, for_types)

    yield from visit(ast.parse(path.read_text(encoding="utf-8")), False, False)


def tree_imports(folder: Path) -> list[Import]:
    beside = {
        name: path for tree in folder.parent.glob("*/__init__.py") for name, path in modules_of(tree.parent).items()
    }
    return [found for module, path in modules_of(folder).items() for found in imports_of(module, path, beside)]


def package_edges(folder: Path) -> dict[tuple[str, str], list[str]]:
    """Which package imports which when the program runs, and on which lines. The tree's own `__init__`, which others
    come in by, is left out."""
    top, edges = folder.name, {}
    for found in tree_imports(folder):
        if found.for_types or found.module == top or not found.imported.startswith(f"{top}."):
            continue
        pair = found.module.split(".")[1], found.imported.split(".")[1]
        if pair[0] != pair[1]:
            edges.setdefault(pair, []).append(f"{found.module}:{found.line} imports {found.imported}")
    return edges


def circle_in(edges: Mapping[tuple[str, str], list[str]]) -> list[str]:
    """Packages that import each other one after the other, the first one again at the end; [] where none do."""
    after: dict[str, list[str]] = {}
    for importer, imported in edges:
        after.setdefault(importer, []).append(imported)
    done: set[str] = set()

    def search(package: str, way: list[str]) -> list[str]:
        if package in way:
            return [*way[way.index(package) :], package]
        if package in done:
            return []
        for following in after.get(package, []):
            if found := search(following, [*way, package]):
                return found
        done.add(package)
        return []

    return next((found for package in list(after) if (found := search(package, []))), [])


@pytest.mark.parametrize("tree", WITHOUT_CIRCLES)
def test_packages_do_not_import_each_other_in_a_circle(tree):
    edges = package_edges(ROOT / tree)
    circle = circle_in(edges)
    lines = [f"{a} -> {b}: {edges[a, b][0]}" for a, b in zip(circle, circle[1:])]
    assert not circle, "\n".join(lines)


@pytest.mark.parametrize("tree", WITHOUT_DEFERRED_IMPORTS)
def test_functions_import_nothing_without_a_reason(tree):
    allowed = WITHOUT_DEFERRED_IMPORTS[tree]
    deferred = [found for found in tree_imports(ROOT / tree) if found.in_function]
    without = [f"{f.module}:{f.line} imports {f.imported}" for f in deferred if f.module not in allowed]
    assert not without, "\n".join(without)
    assert set(allowed) <= {found.module for found in deferred}, "a reason for which there is no import any more"


@pytest.mark.parametrize("tree", WITHOUT_CIRCLES)
def test_no_import_is_hidden_from_these_tests(tree):
    """`from .. import solve` would load whatever module that is from, and so would a name that is made up."""
    hidden = [
        f"{f.module}:{f.line} imports {f.name}"
        for f in tree_imports(ROOT / tree)
        if f.imported == tree and not f.for_types and not f.name.startswith("__")
    ]
    for module, path in modules_of(ROOT / tree).items():
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        made_up = [call for call in calls if re.search(r"\b(import_module|__import__)$", ast.unparse(call.func))]
        hidden += [f"{module}:{call.lineno} {ast.unparse(call)}" for call in made_up if module not in LOADERS]
    assert not hidden, "\n".join(hidden)


@pytest.mark.parametrize("tree", ("addon", "benchmarks", "lsmpl_core", "tools", "training"))
def test_what_is_private_to_a_module_is_used_there_alone(tree):
    """So that whoever renames it need look no further."""
    taken = [f for f in tree_imports(ROOT / tree) if f.name.startswith("_") and not f.name.startswith("__")]
    assert not taken, "\n".join(f"{f.module}:{f.line} imports {f.name} of {f.imported}" for f in taken)


def test_the_core_depends_one_way_as_its_page_says():
    page = (ROOT / "docs" / "core.md").read_text(encoding="utf-8")
    picture = re.search(r"\n\n((?:    .*\n)+)\nModules have no", page)[1]
    level = {
        name: number
        for number, line in enumerate(picture.splitlines())
        for name in re.findall(r"(\w+)(?:\.py|/)", re.split(r"\s{2,}", line.strip())[0])
    }
    assert {path.name for path in (ROOT / "lsmpl_core").iterdir() if path.is_dir() and any(path.glob("*.py"))} <= set(
        level
    )
    for (importer, imported), lines in package_edges(ROOT / "lsmpl_core").items():
        if importer in level and imported in level:
            assert level[importer] <= level[imported], lines[0]


def test_the_core_knows_nothing_of_blender_or_of_the_add_on():
    roots = {found.imported.split(".")[0] for found in tree_imports(ROOT / "lsmpl_core")}
    assert not roots & {"bpy", "mathutils", "addon", "bmesh"}


def test_nothing_that_blender_loads_at_its_start_imports_torch():
    """Whoever enables the add-on has not chosen PyTorch, which takes seconds to load and may not be there."""
    eager = [f for tree in ("addon", "lsmpl_core") for f in tree_imports(ROOT / tree) if not f.in_function]
    loading = {f.module for f in eager if f.imported.split(".")[0] == "torch" and not f.for_types}
    assert not {module for module in loading if module in _loaded_with("addon", eager)}


def _loaded_with(tree: str, eager: list[Import]) -> set[str]:
    """The modules that are loaded when all modules of a tree are."""
    after: dict[str, set[str]] = {}
    for found in eager:
        if not found.for_types:
            packages = found.imported.split(".")
            after.setdefault(found.module, set()).update(".".join(packages[:n]) for n in range(1, len(packages) + 1))
    loaded, waiting = set(), [module for module in after if module.split(".")[0] == tree]
    while waiting:
        module = waiting.pop()
        if module not in loaded:
            loaded.add(module)
            waiting += after.get(module, ())
    return loaded


# That these tests can fail


def test_a_circle_is_found_also_where_a_function_imports(tmp_path):
    _write(tmp_path, "house/a/one.py", "from ..b import two\n")
    _write(tmp_path, "house/b/two.py", "def later():\n    from ..a.one import thing\n")
    assert circle_in(package_edges(tmp_path / "house")) == ["a", "b", "a"]


def test_types_alone_make_no_circle(tmp_path):
    _write(tmp_path, "house/a/one.py", "from ..b import two\n")
    _write(tmp_path, "house/b/two.py", "if TYPE_CHECKING:\n    from ..a.one import thing\n")
    assert circle_in(package_edges(tmp_path / "house")) == []


def test_what_runs_without_a_type_checker_counts(tmp_path):
    _write(tmp_path, "house/a/one.py", "from ..b import two\n")
    _write(tmp_path, "house/b/two.py", "if TYPE_CHECKING:\n    x = 1\nelse:\n    from ..a.one import thing\n")
    assert circle_in(package_edges(tmp_path / "house")) == ["a", "b", "a"]


def _write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    for made in path.relative_to(folder).parents:
        if made.name:
            (folder / made / "__init__.py").touch()
    path.write_text(text, encoding="utf-8")


def test_the_core_loads_what_is_asked_for():
    """A script that reads a file needs no solver, and `lsmpl --help` none of what solves."""
    code = "import sys, lsmpl_core; print(sum(name.startswith('lsmpl_core.') for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) == 0


def public_names() -> dict[str, str]:
    """What the core exports, and the modules that it is from."""
    tree = ast.parse((ROOT / "lsmpl_core" / "__init__.py").read_text(encoding="utf-8"))
    assigned = (node for node in tree.body if isinstance(node, ast.Assign))
    return next(ast.literal_eval(a.value) for a in assigned if ast.unparse(a.targets[0]) == "_MODULES")


def test_editors_are_told_of_each_public_name_where_it_is_from():
    told = [f for f in tree_imports(ROOT / "lsmpl_core") if f.module == "lsmpl_core" and f.for_types]
    assert {f.imported for f in told} == {f"lsmpl_core.{module}" for module in public_names().values()}


def test_no_module_of_the_core_has_the_name_of_a_public_function():
    """`lsmpl_core.solve` would be either, depending on what was imported first."""
    public = public_names()
    modules = {name.split(".")[1] for name in modules_of(ROOT / "lsmpl_core") if "." in name}
    assert set(public) & modules == {"metrics"}


def test_one_place_alone_writes_to_blenders_info_line():
    """Where names that move a cursor are escaped (`addon/errors.py`)."""
    elsewhere = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "addon").rglob("*.py")
        if re.search(r"\.report\(", path.read_text(encoding="utf-8")) and path.name != "errors.py"
    ]
    assert elsewhere == []
