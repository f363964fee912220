"""The editors are fetched once; test modules share one of each version, and may start others."""

from __future__ import annotations

from functools import partial

import pytest

from tests.editors import fetch, fetch_vscode
from tests.editors.emacs import Emacs
from tests.editors.ghost import served
from tests.editors.neovim import VERSIONS, Neovim
from tests.editors.vscode import VSCode, build_extension


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several workers (`--dist loadgroup`), a file stays in one, and so do VS Code's: they build its extension."""
    for item in items:
        name = item.path.stem
        item.add_marker(pytest.mark.xdist_group("vscode" if name.startswith("test_vscode") else name))


@pytest.fixture(scope="session", autouse=True)
def _programs():
    fetch.ensure()


# Those that run in a terminal and have ghost text.
TERMINAL_EDITORS = {"Emacs": Emacs, **{f"Neovim {name}": partial(Neovim, suite=VERSIONS[name]) for name in VERSIONS}}


@pytest.fixture(scope="module", params=TERMINAL_EDITORS)
def new_editor(request):
    """Starts one of each of them in a folder; the options are those that all have."""
    return TERMINAL_EDITORS[request.param]


@pytest.fixture(scope="module")
def editor(new_editor, tmp_path_factory):
    """One of each of them, for all tests of a module."""
    yield from served(new_editor(tmp_path_factory.mktemp("editor")))


@pytest.fixture
def start_emacs(tmp_path):
    """Start an Emacs of one's own; the options are those of `Emacs`."""
    editors = []

    def start(**options):
        editors.append(Emacs(tmp_path / f"emacs-{len(editors)}", **options))
        return editors[-1]

    yield start
    for editor in editors:
        editor.close()


@pytest.fixture(scope="module", params=VERSIONS)
def suite(request):
    """Each version of Neovim."""
    return VERSIONS[request.param]


@pytest.fixture(scope="module")
def shared(suite, tmp_path_factory):
    """An editor for all tests of a module that want no other."""
    yield from served(Neovim(tmp_path_factory.mktemp("neovim"), suite))


@pytest.fixture
def neovim(shared):
    """The shared editor, whose completion is on and whose screen is clear."""
    shared.command("only")
    return shared


@pytest.fixture
def start(suite, tmp_path):
    """Start an editor of one's own; the options are those of `Neovim`."""
    editors = []

    def start(**options):
        editors.append(Neovim(tmp_path / f"neovim-{len(editors)}", suite, **options))
        return editors[-1]

    yield start
    for editor in editors:
        editor.close()


@pytest.fixture(scope="session")
def _built_extension():
    fetch_vscode.ensure()
    build_extension()


@pytest.fixture(scope="session")
def vscode(_built_extension, tmp_path_factory):
    """A VS Code for all tests that want no other."""
    editor = VSCode(tmp_path_factory.mktemp("vscode") / "shared")
    editor.tap.wait_until_ready()
    editor.wake()
    yield editor
    editor.close()


@pytest.fixture
def start_vscode(_built_extension, tmp_path):
    """Start a VS Code of one's own; the options are those of `VSCode`."""
    editors = []

    def start(**options):
        editors.append(VSCode(tmp_path / f"vscode-{len(editors)}", **options))
        return editors[-1]

    yield start
    for editor in editors:
        editor.close()
