"""The index on disk: what goes in comes out, and nothing that happens to the file or the process is lasting."""

import gc
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsp_server.index.build import Builder
from lsp_server.index.database import (
    VERSION,
    counts,
    database_path,
    open_database,
    open_for_reading,
    path_tail,
)
from lsp_server.index.reader import Reader

SOURCE = 'import os\n\nclass Shape:\n    """A shape."""\n    def area(self):\n        return os.getpid()\n'


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "project"
    for path in ("a.py", "pkg/b.py", "pkg/sub/c.py", "notes.txt"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(SOURCE.replace("Shape", f"Shape{path[0].upper()}"))
    return root


@pytest.fixture
def file(tmp_path):
    return tmp_path / "index" / "some.sqlite"


def contents(path):
    """Everything in an index, as its reader sees it."""
    connection = open_for_reading(path)
    reader = Reader(connection)
    found = {}
    for row in connection.execute("SELECT path FROM files").fetchall():
        (indexed,) = reader.files("path", [row[0]])
        found[row[0]] = ([s.name for s in reader.symbols(indexed.number)], reader.imports(indexed.number))
    connection.close()
    return found


def build(root, file):
    builder = Builder(root, file)
    try:
        return builder.scan()
    finally:
        builder.close()


def test_a_scan_reads_what_is_new_and_only_that(folder, file):
    assert build(folder, file) == 4
    assert build(folder, file) == 0
    (folder / "a.py").write_text("def other(): pass\n")
    (folder / "pkg" / "b.py").unlink()
    assert build(folder, file) == 1
    assert set(contents(file)) == {"a.py", "pkg/sub/c.py", "notes.txt"}
    assert contents(file)["a.py"][0] == ["other"]


def test_symbols_imports_and_chunks_come_out(folder, file):
    build(folder, file)
    reader = Reader(open_for_reading(file))
    (indexed,) = reader.files("tail", ["pkg/b.py"])
    assert [s.name for s in reader.symbols(indexed.number)] == ["ShapeP", "area"]
    assert [each.module for each in reader.imports(indexed.number)] == ["os"]
    assert reader.frequencies(["getpid", "nowhere"]) == {"getpid": 4}
    alike = reader.search(["shapep"], 9)
    assert {chunk.file.path for chunk in alike} == {"pkg/b.py", "pkg/sub/c.py"}
    assert all(chunk.similarity > 0 for chunk in alike)
    assert reader.files_defining("ShapeN", ("class",), 9) == [], "a text file is searched, not parsed"


def test_a_reader_sees_what_is_written_after_it_was_opened(folder, file):
    build(folder, file)
    reader = Reader(open_for_reading(file))
    reader.refresh()
    (indexed,) = reader.files("path", ["a.py"])
    reader.symbols(indexed.number)
    (folder / "a.py").write_text("def other(): pass\n")
    build(folder, file)
    reader.refresh()
    (indexed,) = reader.files("path", ["a.py"])
    assert [s.name for s in reader.symbols(indexed.number)] == ["other"]


def test_update_reads_single_files(folder, file):
    builder = Builder(folder, file)
    builder.scan()
    (folder / "new.py").write_text(SOURCE)
    (folder / "a.py").unlink()
    assert builder.update([folder / "new.py", folder / "a.py", folder.parent / "outside.py"]) == 1
    assert set(contents(file)) == {"new.py", "pkg/b.py", "pkg/sub/c.py", "notes.txt"}
    builder.close()


@pytest.mark.parametrize("spelling", ["link to the folder", "link to the file", "dots"])
def test_update_resolves_links_first(folder, file, tmp_path, spelling):
    (folder / "pkg" / "alias.py").symlink_to(folder / "a.py")
    (tmp_path / "alias").symlink_to(folder)
    changed = {
        "link to the folder": tmp_path / "alias" / "a.py",
        "link to the file": folder / "pkg" / "alias.py",
        "dots": folder / "pkg" / ".." / "a.py",
    }[spelling]
    for root in (folder, tmp_path / "alias"):
        build(folder, file)
        builder = Builder(root, file)
        (folder / "a.py").write_text(f"def of_{root.name}(): pass\n")
        assert builder.update([changed]) == 1
        builder.close()
        assert contents(file)["a.py"][0] == [f"of_{root.name}"]


def test_a_file_that_becomes_a_link_to_the_outside_is_gone(folder, file, tmp_path):
    builder = Builder(folder, file)
    builder.scan()
    (tmp_path / "outside.py").write_text(SOURCE)
    (folder / "a.py").unlink()
    (folder / "a.py").symlink_to(tmp_path / "outside.py")
    builder.update([folder / "a.py"])
    builder.close()
    assert "a.py" not in contents(file)


@pytest.mark.parametrize(
    "name", [".gitignore", ".infillignore", "pkg/.gitignore", ".git/info/exclude", "../.gitignore"]
)
def test_an_ignore_file_that_changes_takes_files_out_and_back(folder, file, name):
    if name.startswith("../"):
        (folder.parent / ".git").mkdir()
        (folder.parent / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    ignore_file = (folder / name).resolve()
    builder = Builder(folder, file)
    builder.scan()
    ignore_file.parent.mkdir(parents=True, exist_ok=True)
    ignore_file.write_text("b.py\n")
    builder.update([ignore_file])
    assert set(contents(file)) - {name} == {"a.py", "pkg/sub/c.py", "notes.txt"}
    ignore_file.write_text("# nothing\n")
    builder.update([ignore_file])
    assert set(contents(file)) - {name} == {"a.py", "pkg/b.py", "pkg/sub/c.py", "notes.txt"}
    builder.close()


def test_a_save_writes_only_the_chunks_that_changed(folder, file):
    functions = [f"def function_{number}(argument_{number}):\n" + "    pass\n" * 9 for number in range(9)]
    (folder / "a.py").write_text("\n".join(functions))
    builder = Builder(folder, file)
    builder.scan()
    before = chunks(file)
    assert len(before) > 3
    functions[5] = functions[5].replace("argument_5", "renamed")
    (folder / "a.py").write_text("import os\n" + "\n".join(functions))
    builder.update([folder / "a.py"])
    after = chunks(file)
    builder.close()
    assert len(after) == len(before)
    assert len(before.keys() - after.keys()) == 2, "the first, and that of the renamed argument"
    assert all(after[number] == lines + 1 for number, lines in before.items() if number in after)
    reader = Reader(open_for_reading(file))
    (chunk,) = reader.search(["argument8"], 9)
    assert functions[8] in "\n".join((folder / "a.py").read_text().split("\n")[chunk.first : chunk.last])
    assert functions[8].encode() in (folder / "a.py").read_bytes()[chunk.start : chunk.start + chunk.size]
    assert reader.search(["argument5"], 9) == []
    assert len(reader.search(["renamed"], 9)) == 1


def test_chunks_with_more_and_rarer_terms_are_more_alike_and_shorter_ones(folder, file):
    texts = {
        "both.py": "common = rare\n",
        "rare.py": "rare = 1\n",
        "long.py": "rare = 1\n" + "pass\n" * 20,
        "common.py": "common = 1\n",
        **{f"others/{number}.py": "common = 1\n" + "pass\n" * 9 for number in range(9)},
    }
    for path, text in texts.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    build(folder, file)
    reader = Reader(open_for_reading(file))
    found = [chunk.file.path for chunk in reader.search(["common", "rare"], 9)]
    assert found[:4] == ["both.py", "rare.py", "long.py", "common.py"]
    assert len(found) == 9
    assert reader.search([], 9) == reader.search(["nowhere"], 9) == []


def test_a_file_with_equal_chunks_keeps_as_many_as_it_has(folder, file):
    piece = "\n".join(["value = other"] * 24)
    (folder / "a.py").write_text("\n".join([piece] * 3))
    builder = Builder(folder, file)
    builder.scan()
    before = chunks(file)
    (folder / "a.py").write_text("\n".join([piece] * 4))
    builder.update([folder / "a.py"])
    after = chunks(file)
    builder.close()
    assert len(before) == 3
    assert len(after) == 4
    assert before.keys() < after.keys()


def chunks(path, name="a.py"):
    """The first lines of a file's chunks by their numbers."""
    connection = open_for_reading(path)
    query = "SELECT chunks.id, first FROM chunks JOIN files ON files.id = file WHERE path = ?"
    found = dict(connection.execute(query, (name,)))
    connection.close()
    return found


def test_what_a_reader_remembers_is_nothing_to_the_garbage_collector(folder, file):
    build(folder, file)
    reader = Reader(open_for_reading(file))
    (indexed,) = reader.files("path", ["a.py"])
    remembered = (indexed, indexed.state, *reader.symbols(indexed.number), *reader.imports(indexed.number))
    assert len(remembered) == 5
    assert not any(map(gc.is_tracked, remembered))


def test_a_deleted_folder_takes_its_files_along(folder, file):
    (folder / "pkg0").mkdir()
    (folder / "pkg0" / "d.py").write_text(SOURCE)
    builder = Builder(folder, file)
    builder.scan()
    shutil.rmtree(folder / "pkg")
    builder.update([folder / "pkg"])
    assert set(contents(file)) == {"a.py", "notes.txt", "pkg0/d.py"}
    builder.close()


def test_a_folder_that_appears_brings_its_files(folder, file):
    builder = Builder(folder, file)
    builder.scan()
    shutil.copytree(folder / "pkg", folder / "copy")
    builder.update([folder / "copy"])
    assert {"copy/b.py", "copy/sub/c.py"} <= set(contents(file))
    builder.close()


def test_an_update_never_takes_in_what_a_scan_would_not(folder, file):
    (folder / ".gitignore").write_text("out/\n")
    (folder / "out").mkdir()
    (folder / "out" / "x.py").write_text(SOURCE)
    (folder / ".env").write_text("A=1\n")
    builder = Builder(folder, file)
    builder.scan()
    builder.update([folder / "out" / "x.py", folder / ".env"])
    assert not {"out/x.py", ".env"} & set(contents(file))
    builder.close()


@pytest.mark.parametrize(
    "damage", ["zeros", "words", "cut short", "another version", "empty", "no tables", "a word of the schema"]
)
def test_a_damaged_index_is_made_anew(folder, file, damage):
    build(folder, file)
    whole = contents(file)
    for suffix in ("-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    if damage == "zeros":
        file.write_bytes(b"\0" * file.stat().st_size)
    elif damage == "words":
        content = bytearray(file.read_bytes())
        content[4096 : len(content)] = b"damaged " * ((len(content) - 4096) // 8)
        file.write_bytes(content)
    elif damage == "cut short":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    elif damage == "another version":
        connection = sqlite3.connect(file)
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
        connection.close()
        assert open_for_reading(file) is None
    elif damage == "no tables":
        connection = sqlite3.connect(file)
        connection.execute("DROP TABLE symbols")
        connection.close()
    elif damage == "a word of the schema":
        content = file.read_bytes()
        assert b"INDEX files_by_tail" in content
        file.write_bytes(content.replace(b"INDEX files_by_tail", b"INDEX\x80files_by_tail"))
        assert counts(file) is None
    else:
        file.write_bytes(b"")
    build(folder, file)
    assert contents(file) == whole


@settings(max_examples=25)
@given(st.data())
def test_any_damage_is_repaired(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("project")
    for number in range(12):
        (root / f"m{number}.py").write_text(SOURCE * 20)
    file = root.parent / f"{root.name}.sqlite"
    build(root, file)
    content = bytearray(file.read_bytes())
    start = data.draw(st.integers(0, len(content) - 1))
    content[start : start + 600] = data.draw(st.binary(min_size=1, max_size=600))
    file.write_bytes(content)
    (root / "m0.py").write_text("def changed(): pass\n")
    build(root, file)
    connection = open_database(file)
    assert connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
    assert connection.execute("SELECT count(*) FROM symbols WHERE name = 'changed'").fetchone()[0] == 1
    connection.close()


def launch(root, file):
    program = "import sys, pathlib; from lsp_server.index.build import Builder; "
    program += "builder = Builder(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])); print('open', flush=True); "
    program += "builder.scan(); print('done', flush=True)"
    return subprocess.Popen([sys.executable, "-c", program, str(root), str(file)], stdout=subprocess.PIPE, text=True)


@pytest.fixture
def many(tmp_path):
    root = tmp_path / "many"
    root.mkdir()
    for number in range(150):
        (root / f"m{number}.py").write_text(SOURCE.replace("Shape", f"Shape{number}") * 40)
    return root


@pytest.mark.parametrize("after_s", [0.0, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3])
def test_a_killed_process_leaves_a_good_index(many, file, after_s):
    process = launch(many, file)
    process.stdout.readline()
    time.sleep(after_s)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    connection = open_for_reading(file)
    assert connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
    for path in [row[0] for row in connection.execute("SELECT path FROM files")]:
        names = connection.execute(
            "SELECT name FROM symbols JOIN files ON file = id WHERE path = ? AND kind = 'class'", (path,)
        )
        assert {name for (name,) in names} == {f"Shape{path[1:-3]}"}, "a file is in whole, or not at all"
    connection.close()
    build(many, file)
    assert len(contents(file)) == 150


def test_two_servers_at_once_make_one_index(many, file):
    processes = [launch(many, file) for _ in range(2)]
    assert [process.communicate(timeout=60)[0].split() for process in processes] == [["open", "done"]] * 2
    connection = sqlite3.connect(file)
    assert connection.execute("SELECT count(*) FROM files").fetchone()[0] == 150
    assert connection.execute("SELECT count(*) FROM symbols WHERE name = 'Shape7'").fetchone()[0] == 40
    connection.close()


def test_many_changes_do_not_make_the_index_grow_for_ever(folder, file, monkeypatch):
    monkeypatch.setattr("lsp_server.index.database.MIN_DEAD", 10)
    for number in range(40):
        (folder / "a.py").write_text(SOURCE * 30 + f"x{number} = 1\n")
        build(folder, file)
    connection = sqlite3.connect(file)
    live = connection.execute("SELECT count(*) FROM chunks").fetchone()[0]
    assert connection.execute("SELECT seq FROM sqlite_sequence").fetchone()[0] < 4 * live + 10
    connection.close()
    assert set(contents(file)) == {"a.py", "pkg/b.py", "pkg/sub/c.py", "notes.txt"}


def test_the_index_lies_in_the_user_s_cache_and_not_in_the_folder(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert database_path(folder).is_relative_to(tmp_path / "cache")
    assert database_path(folder) != database_path(folder / "pkg")
    assert str(folder.name) not in database_path(folder).name


def test_there_is_nothing_to_read_before_the_first_scan(file):
    assert open_for_reading(file) is None


def test_tail_of():
    assert [path_tail(path) for path in ("a.py", "b/a.py", "c/b/a.py")] == ["a.py", "b/a.py", "b/a.py"]
