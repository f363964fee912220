"""The invariants of `lsp_server/ARCHITECTURE.md` that can be read off the source: who imports whom, and how large."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "lsp_server"
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if "data" not in path.relative_to(PACKAGE).parts)
MAX_LINES = 400

# What each part may import of the package, by prefix; every part may import its own. The command line and
# what measures may import anything.
ALLOWED = {
    "errors": set(),
    "child": set(),
    "estimate": set(),
    "jsonc": set(),
    "languages": set(),
    "sequences": set(),
    "snapshot": set(),
    "trace": set(),
    "settings": set(),
    "settings_layers": {"errors", "settings"},
    "statistics": set(),
    "document": {"snapshot"},
    "index": {"child", "jsonc", "languages", "snapshot"},
    "workspace": {"context.blocks", "document", "errors", "snapshot"},
    "context": {"estimate", "index", "snapshot"},
    "retrieval": {"context", "document", "index", "snapshot", "workspace"},
    "prompt": {"context.blocks", "engine.messages", "errors", "estimate", "snapshot"},
    "session": {"context.blocks", "context.candidates", "context.ranking", "engine.messages", "estimate", "prompt",
                "sequences", "settings", "snapshot"},
    "postprocess": {"snapshot"},
    "engine": {"child", "errors", "sequences", "wire"},
    "wire": {"context.blocks", "engine.messages", "errors", "languages", "prompt"},
    "catalog": {"engine.hardware", "engine.messages", "engine.sizing", "errors", "prompt.formats", "settings",
                "snapshot"},
    "generation": {"engine.client", "engine.messages", "postprocess", "snapshot"},
    "pipeline": {"context", "engine.client", "engine.messages", "errors", "generation", "index.secrets", "postprocess",
                 "prompt", "session", "settings", "snapshot", "trace"},
    "actions": {"context.blocks", "document", "engine.client", "engine.messages", "errors", "pipeline", "postprocess",
                "prompt.chat", "snapshot"},
    "server": {"actions", "catalog", "context", "document", "engine.client", "engine.messages", "engine.opening",
               "engine.roles", "errors", "index.database", "index.messages", "index.process", "index.secrets",
               "pipeline", "prompt", "retrieval", "session.acceptance", "session.switch", "settings",
               "settings_layers", "snapshot", "statistics", "trace", "workspace"},
}  # fmt: skip

# Third-party packages that only one part may import, by prefix of the module.
ONLY_IN = {
    "pygls": ("server",),
    "lsprotocol": ("server",),
    "llama_cpp": ("engine.llama_",),
    "aiohttp": ("engine.guard", "engine.http_", "engine.presence", "engine.service", "wire", "bench.peer"),
    "socket": ("engine.http_", "catalog"),
    "urllib.request": ("workspace",),  # only for url2pathname
    "huggingface_hub": ("catalog.hub",),
    "rich": ("commands",),
    "sqlite3": ("index.",),
    "tree_sitter": ("index.",),
    "pathspec": ("index.folder",),
}
PURE = (
    *("actions", "context", "prompt", "session", "postprocess", "wire.endings", "wire.fields"),
    *(
        f"engine.{name}"
        for name in (
            *("scheduler", "run", "placement", "cache", "slots", "saved", "reuse", "pace", "prepare", "fit"),
            *("batches", "draft_lengths", "draft_model", "drafter", "drafts", "memory", "sizing"),
        )
    ),
    *(
        f"index.{name}"
        for name in ("secrets", "words", "chunks", "symbols", "import_syntax", "grammars", "script_config")
    ),
)
IMPURE_MODULES = {"os", "pathlib", "socket", "subprocess", "asyncio", "threading", "tempfile", "shutil"}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> set[str]:
    """Every module a file imports, wherever in it, as dotted names."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            if node.module.startswith("lsp_server"):
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def begins(name: str, prefixes: tuple[str, ...] | set[str]) -> bool:
    return any(name == prefix or name.startswith((prefix, f"{prefix}.")) for prefix in prefixes)


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_imports_point_in_the_allowed_direction(path: Path) -> None:
    module = module_name(path)
    part = module.split(".")[0]
    if part in ("commands", "bench", "evaluation", "cli", "__main__", ""):
        return
    modules = {module_name(source) for source in SOURCES}
    for imported in imports(path):
        name = imported.removeprefix("lsp_server.")
        if not imported.startswith("lsp_server.") or name not in modules or name == part:
            continue
        assert name.split(".")[0] == part or begins(name, ALLOWED[part]), f"{module} may not import {name}"


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_third_party_packages_stay_where_they_belong(path: Path) -> None:
    module = module_name(path)
    for package, homes in ONLY_IN.items():
        if any(name == package or name.startswith(f"{package}.") for name in imports(path)):
            assert module.startswith(homes), f"only {homes} may import {package}, not {module}"


@pytest.mark.parametrize("path", [path for path in SOURCES if begins(module_name(path), PURE)], ids=module_name)
def test_pure_stages_import_nothing_that_does_io(path: Path) -> None:
    assert not {name.split(".")[0] for name in imports(path)} & IMPURE_MODULES


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_only_the_workspace_and_the_index_read_source_files(path: Path) -> None:
    """Others that open files read settings, models or pipes; this is the list of them."""
    readers = {
        *(
            "workspace",
            "settings_layers",
            "engine.fake_backend",
            "engine.gguf",
            "engine.key",
            "commands.demo",
            "server.streams",
        ),
        *("bench.record", "engine.presence", "engine.shared", "catalog.models", "catalog.verify", "evaluation.holes"),
        *("evaluation.tasks", "commands.setup", "commands.setup_helix", "commands.setup_emacs", "index.folder"),
        "statistics",
    }
    calls = {
        node.func.attr
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    names = {node.id for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)}
    if calls & {"read_text", "read_bytes", "open_text", "fdopen"} or "open" in names:
        assert module_name(path) in readers


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_the_wall_clock_is_only_shown(path: Path) -> None:
    """It jumps, when it is set or a laptop wakes: nothing may wait by it."""
    shows = {"engine.shared", "commands.engine", "wire.openai"}
    calls = {
        f"{node.func.value.id}.{node.func.attr}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
    }
    assert not calls & {"time.time", "time.time_ns"} or module_name(path) in shows


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_files_fit_a_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
