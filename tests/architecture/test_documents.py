"""What the documents point to is there."""

from __future__ import annotations

import re

import pytest

from tests.architecture.tree import ROOT, sources, text

DOCUMENTS = [name for name in sources(".md") if not name.startswith(("web/", "benches/"))]
FOLDERS = "python|rust_core|proto|tests|docs|examples|tools|benches|requirements"
# `KIND`, `NNNN_what` and the like stand for a name of the reader's choice.
PLACEHOLDER = re.compile(r"/[^/]*(?:[A-Z]{4}|\*)[^/]*$")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_path_that_a_document_names_exists(name: str) -> None:
    for path in re.findall(rf"`((?:{FOLDERS})/[\w./*-]*)`", text(name)):
        place = PLACEHOLDER.sub("", path)
        assert (ROOT / place).exists(), f"{name} names {path}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_link_within_the_repository_leads_somewhere(name: str) -> None:
    folder = (ROOT / name).parent
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text(name)):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (folder / target).exists(), f"{name} links to {target}"
