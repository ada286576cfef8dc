"""The documentation names what exists: links lead somewhere, the architecture page's classes and files are there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "facetrack_ros"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
MOST_LINES_OF_README = 110


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page):
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    assert not [target for target in targets if "://" not in target and not (page.parent / target).exists()]


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text()
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    assert (
        not {page for page in pages if not page.startswith("reference/nodes/")}
        - {"README.md"}
        - set(re.findall(r"\]\(([^)#\s]+)", index))
    )


def test_the_classes_and_files_of_the_architecture_page_exist():
    text = (ROOT / "docs" / "architecture.md").read_text()
    defined = {
        node.name
        for folder in (PACKAGE, ROOT / "msg", ROOT / "srv")
        for file in folder.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, (ast.ClassDef, ast.FunctionDef))
    } | {file.stem for folder in ("msg", "srv") for file in (ROOT / folder).iterdir()}
    # Words in capitals within, as classes are written, and functions and modules in backticks.
    named = set(re.findall(r"\b[A-Z][a-z]+(?:[A-Z][a-z0-9]+)+\b", text))
    assert not named - defined - {"Jazzy"}
    for path in re.findall(r"`((?:\w+/)*\w+\.(?:py|yaml))`", text):
        assert (PACKAGE / path).exists() or (ROOT / path).exists(), path
    for name in re.findall(r"`(\w+_\w+)`", text):
        assert name in defined or [*PACKAGE.rglob(f"{name}.py"), *PACKAGE.rglob(f"{name}/__init__.py")], name


def test_the_readme_stays_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= MOST_LINES_OF_README
