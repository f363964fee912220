"""What `ARCHITECTURE.md` and the folders' READMEs say of the code is there: the code map, functions, tests."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.test_architecture import MODULES, PACKAGE, PROCESSES, RULES, reached_from

PAGE = PACKAGE / "ARCHITECTURE.md"
PAGES = sorted(page for page in PACKAGE.rglob("*.md") if "data" not in page.relative_to(PACKAGE).parts)
ROOT = PACKAGE.parent
ALL_PAGES = [*PAGES, *ROOT.glob("*.md")]
ALL_PAGES += [page for folder in ("editors", "models", "tests") for page in sorted((ROOT / folder).rglob("*.md"))]
ALL_PAGES = [page for page in ALL_PAGES if "node_modules" not in page.parts]
MAX_LINES = 150
MAP = re.compile(r"(<!-- code map: .*? -->\n).*?(<!-- end of code map -->)", re.DOTALL)
FUNCTION = re.compile(r"`([\w/]+\.py):([\w.]+)`")
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def code_map() -> str:
    """The packages, from their docstrings, the import rules, and what each process reaches."""
    reached = {
        process: {MODULES[name].package for name in reached_from(main)} for process, (main, _) in PROCESSES.items()
    }
    rows = []
    for package in RULES:
        if package not in MODULES or package == "server.main":
            continue
        job = " ".join((ast.get_docstring(MODULES[package].tree) or "").split("\n\n")[0].split())
        processes = ", ".join(process for process, packages in reached.items() if package in packages) or "none"
        allowed = ", ".join(each for each in RULES[package] if each != package) or "nothing"
        rows.append(f"| `{package.replace('.', '/')}/` | {job} | {processes} | {allowed} |")
    return "\n".join(["| folder | job | runs in | may import |", "|---|---|---|---|", *rows]) + "\n"


def names_in(path: Path) -> set[str]:
    """What a source file defines: functions, classes, constants, and with a dot the methods of its classes."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = [each for each in node.body if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef))]
            found |= {f"{node.name}.{each.name}" for each in methods}
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def test_the_code_map_is_the_tests_table(pytestconfig: pytest.Config) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert MAP.search(text)
    current = MAP.sub(lambda match: match[1] + code_map() + match[2], text)
    if pytestconfig.getoption("--update-golden"):
        PAGE.write_text(current, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == current


def test_the_page_is_read_at_one_sitting() -> None:
    assert len(PAGE.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PACKAGE)))
def test_the_functions_that_a_page_names_are_there(page: Path) -> None:
    missing = []
    for file, name in FUNCTION.findall(page.read_text(encoding="utf-8")):
        path = next((path for path in (page.parent / file, PACKAGE / file) if path.exists()), None)
        if path is None or name not in names_in(path):
            missing.append(f"{file}:{name}")
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PACKAGE)))
def test_the_tests_that_a_page_names_are_there(page: Path) -> None:
    missing = []
    for file, name in TEST.findall(page.read_text(encoding="utf-8")):
        path = PACKAGE.parent / file
        if not path.exists() or (name and name not in names_in(path)):
            missing.append(f"{file}::{name}")
    assert missing == []


def anchors_of(page: Path) -> set[str]:
    """The names that links to a page's headings have, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_somewhere(page: Path, link: str) -> bool:
    file, _, anchor = link.partition("#")
    target = page.parent / file if file else page
    return target.exists() and (not anchor or anchor in anchors_of(target))


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if ":" not in link and not leads_somewhere(page, link)] == []
