"""What of a folder may be read. Every case is a tree on disk."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.index.folder import MAX_BYTES, Folder, decode


def write(root, *paths, text="x = 1\n"):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def walked(root):
    return [state.path for state in Folder(root).walk()]


def test_files_come_in_the_order_of_their_paths(tmp_path):
    write(tmp_path, "b/c.py", "a.py", "b/a.py", "d.py")
    assert walked(tmp_path) == ["a.py", "d.py", "b/a.py", "b/c.py"]


@pytest.mark.parametrize("name", [".gitignore", ".infillignore", ".git/info/exclude"])
def test_what_an_ignore_file_names_is_left_out(tmp_path, name):
    write(tmp_path, "a.py", "out/b.py", "c.log")
    write(tmp_path, name, text="out/\n*.log\n")
    assert [path for path in walked(tmp_path) if not path.startswith(".")] == ["a.py"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", [".gitignore", ".infillignore"])
def test_an_ignore_file_of_notepad_or_powershell_counts_from_its_first_line(tmp_path, name, encoding):
    write(tmp_path, "a.py", "out/b.py")
    (tmp_path / name).write_text("out/\r\n*.log\r\n", encoding=encoding)
    assert [path for path in walked(tmp_path) if not path.startswith(".")] == ["a.py"]


def test_an_inner_ignore_file_has_the_last_word(tmp_path):
    write(tmp_path, "a.log", "sub/a.log")
    write(tmp_path, ".gitignore", text="*.log\n")
    write(tmp_path, "sub/.infillignore", text="!a.log\n")
    assert "sub/a.log" in walked(tmp_path)
    assert "a.log" not in walked(tmp_path)


@pytest.mark.parametrize(
    "path",
    [
        "node_modules/a.js",
        ".git/config",
        "a/__pycache__/b.py",
        ".venv/lib/a.py",
        "sub/.mypy_cache/a.json",
        ".cache/a/b.txt",
    ],
)
def test_folders_of_tools_are_left_out(tmp_path, path):
    write(tmp_path, path, "a.py")
    assert walked(tmp_path) == ["a.py"]
    assert not Folder(tmp_path).may_read(path)


def test_environments_are_left_out_whatever_their_name(tmp_path):
    write(tmp_path, "my-env/pyvenv.cfg", "my-env/lib/a.py", "a.py")
    assert walked(tmp_path) == ["a.py"]


def test_links_are_not_followed(tmp_path):
    write(tmp_path, "in/a.py", "out/secret.py")
    root = tmp_path / "in"
    (root / "loop").symlink_to(root, target_is_directory=True)
    (root / "away").symlink_to(tmp_path / "out", target_is_directory=True)
    (root / "secret.py").symlink_to(tmp_path / "out" / "secret.py")
    folder = Folder(root)
    assert walked(root) == ["a.py"]
    assert not any(map(folder.may_read, ["loop/a.py", "away/secret.py", "secret.py"]))
    assert folder.state("away/secret.py") is None
    assert folder.read("secret.py") is None


@pytest.mark.parametrize("path", ["../a.py", "a/../../b.py", "/etc/passwd", "", ".", "a//b.py", "a\0b.py"])
def test_paths_out_of_the_folder_are_not_admitted(tmp_path, path):
    assert not Folder(tmp_path).may_read(path)
    assert Folder(tmp_path).state(path) is None


def test_relative_follows_links_first(tmp_path):
    write(tmp_path, "in/a.py", "out/b.py")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "out")
    (tmp_path / "alias").symlink_to(tmp_path / "in")
    folder = Folder(tmp_path / "alias")
    assert folder.relative(tmp_path / "in" / "a.py") == "a.py"
    assert folder.relative(tmp_path / "in" / "link" / "b.py") is None


def test_what_is_too_large_or_empty_is_left_out(tmp_path):
    write(tmp_path, "a.py")
    write(tmp_path, "large.py", text="x\n" * MAX_BYTES)
    write(tmp_path, "empty.py", text="")
    assert walked(tmp_path) == ["a.py"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param("größe = 1\r\nx\ry\n".encode(), "größe = 1\nx\ny\n", id="utf-8, every line break"),
        pytest.param("größe".encode("latin-1"), "größe", id="latin-1"),
        pytest.param("größe".encode("utf-16"), "größe", id="utf-16 with its mark"),
        pytest.param("\ufeffx".encode(), "x", id="utf-8 with a mark"),
        pytest.param(b"\x7fELF\0\0", None, id="no text"),
        pytest.param(b"x" * 5000, None, id="one endless line"),
    ],
)
def test_decode(content, text):
    assert decode(content) == text


@given(st.binary(max_size=200))
def test_decoding_never_fails(content):
    text = decode(content)
    assert text is None or "\r" not in text


def test_files_of_secrets_are_not_text(tmp_path):
    write(tmp_path, "a.py", text="key = '''-----BEGIN RSA PRIVATE KEY-----'''\n")
    assert Folder(tmp_path).read("a.py") is None


def test_what_changes_while_it_is_read_is_no_error(tmp_path):
    write(tmp_path, "a.py", "gone/b.py")
    folder = Folder(tmp_path)
    walk = folder.walk()
    assert next(walk).path == "a.py"
    (tmp_path / "gone" / "b.py").unlink()
    (tmp_path / "gone").rmdir()
    assert list(walk) == []
    assert folder.read("gone/b.py") is None
    (tmp_path / "a.py").unlink()
    os.mkfifo(tmp_path / "a.py")
    assert folder.read("a.py") is None, "a pipe would be waited for"


def test_a_folder_that_is_gone_is_empty(tmp_path):
    assert walked(tmp_path / "gone") == []
