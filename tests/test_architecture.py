"""What `lsp_server/ARCHITECTURE.md` says and can be read off the source: who imports whom, what is pure, how large."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "lsp_server"
MAX_LINES = 400

# The packages, and what each may import besides itself. What is not listed is forbidden. A package takes in those
# below it that have no line of their own. `ARCHITECTURE.md` shows this table as its code map.
LEAVES = ("base",)
TEXT = (*LEAVES, "text", "languages")
REQUESTS = (*LEAVES, "ipc")
CLIENT = (*REQUESTS, "engine.client", "engine.sizing")
MODEL = (*REQUESTS, "engine.backends", "engine.kvcache", "engine.scheduler")
SERVER = (*TEXT, "settings", "ipc", "engine.client", "context", "prompt", "completion", "catalog", "server.client")
RULES: dict[str, tuple[str, ...]] = {
    "base": (),
    "text": LEAVES,
    "languages": LEAVES,
    "settings": LEAVES,
    "ipc": LEAVES,
    "index": TEXT,
    "postprocess": TEXT,
    "prompt": (*TEXT, "ipc"),
    "context": (*TEXT, "index"),
    "engine.sizing": REQUESTS,
    "engine.http": LEAVES,
    "engine.client": (*REQUESTS, "engine.sizing"),
    "engine.gateway": (*CLIENT, "engine.http"),
    "engine.backends": REQUESTS,
    "engine.backends.llama": (*REQUESTS, "engine.backends", "engine.sizing"),
    "engine.kvcache": (*REQUESTS, "engine.backends"),
    "engine.scheduler": MODEL,
    "engine.drafting": MODEL,
    "engine.compat": (*TEXT, "ipc", "prompt", "engine.http"),
    "engine.process": (*MODEL, "engine.backends.llama", "engine.drafting", "engine.compat", "engine.http"),
    "completion": (*TEXT, "settings", "ipc", "engine.client", "context", "prompt", "postprocess"),
    "actions": (*TEXT, "ipc", "engine.client", "prompt", "postprocess", "completion"),
    "catalog": (*TEXT, "settings", "ipc", "engine.sizing", "prompt"),
    "server.client": TEXT,
    "server": SERVER,
    "server.features": (*SERVER, "actions", "index", "server"),
    "server.handlers": (*SERVER, "actions", "index", "server", "server.features"),
    "server.main": (*SERVER, "actions", "index", "server", "server.features", "server.handlers"),
}
# These may import everything, and only each other may import them.
TOPS = ("measure", "commands", "cli", "demo_client", "__main__")

# The processes: the module that each begins with, and the packages that run in it and nowhere it does not say.
PROCESSES: dict[str, tuple[str, tuple[str, ...]]] = {
    "language server": ("server.main", (*SERVER, "actions", "index", "postprocess", "engine.sizing", "server")),
    "engine": (
        "engine.process.service",
        (*RULES["engine.process"], "engine.process", "engine.sizing", *TEXT, "prompt"),
    ),
    "gateway": ("engine.gateway.gateway", (*RULES["engine.gateway"], "engine.gateway")),
    "index worker": ("index.worker", (*TEXT, "index")),
}

# Third-party packages that only one place may import.
ONLY_IN = {
    "pygls": ("server",),
    "lsprotocol": ("server",),
    "llama_cpp": ("engine.backends.llama",),
    "aiohttp": ("engine.client.http", "engine.client.remote", "engine.gateway", "engine.http", "engine.compat",
                "engine.process.client_leases", "engine.process.service"),
    "socket": ("engine.client.http", "catalog"),
    "urllib.request": ("text.workspace",),  # only for url2pathname
    "huggingface_hub": ("catalog",),
    "rich": ("commands",),
    "sqlite3": ("index",),
    "tree_sitter": ("index", "languages.grammars"),
}  # fmt: skip
PURE = ("actions", "base.common_prefix", "base.token_estimate", "completion", "context", "engine.compat.fields",
        "engine.compat.stop_conditions", "engine.drafting", "engine.kvcache", "engine.scheduler",
        "engine.sizing.memory", "engine.sizing.parameters", "index.chunks", "index.symbols", "index.wildmatch",
        "index.words", "ipc", "languages", "postprocess", "prompt", "base.fim_families",
        "text.secrets", "text.snapshot")  # fmt: skip
IMPURE = ("context.gate", "context.retrieval")  # among them: they read files and the index
IMPURE_MODULES = {"os", "pathlib", "socket", "subprocess", "threading", "tempfile", "shutil"}
# Who opens files, and which: settings, models, pipes, records. Source files only `text.workspace` and `index.folder`.
READERS = ("text.workspace", "index.folder", "index.git_config", "settings.files", "catalog", "engine.sizing.gguf",
           "engine.sizing.cgroup",
           "engine.backends.fake", "engine.gateway.key", "engine.process.client_leases", "engine.client.shared",
           "server.statistics", "server.streams", "settings.docs", "commands", "measure")  # fmt: skip
# The wall clock jumps when it is set or a laptop wakes: nothing may wait by it. These show it.
SHOW_THE_TIME = ("engine.client.shared", "commands", "engine.compat.openai")


@dataclass(frozen=True)
class Module:
    """A source file, parsed once for all tests."""

    name: str
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """The package whose rule counts, which is the longest listed one it is in."""
        return max((each for each in (*RULES, *TOPS) if is_in(self.name, (each,))), key=len, default="")

    def imports(self) -> set[str]:
        """Every module it imports, wherever it does: also in functions and for type checking alone."""
        found = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
        return found

    def calls(self) -> set[str]:
        """What it calls: functions as written (`open`, `time.time`), methods by their names (`.read_text`)."""
        functions = [node.func for node in ast.walk(self.tree) if isinstance(node, ast.Call)]
        dotted = {ast.unparse(function) for function in functions if isinstance(function, (ast.Name, ast.Attribute))}
        return dotted | {f".{function.attr}" for function in functions if isinstance(function, ast.Attribute)}


def is_in(name: str, places: Iterable[str]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)


def read_all() -> dict[str, Module]:
    modules = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        relative = path.relative_to(PACKAGE)
        if "data" not in relative.parts:
            name = ".".join(relative.with_suffix("").parts).removesuffix(".__init__").removesuffix("__init__")
            text = path.read_text(encoding="utf-8")
            modules[name] = Module(name, text, ast.parse(text))
    return modules


MODULES = read_all()


def ours(module: Module) -> set[str]:
    """The modules of this package that it imports."""
    found = set()
    for imported in module.imports():
        if imported.startswith("lsp_server."):
            parts = imported.removeprefix("lsp_server.").split(".")
            found |= {max((n for n in (".".join(parts[:k]) for k in range(len(parts) + 1)) if n in MODULES), key=len)}
    return found - {"", module.name}


def offenders(is_wrong: Callable[[Module], bool]) -> list[str]:
    return [module.name for module in MODULES.values() if is_wrong(module)]


def test_every_module_has_a_rule() -> None:
    assert not [name for name, module in MODULES.items() if name not in ("", "engine") and not module.package]


def test_imports_point_in_the_allowed_direction() -> None:
    wrong = []
    for module in MODULES.values():
        if module.package in (*TOPS, ""):
            continue
        allowed = {module.package, *RULES[module.package]}
        wrong += [f"{module.name} -> {name}" for name in sorted(ours(module)) if MODULES[name].package not in allowed]
    assert wrong == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    remaining = {name: ours(module) for name, module in MODULES.items()}
    while leaves := {name for name, imported in remaining.items() if not imported & remaining.keys()}:
        for name in leaves:
            del remaining[name]
    assert remaining == {}, "these import each other, or what does"


def test_no_package_imports_itself_by_way_of_others() -> None:
    remaining = {name: set(imported) for name, imported in RULES.items()}
    while leaves := {name for name, imported in remaining.items() if not imported & remaining.keys() - {name}}:
        for name in leaves:
            del remaining[name]
    assert remaining == {}, "these may import each other"


def reached_from(main: str) -> set[str]:
    """A module and all that it imports, by way of others too."""
    reached, found = {main}, [main]
    while found:
        new = ours(MODULES[found.pop()]) - reached
        reached |= new
        found += new
    return reached


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_imports_nothing_that_runs_only_in_another(process: str) -> None:
    main, packages = PROCESSES[process]
    assert [name for name in sorted(reached_from(main)) if not is_in(name, packages)] == []


@pytest.mark.parametrize(("package", "homes"), ONLY_IN.items(), ids=list(ONLY_IN))
def test_third_party_packages_stay_where_they_belong(package: str, homes: tuple[str, ...]) -> None:
    assert not offenders(
        lambda module: (
            module.package not in TOPS
            and not is_in(module.name, homes)
            and any(is_in(name, (package,)) for name in module.imports())
        )
    )


def test_pure_modules_import_nothing_that_does_io() -> None:
    assert not offenders(
        lambda module: (
            is_in(module.name, PURE)
            and not is_in(module.name, IMPURE)
            and bool({name.split(".")[0] for name in module.imports()} & IMPURE_MODULES)
        )
    )


def test_only_the_workspace_and_the_index_read_source_files() -> None:
    """Others that open files read settings, models or pipes; `READERS` is the list of them."""
    reading = {"open", ".read_text", ".read_bytes", ".open_text", ".fdopen"}
    assert not offenders(lambda module: bool(module.calls() & reading) and not is_in(module.name, READERS))


def test_only_the_gate_admits_text_of_other_files() -> None:
    assert not offenders(lambda module: "Readable" in module.calls() and module.name != "context.gate")
    assert not offenders(
        lambda module: "named" in module.calls() and module.name != "completion.planner" and module.package not in TOPS
    )


def test_the_wall_clock_is_only_shown() -> None:
    clock = {"time.time", "time.time_ns"}
    assert not offenders(lambda module: bool(module.calls() & clock) and not is_in(module.name, SHOW_THE_TIME))


def test_files_fit_a_sitting() -> None:
    assert not offenders(lambda module: len(module.text.splitlines()) > MAX_LINES)


def test_every_module_says_what_it_is_for() -> None:
    assert not offenders(lambda module: not ast.get_docstring(module.tree))
