"""The documentation holds together: every page is in the site, and its links, pictures, files and calls are there."""

import ast
import importlib
import inspect
import re
import shlex
from pathlib import Path

import pytest

from lsmpl_core.cli.front_end import IN_BLENDER, FrontEnd
from lsmpl_core.cli.parser import build_parser

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
FOLDERS = "addon", "benchmarks", "docs", "examples", "lsmpl_core", "tests", "tools", "training", "wheels"
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)]*))?\)")


def test_every_page_is_in_the_site():
    listed = set(re.findall(r": (\w+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert listed == {page.name for page in PAGES}


@pytest.mark.parametrize("start", [ROOT / "README.md", ROOT / "docs" / "index.md"], ids=lambda page: page.name)
def test_every_page_is_linked_from_where_readers_begin(start):
    linked = {Path(target).name for target, _ in LINK.findall(start.read_text(encoding="utf-8"))}
    assert {page.name for page in PAGES} - linked - {"index.md"} == (set() if start.name == "index.md" else {"api.md"})


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("*.md")), *PAGES], ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link[0]]
    lost = []
    for target, heading in links:
        file = page.parent / target if target else page
        there = file.exists() and (page not in PAGES or file.resolve().is_relative_to(ROOT / "docs"))  # the site's all
        if not there or (heading and heading not in headings(file)):
            lost.append(f"{target}#{heading}")
    assert lost == []


def headings(page: Path) -> set[str]:
    """What links to a page's headings call them: small letters, digits and hyphens."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", title).strip().lower()) for title in titles}


def test_the_reference_names_what_there_is():
    for name in re.findall(r"^::: ([\w.]+)$", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.MULTILINE):
        parts = name.split(".")
        try:
            found = importlib.import_module(name)
        except ImportError:
            found = getattr(importlib.import_module(".".join(parts[:-1])), parts[-1], None)
        assert found is not None, name


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("*.md")), *PAGES, *sorted(ROOT.glob("[!.]*/*/README.md"))], ids=str)
def test_files_of_the_repository_that_a_page_names_are_there(page):
    if page.name == "CHANGELOG.md":
        return  # which names what was there then
    there = [path.relative_to(ROOT).as_posix() for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    there += [path.name for path in ROOT.iterdir()]
    code = re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8"))
    files = {name for text in code for name in re.findall(r"[\w./-]+\.py\b", text)}
    files |= {text for text in code if re.fullmatch(rf"(?:{'|'.join(FOLDERS)})/[\w./-]+", text)}
    lost = [name for name in files if not any(f"/{path}".endswith(f"/{name.rstrip('/')}") for path in there)]
    assert sorted(lost) == []


COMMAND_LINE = re.compile(r"^    (?:exec |[$] )?(?:blender --command )?lsmpl ((?:.*\\\n)*.*)", re.MULTILINE)


def command_lines() -> list[tuple[str, list[str]]]:
    """What the pages give to `lsmpl`, in words, with the page."""
    found = []
    for page in (ROOT / "README.md", *PAGES):
        for text in COMMAND_LINE.findall(page.read_text(encoding="utf-8")):
            words = shlex.split(text.replace("\\\n", " "), comments=True)
            found.append((page.name, [re.sub(r"\$\w+", "1", word) for word in words]))
    return found


def test_commands_on_the_pages_are_such_as_the_command_understands(capsys):
    writers = dict.fromkeys(("npz", *IN_BLENDER))
    found = command_lines()
    assert len(found) > 15
    for page, words in found:
        try:
            build_parser(FrontEnd(writers=writers)).parse_args(words)
        except SystemExit:
            pytest.fail(f"{page}: lsmpl {' '.join(words)}: {capsys.readouterr().err}")


def test_all_options_of_the_command_are_on_its_page_and_no_others():
    parser = build_parser(FrontEnd())
    known = {option for p in (parser, *parser.commands.values()) for option in p._option_string_actions}
    page = (ROOT / "docs" / "command_line.md").read_text(encoding="utf-8")
    section = page.partition("\n## Options\n")[2].partition("\n## ")[0]
    words = " ".join(re.findall(r"`([^`\n]+)`", section)).split()
    assert {word.strip(",") for word in words if word.startswith("-")} - {"-x,", "-x", "-y", "-z"} == known


SCRIPT_LINE = re.compile(r"^    .*(?:build\.py|benchmarks/|-m training|-m tools).*$", re.MULTILINE)


def test_options_of_scripts_on_the_pages_are_there():
    """By the words in the sources; options may be fields of a dataclass, too."""
    sources = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in [*sources, ROOT / "build.py"])
    known = set(re.findall(r"""["'](--[a-z][a-z-]*)""", text))
    known |= {f"--{name.replace('_', '-')}" for name in re.findall(r"^    (\w+): ", text, re.MULTILINE)}
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES):
        for line in SCRIPT_LINE.findall(page.read_text(encoding="utf-8")):
            lost = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", line)) - known
            assert lost == set(), f"{page.name}: {line.strip()}"


CALL = re.compile(r"(?<![.\w])lsmpl\.\w+\((?:[^()]|\([^()]*\))*\)")


def test_calls_of_the_core_on_the_pages_are_of_what_it_has_with_options_that_it_knows():
    core, calls = importlib.import_module("lsmpl_core"), []
    for page in (ROOT / "README.md", *PAGES):
        calls += [(page.name, call) for call in CALL.findall(page.read_text(encoding="utf-8"))]
    assert len(calls) > 5
    for page, call in calls:
        called = ast.parse(call.replace("...", ""), mode="eval").body
        function = getattr(core, called.func.attr, None)
        assert function is not None, f"{page}: {call}"
        known = inspect.signature(function).parameters
        assert {keyword.arg for keyword in called.keywords} <= set(known), f"{page}: {call}"
