"""The documentation holds together: every page is in the site, and its links, pictures, files and calls are there."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
FOLDERS = "addon", "benchmarks", "docs", "examples", "lsmpl_core", "tests", "tools", "training", "wheels"
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)]*))?\)")


def test_every_page_is_in_the_site():
    listed = set(re.findall(r": (\w+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert listed == {page.name for page in PAGES}


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
