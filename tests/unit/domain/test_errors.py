"""The registry of codes: complete, and in step with the core and with the tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from etlplus.domain.codes import MEANINGS, REJECTS
from etlplus.domain.errors import CODES, FAMILIES, Bug, EtlError, InvalidInput, from_code
from etlplus.domain.problem import Problem

ROOT = Path(__file__).parents[3]
ENGINE = ROOT / "rust_core" / "engine" / "src"


def codes_of(file: Path) -> set[str]:
    return set(
        re.findall(r'^\s+\w+ = "([A-Z_]+)",$', file.read_text(encoding="utf-8"), re.MULTILINE)
    )


def test_every_code_of_the_core_has_a_class_and_a_meaning() -> None:
    found = codes_of(ENGINE / "error.rs")
    assert len(found) > 20
    assert found <= set(CODES)


def test_every_code_of_a_reject_has_a_meaning() -> None:
    assert codes_of(ENGINE / "reject" / "code.rs") == set(REJECTS)


def test_codes_and_meanings_are_well_formed() -> None:
    for code, (family, meaning) in CODES.items():
        assert re.fullmatch(r"[A-Z][A-Z_]+", code)
        assert family in FAMILIES
        assert meaning.endswith(".")
    assert set(CODES) == set(MEANINGS)


def test_every_family_has_its_default_code() -> None:
    for family in FAMILIES:
        assert CODES[family.default][0] is family
        assert family("what happened").code == family.default


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_code_becomes_an_error_of_its_class(code: str) -> None:
    error = from_code(code, "what happened", place="here", hint="Do this")
    assert type(error) is CODES[code][0]
    assert str(error) == f"{code}: here: what happened. Do this"


def test_an_unknown_code_is_a_fault_of_ours() -> None:
    error = from_code("NEVER_HEARD", "what happened")
    assert isinstance(error, Bug)
    assert error.metadata == {"unknown_code": "NEVER_HEARD"}


def test_errors_say_only_what_they_know() -> None:
    assert str(EtlError("what happened")) == "INTERNAL: what happened"


def test_invalid_input_carries_every_problem() -> None:
    problems = (Problem("E0101", "one"), Problem("E0102", "two"))
    assert InvalidInput("two problems", problems=problems).problems == problems


def test_no_code_is_raised_that_the_registry_does_not_list() -> None:
    raised: set[str] = set()
    for file in (ROOT / "python" / "etlplus").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        raised |= set(re.findall(r'\bcode="([A-Z_]{4,})"', text))
    assert raised - set(CODES) == set()


#: Where codes are declared, which is no use of them.
DECLARED = {
    ROOT / "python" / "etlplus" / "domain" / "codes.py",
    ROOT / "python" / "etlplus" / "language" / "codes.py",
    ROOT / "rust_core" / "engine" / "src" / "error.rs",
}


def test_every_code_of_the_registry_is_raised_somewhere() -> None:
    texts = [
        file.read_text(encoding="utf-8")
        for folder in (ROOT / "python" / "etlplus", ROOT / "rust_core")
        for file in folder.rglob("*.*")
        if file.suffix in {".py", ".rs"} and file not in DECLARED
    ]
    source = "\n".join(texts)
    camel = {code: "".join(part.title() for part in code.split("_")) for code in CODES}
    unused = {
        code for code in CODES if f'"{code}"' not in source and f"Code::{camel[code]}" not in source
    }
    assert unused == set()
