"""What README and docs/ say is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from etlplus.language import parse, render

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"```yaml\n(api: .*?)```", re.DOTALL)
DEFINITIONS = [
    pytest.param(text, id=f"{page.name}-{index}")
    for page in PAGES
    for index, text in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")))
]
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


@pytest.mark.parametrize("text", DEFINITIONS)
def test_every_definition_is_sound(text: str) -> None:
    assert render(parse(text).problems) == ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_generated_pages_follow_from_the_code() -> None:
    command = [sys.executable, str(ROOT / "tools" / "docs.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
