"""Ignore rules, compared with git's own verdicts."""

import os
import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lsp_server.index.folder import Folder
from lsp_server.index.git_config import ignore_config, repository_of
from lsp_server.index.wildmatch import Rules

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git to compare with")

NAMES = ["a", "b.py", "build", "Keep.py", "x.log", "x.LOG", "sub", "größe.py", "a b", "[x]", "!n", "#h", "sp ", "t*r"]
PATTERNS = [
    *("*.log", "/a", "a/", "b.py", "!keep.py", "sub/*", "**/a", "build/**", "# words", "", "!a/b.py", "x*/", "!sub/"),
    *("!build", "!*.log", "**", "*", "a/**/b.py", "**/sub/**", "[a-c]*", "[!a]*", "[^b]*", "[[:alpha:]]*", "\\#h"),
    *("\\!n", "!\\!n", "sp\\ ", "sp ", "a\\*b", "t\\*r", "[x]", "\\[x\\]", "x.[lL]og", "a?b", "***/a", "a**", "/**/a"),
    *("/*", "!/*/", "*/", "!*/", "sub/a", "KEEP*", "[]x]*", "[a", "a\\", "[z-a]", "a[/]b", "\ufeffa", "a//", "//a"),
    *(
        "**/a/**/b.py",
        "*b*p*",
        "a/**/*/b*",
        "**/*u*/**/x*",
        "su?/**/**/a",
        "!**/",
        "a\r",
        "b.py\t",
        "[[:digit:]",
        "[[:foo:]]*",
        "[\\]x]",
        "größe*",
        "/",
        "!",
        "./a",
        "../a",
    ),
]
RULES = st.lists(st.sampled_from(PATTERNS), max_size=4).map("\n".join)
FOLDERS = st.lists(st.sampled_from(NAMES), max_size=2).map("/".join)
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    """A home folder of its own, so that no configuration of this machine counts."""
    folder = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith("GIT_") or name == "XDG_CONFIG_HOME":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return folder


def git(folder, *arguments):
    done = subprocess.run(["git", "-C", str(folder), *arguments], check=False, capture_output=True)
    return done.stdout.decode()


def write(folder, path, text="x = 1\n"):
    """Write a file, unless one path is another's folder."""
    try:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text.encode())
    except OSError:
        pass


def not_ignored(folder):
    listed = git(folder, "ls-files", "-z", "--others", "--exclude-standard").split("\0")[:-1]
    return sorted(path for path in listed if (folder / path).stat().st_size)


def readable(folder):
    return sorted(state.path for state in Folder(folder).walk())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    paths=st.lists(PATHS, min_size=1, max_size=10, unique=True),
    inner=st.dictionaries(FOLDERS, RULES, max_size=3),
    exclude=RULES,
    own=RULES,
    ignores_case=st.booleans(),
    start=FOLDERS,
)
def test_git_ignores_the_same(tmp_path_factory, home, paths, inner, exclude, own, ignores_case, start):
    top = tmp_path_factory.mktemp("top")
    git(top, "init", "-q")
    git(top, "config", "core.ignorecase", str(ignores_case).lower())
    for path in paths:
        write(top, path)
    for folder, rules in inner.items():
        write(top / folder, ".gitignore", rules)
    write(top, ".git/info/exclude", exclude)
    write(home, ".config/git/ignore", own)
    for folder in {top, top / start}:
        if folder.is_dir():
            assert readable(folder) == not_ignored(folder)
            every = [
                each.relative_to(folder).as_posix()
                for each in folder.rglob("*")
                if each.is_file() and each.stat().st_size
            ]
            of_folder = Folder(folder)
            assert sorted(filter(of_folder.may_read, every)) == readable(folder), "one path at a time as in a walk"


def test_a_subfolder_of_a_repository_is_ignored_from_the_top(tmp_path):
    git(tmp_path, "init", "-q")
    write(tmp_path, ".gitignore", "private/\napp/local_settings.py\n*.gen.py\n")
    write(tmp_path, ".infillignore", "drafts/\n")
    write(tmp_path, ".git/info/exclude", "notes.py\n")
    for path in ("private/keys.py", "local_settings.py", "a.gen.py", "notes.py", "drafts/a.py", "main.py"):
        write(tmp_path / "app", path)
    assert readable(tmp_path / "app") == ["main.py"]


def test_a_folder_that_is_ignored_itself_has_nothing_to_read(tmp_path):
    git(tmp_path, "init", "-q")
    write(tmp_path, ".gitignore", "private/\n")
    write(tmp_path, "private/app/main.py")
    assert readable(tmp_path / "private") == readable(tmp_path / "private" / "app") == []
    assert not Folder(tmp_path / "private" / "app").may_read("main.py")


def test_a_worktree_and_a_submodule_have_the_excludes_of_their_repository(tmp_path):
    main, tree, outer = tmp_path / "main", tmp_path / "tree", tmp_path / "outer"
    for folder in (main, outer):
        write(folder, "a.py")
        git(folder, "init", "-q")
        git(folder, "add", ".")
        git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a")
    git(main, "worktree", "add", "-q", str(tree))
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(main), "lib")
    write(main, ".git/info/exclude", "notes.py\n")
    write(outer, ".git/modules/lib/info/exclude", "notes.py\n")
    write(outer, ".gitignore", "b.py\n")
    write(outer, ".infillignore", "c.py\n")
    for folder in (tree, outer / "lib"):
        for path in ("notes.py", "b.py", "c.py", "sub/notes.py"):
            write(folder, path)
    assert (tree / ".git").is_file()
    assert (outer / "lib" / ".git").is_file()
    assert "notes.py" not in not_ignored(tree)
    assert {"b.py", "c.py"} <= set(readable(tree))
    assert "notes.py" not in readable(tree)
    assert "sub/notes.py" not in readable(tree / "sub")
    found = set(readable(outer))
    assert {"lib/a.py", "lib/b.py"} <= found, "rules end at an inner repository"
    assert found.isdisjoint({"lib/notes.py", "lib/sub/notes.py", "lib/c.py"}), "those of .infillignore do not"
    assert set(readable(outer / "lib")) == {path.removeprefix("lib/") for path in found if path.startswith("lib/")} | {
        "c.py"
    }


CONFIGS = [
    "",
    "[core]\n\texcludesFile = ~/mine\n",
    "[CORE]\nEXCLUDESFILE=~/mine ; words\n",
    '[core] excludesFile = "~/my # \\"own\\" ignore" # words\n',
    "[core]\nexcludesFile = ~/a\\\nb\n",
    "[core]\nexcludesFile = /abs/x\nexcludesFile = ~/last\n",
    "[core]\nexcludesFile =\n",
    "# excludesFile = ~/no\n[alias]\nexcludesFile = ~/no\n",
    '[alias "core"]\nexcludesFile = ~/no\n',
    '[alias]\nx = "!f() { echo [core]; }; f"\n[core]\nexcludesFile = ~/mine\n',
    "[include]\npath = ~/more.inc\n",
    "[include]\npath = more.inc\n[core]\nexcludesFile = ~/mine\n",
    "[core]\nexcludesFile = ~/mine\n[include]\npath = .config/../more.inc\n",
    '[includeIf "gitdir:~/work/"]\npath = more.inc\n',
    '[includeIf "gitdir:work/"]\npath = more.inc\n',
    '[includeIf "gitdir:./work/p/.git"]\npath = more.inc\n',
    '[includeIf "gitdir:~/play/"]\npath = more.inc\n',
    '[includeIf "gitdir:~/WORK/"]\npath = more.inc\n',
    '[includeIf "gitdir/i:~/WORK/**"]\npath = more.inc\n',
    '[includeIf "onbranch:fe*/"]\npath = more.inc\n',
    '[includeIf "onbranch:main"]\npath = more.inc\n',
    "[core]\nexcludesFile = %(prefix)/share/x\n",
    "[core]\nignoreCase\n",
    "[core]\nignorecase = YES\n",
    "[core]\nignorecase = 0\n",
    "[include]\npath = .gitconfig\n[core]\nexcludesFile = ~/mine\n",
]


@pytest.mark.parametrize("place", ["home", "xdg", "repository", "worktree"])
@pytest.mark.parametrize("text", CONFIGS)
def test_git_reads_the_same_of_its_configuration(home, place, text):
    top = home / "work" / "p"
    top.mkdir(parents=True)
    git(top, "init", "-q")
    git(top, "symbolic-ref", "HEAD", "refs/heads/fea/x")
    git(top, "config", "--unset", "core.ignorecase")
    if place == "worktree":
        git(top, "config", "extensions.worktreeConfig", "true")
    path = {
        "home": home / ".gitconfig",
        "xdg": home / ".config/git/config",
        "repository": top / ".git/config",
        "worktree": top / ".git/config.worktree",
    }[place]
    for folder in (home, home / ".config/git", top / ".git"):
        write(folder, "more.inc", "[core]\nexcludesFile = ~/included\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(text)
    said = git(top, "config", "--type=path", "--get", "core.excludesFile").removesuffix("\n")
    has_said = subprocess.run(["git", "-C", str(top), "config", "--get", "core.excludesFile"], check=False).returncode
    if has_said == 128:
        pytest.skip("git refuses this file")
    expected = str(home / ".config/git/ignore") if has_said else said
    found = ignore_config(repository_of(top))
    assert str(found.excludes_file or "") == expected
    assert found.ignores_case == (git(top, "config", "--type=bool", "--get", "core.ignorecase") == "true\n")


def test_the_environment_says_where_git_is_configured(home, monkeypatch):
    top = home / "p"
    git(home, "init", "-q", "p")
    write(home, "xdg/git/ignore", "a.py\n")
    write(home, "global", f"[core]\nexcludesFile = {home}/other\n")
    write(home, "other", "b.py\n")
    write(top, "a.py")
    write(top, "b.py")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "xdg"))
    assert readable(top) == not_ignored(top) == ["b.py"]
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / "global"))
    assert readable(top) == not_ignored(top) == ["a.py"]
    monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(home / "global"))
    assert readable(top) == not_ignored(top) == ["a.py"]


@pytest.mark.parametrize("name", [".gitignore", ".git/info/exclude", ".gitconfig", ".git/config", ".git"])
def test_no_ignore_file_is_waited_for(tmp_path, home, name):
    folder = home if name == ".gitconfig" else tmp_path
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(folder / name)
    write(tmp_path, "a.py")
    assert readable(tmp_path) == ["a.py"]


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a" * 30 + "b", "a" * 255),
        ("**/a/" * 20 + "b", "a/" * 900 + "c"),
        ("**/*a*a*a*a/" * 8 + "b", "aaaaaaaaaa/" * 180 + "c"),
        ("?*" * 40 + "b", "a" * 255),
    ],
)
def test_many_wildcards_do_not_take_for_ever(pattern, path):
    assert Rules(pattern).ignores(path, is_folder=False) is None


@pytest.mark.parametrize(
    "pointer", ["gitdir: ", "gitdir: /no/such", "gitdir: \0", "words", "gitdir: .git", "gitdir: " + "a" * 5000]
)
def test_a_broken_repository_is_no_error(tmp_path, pointer):
    write(tmp_path, ".git", pointer)
    write(tmp_path, "a.py")
    assert readable(tmp_path) == ["a.py"]
