"""A page a node, and none of them out of date."""

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("write_node_pages", DOCS / "write_node_pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_match_the_nodes(graph, script):
    made = script.pages()
    assert {file.name for file in (DOCS / "reference" / "nodes").glob("*.md")} == set(made)
    for name, text in made.items():
        assert (DOCS / "reference" / "nodes" / name).read_text() == text, (
            f"{name} is out of date: run python docs/write_node_pages.py"
        )


def test_every_executable_node_has_a_page(script):
    nodes = Path(script.__file__).parents[1] / "facetrack_ros" / "nodes"
    described = {
        line[3:]
        for line in (DOCS / "reference" / "interoperability.md").read_text().splitlines()
        if line.startswith("## ")
    }
    assert set(script.NEIGHBOURS) <= described
    assert {file.stem.removesuffix("_node") for file in nodes.glob("*_node.py")} == {
        *(node.NAME for node in script.NODES),
        *script.NEIGHBOURS,
    }
