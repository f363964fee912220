import nturl2path
import re
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lsp_server.base.errors import SourceError
from lsp_server.text.workspace import (
    MAX_FILE_BYTES,
    MAX_VISITED,
    Workspace,
    file_uri,
    notebook_of,
    path_of,
    read_source,
)

# What a Linux file name may hold, beyond letters.
NAMES = st.text(alphabet="aé寸🙂 %#?&+;:@[]\\'\"\n\t~", min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///home/me/main.py", "/home/me/main.py"),
        ("file://localhost/home/me/main.py", "/home/me/main.py"),
        ("file:///home/me/a%20b%23c.py", "/home/me/a b#c.py"),
        ("file:///home/me/gr%C3%B6%C3%9Fe.py", "/home/me/größe.py"),
        ("file:///home/me/größe.py", "/home/me/größe.py"),
        ("file:///c%3A/main.py", "/c:/main.py"),
        ("FILE:///home/me/main.py", "/home/me/main.py"),
    ],
)
def test_path_of_a_file(uri, path):
    assert path_of(uri) == Path(path)


@pytest.mark.parametrize("uri", ["untitled:Untitled-1", "git:/home/me/main.py?HEAD", "https://example.org/a.py", ""])
def test_anything_else_has_no_path(uri):
    assert path_of(uri) is None


@given(st.lists(NAMES.filter(lambda name: name != ".."), min_size=1, max_size=4))
def test_a_path_survives_its_uri(names):
    path = Path("/", *names)
    uri = file_uri(path)
    assert uri.isascii()
    assert path_of(uri) == path


@pytest.fixture
def _on_windows(monkeypatch):
    """The conversion of URIs as Windows has it."""
    monkeypatch.setattr("lsp_server.text.workspace.url2pathname", nturl2path.url2pathname)


@pytest.mark.usefixtures("_on_windows")
@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///c%3A/Users/me/p/a.py", "C:/Users/me/p/a.py"),
        ("file:///c%3a/Users/me/a%20b%23c.py", "C:/Users/me/a b#c.py"),
        ("file:///C:/Users/me/p/a.py", "C:/Users/me/p/a.py"),
        ("file:///d%3A/100%2525/a.py", "D:/100%25/a.py"),
        ("file:///c%3A/gr%C3%B6%C3%9Fe/a.py", "C:/größe/a.py"),
        ("file:///c%3A/", "C:/"),
        ("file://localhost/c%3A/a.py", "C:/a.py"),
        ("file://server/share/a%3Ab.py", "//server/share/a:b.py"),
        ("file://server/share/lib/a.py", "//server/share/lib/a.py"),
    ],
)
def test_path_of_a_file_on_windows(uri, path):
    found = PureWindowsPath(str(path_of(uri)))
    assert found == PureWindowsPath(path)
    assert found.is_absolute()


@pytest.mark.usefixtures("_on_windows")
@pytest.mark.parametrize("drive", ["/c%3A", "/C:"])
def test_path_of_a_notebook_on_windows(drive):
    cell = f"vscode-notebook-cell:{drive}/p/a%20b.ipynb#W0"
    assert PureWindowsPath(str(notebook_of(cell))) == PureWindowsPath("C:/p/a b.ipynb")


@pytest.mark.usefixtures("_on_windows")
@pytest.mark.parametrize("uri", ["file:///1:/a.py", "file:///c:/a:b", "file:///:/a.py"])
def test_what_is_no_path_on_windows_is_no_fault(uri):
    assert path_of(uri) is None
    assert isinstance(Workspace().place_of(uri).path, str)


@pytest.mark.usefixtures("_on_windows")
@given(
    st.lists(NAMES.map(lambda name: re.sub(r'[\\:"?]', "x", name)).filter(lambda name: name.strip(". ")), min_size=1)
)
def test_a_windows_path_survives_its_uri(names):
    path = PureWindowsPath("C:/", *names)
    for uri in (path.as_uri(), path.as_uri().replace("C:", "c%3A")):
        assert PureWindowsPath(str(path_of(uri))) == path


def test_a_uri_does_not_follow_links(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert path_of(file_uri(tmp_path / "link" / "a.py")) == tmp_path / "link" / "a.py"


# Paths in prompts


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        pytest.param("file:///ws/src/main.py", "src/main.py", id="in a folder"),
        pytest.param("file:///ws/a%20b.py", "a b.py", id="with a space"),
        pytest.param("file:///ws/sub/lib/a.py", "lib/a.py", id="in the innermost of two folders"),
        pytest.param("file:///wsx/secret/a.py", "a.py", id="in a folder whose name begins alike"),
        pytest.param("file:///home/me/secret/a.py", "a.py", id="outside of every folder"),
        pytest.param("untitled:Untitled-1", "Untitled-1", id="not saved yet"),
        pytest.param("vscode-notebook-cell:/ws/a%20b.ipynb#W0", "a b.ipynb", id="a cell of a notebook"),
        pytest.param("jdt://contents/rt.jar/java.util/List.class?=x", "List.class", id="in an archive"),
        pytest.param("untitled:", "untitled", id="without a name"),
    ],
)
def test_relative_path(uri, path):
    workspace = Workspace([Path("/ws"), Path("/ws/sub")])
    assert workspace.relative_path(uri) == path
    assert workspace.open(uri, "python", 1, "").path == path


def test_without_folders_a_path_is_a_name():
    assert Workspace().relative_path("file:///home/me/secret/a.py") == "a.py"


@given(st.text())
@example("x://[")
@example("file://[/a.py")
@example("file:")
def test_any_text_will_do_for_a_uri(uri):
    """Whatever a client calls its documents, opening one is no fault."""
    workspace = Workspace([Path("/ws")])
    workspace.open(uri, "python", 1, "x")
    assert workspace.get(uri) is not None
    assert isinstance(workspace.neighbours("file:///ws/other.py"), list)


# Open documents


def test_open_and_close():
    workspace = Workspace()
    assert workspace.get("file:///a.py") is None
    document = workspace.open("file:///a.py", "python", 3, "x = 1\n")
    assert workspace.get("file:///a.py") is document
    assert (document.language_id, document.version, document.text) == ("python", 3, "x = 1\n")
    assert workspace.num_documents == 1
    workspace.close("file:///a.py")
    workspace.close("file:///a.py")
    assert workspace.get("file:///a.py") is None
    assert workspace.num_documents == 0


def test_opening_anew_replaces():
    workspace = Workspace()
    workspace.open("file:///a.py", "python", 1, "old")
    workspace.open("file:///a.py", "python", 1, "new")
    assert workspace.get("file:///a.py").text == "new"
    assert workspace.num_documents == 1


@pytest.fixture
def workspace() -> Workspace:
    found = Workspace([Path("/ws")])
    for uri in ("file:///ws/a.py", "file:///ws/lib/b.py", "file:///home/me/c.py", "untitled:Untitled-1"):
        found.open(uri, "python", 1, f"# {uri}\n")
    return found


def test_neighbours_are_the_others_in_the_folders(workspace):
    assert [each.path for each in workspace.neighbours("file:///ws/a.py")] == ["lib/b.py"]
    assert [each.path for each in workspace.neighbours("file:///home/me/c.py")] == ["a.py", "lib/b.py"]
    [neighbour] = workspace.neighbours("file:///ws/lib/b.py")
    assert (neighbour.language_id, neighbour.text) == ("python", "# file:///ws/a.py\n")


def test_without_folders_all_others_are_neighbours(workspace):
    workspace.roots = []
    assert len(workspace.neighbours("file:///ws/a.py")) == 3


def test_a_way_out_of_a_folder_is_outside(workspace):
    workspace.open("file:///ws/../home/me/d.py", "python", 1, "secret")
    assert [each.path for each in workspace.neighbours("file:///ws/a.py")] == ["lib/b.py"]


def test_neighbours_know_when_they_were_touched(workspace):
    def later() -> list[str]:
        neighbours = workspace.neighbours("untitled:Untitled-1")
        return [each.path for each in sorted(neighbours, key=lambda each: each.touched)]

    assert later() == ["a.py", "lib/b.py"]
    workspace.touch("file:///ws/a.py")
    assert later() == ["lib/b.py", "a.py"]


def test_closed_files_were_visited_and_have_no_text(workspace):
    workspace.get("file:///ws/lib/b.py").last_edited_line = 3
    for uri in ("file:///ws/lib/b.py", "file:///home/me/c.py", "untitled:Untitled-1"):
        workspace.close(uri)
    [visited] = workspace.neighbours("file:///ws/a.py")
    assert (visited.path, visited.text, visited.line, visited.is_open) == ("lib/b.py", "", 3, False)
    workspace.open("file:///ws/lib/b.py", "python", 1, "x = 1\n")
    [reopened] = workspace.neighbours("file:///ws/a.py")
    assert (reopened.text, reopened.is_open) == ("x = 1\n", True)


def test_only_the_files_visited_last_count(workspace):
    for number in range(2 * MAX_VISITED):
        workspace.open(f"file:///ws/{number}.py", "python", 1, "")
        workspace.close(f"file:///ws/{number}.py")
    found = [each.path for each in workspace.neighbours("file:///ws/a.py") if not each.is_open]
    assert found == [f"{number}.py" for number in range(MAX_VISITED, 2 * MAX_VISITED)]


def test_a_neighbour_knows_its_folder(workspace):
    workspace.roots.append(Path("/other"))
    workspace.open("file:///other/z.py", "python", 1, "x")
    assert {each.path: each.root for each in workspace.neighbours("file:///ws/a.py")} == {
        "lib/b.py": "/ws",
        "z.py": "/other",
    }


# Folders that come and go


def places(workspace: Workspace, uri: str = "file:///other.py") -> dict[str, str]:
    return {each.path: each.root for each in workspace.neighbours(uri)}


def test_documents_that_were_open_before_a_folder_came_are_in_it():
    workspace = Workspace()
    document = workspace.open("file:///ws/private/a.py", "python", 1, "x")
    assert (document.path, document.snapshot(0, 0).project) == ("a.py", "")
    workspace.roots = [Path("/ws")]
    snapshot = document.snapshot(0, 0)
    assert (document.path, snapshot.path, snapshot.project) == ("private/a.py", "private/a.py", "ws")
    assert snapshot.root == "/ws"
    assert places(workspace) == {"private/a.py": "/ws"}
    workspace.roots = [Path("/ws"), Path("/ws/private")]
    assert places(workspace) == {"a.py": "/ws/private"}
    assert document.snapshot(0, 0).project == "private"


def test_documents_that_stay_open_when_a_folder_goes_are_outside():
    workspace = Workspace([Path("/ws"), Path("/other")])
    document = workspace.open("file:///ws/lib/a.py", "python", 1, "x")
    workspace.roots = [Path("/other")]
    assert (document.path, document.snapshot(0, 0).project, document.snapshot(0, 0).root) == ("a.py", "", "")
    assert places(workspace) == {}


def test_closed_files_follow_the_folders_too():
    workspace = Workspace([Path("/ws")])
    workspace.open("file:///ws/private/a.py", "python", 1, "x")
    workspace.close("file:///ws/private/a.py")
    workspace.roots.append(Path("/ws/private"))
    assert places(workspace) == {"a.py": "/ws/private"}
    workspace.roots = [Path("/other")]
    assert places(workspace) == {}
    workspace.roots = []
    assert places(workspace) == {}


def test_a_cell_is_where_its_notebook_is():
    workspace = Workspace([Path("/ws")])
    cell = workspace.open("vscode-notebook-cell:/ws/private/a.ipynb#1", "python", 1, "x")
    workspace.open("vscode-notebook-cell:/ws/private/a.ipynb#2", "python", 1, "y")
    assert (cell.path, cell.snapshot(0, 0).root) == ("private/a.ipynb", "/ws")
    assert places(workspace, cell.uri) == {"private/a.ipynb": "/ws"}


# Links


def test_a_folder_is_the_same_by_another_name(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for root, through in (("real", "link"), ("link", "real"), ("link", "link")):
        workspace = Workspace([tmp_path / root])
        document = workspace.open(file_uri(tmp_path / through / "lib" / "a.py"), "python", 1, "x")
        assert (document.path, document.snapshot(0, 0).root) == ("lib/a.py", str(tmp_path / root))
        assert document.snapshot(0, 0).project == root


def test_a_link_is_the_file_that_it_leads_to(tmp_path):
    for folder in ("ws/private", "home"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "ws" / "a.py").symlink_to(tmp_path / "ws" / "private" / "a.py")
    (tmp_path / "ws" / "out.py").symlink_to(tmp_path / "home" / "b.py")
    (tmp_path / "home" / "in.py").symlink_to(tmp_path / "ws" / "c.py")
    workspace = Workspace([tmp_path / "ws"])
    for name in ("ws/a.py", "ws/out.py", "home/in.py"):
        workspace.open(file_uri(tmp_path / name), "python", 1, "x")
    assert places(workspace) == {"private/a.py": str(tmp_path / "ws"), "c.py": str(tmp_path / "ws")}
    assert workspace.relative_path(file_uri(tmp_path / "ws" / "out.py")) == "out.py"


def test_a_place_has_both_names(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    names = Workspace().place_of(file_uri(tmp_path / "link" / "a.py")).names
    assert names == (f"{tmp_path}/link/a.py", f"{tmp_path}/real/a.py")


# Files


def test_read_source_keeps_line_breaks(tmp_path):
    path = tmp_path / "a.py"
    path.write_bytes("größe\r\nb\rc\n".encode())
    assert read_source(path) == "größe\r\nb\rc\n"


def test_read_source_says_what_to_do(tmp_path):
    path = tmp_path / "a.py"
    with pytest.raises(SourceError, match=r"There is no file .*a\.py"):
        read_source(path)
    path.write_bytes(b"ab\xffc")
    with pytest.raises(SourceError, match=r"not UTF-8 \(byte 0xff at offset 2\)\. Convert it"):
        read_source(path)
    with pytest.raises(SourceError, match="cannot be read: Is a directory"):
        read_source(tmp_path)
    with pytest.raises(SourceError, match="cannot be read"):
        read_source(path / "b.py")


def test_read_source_is_bounded(tmp_path):
    path = tmp_path / "a.py"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(SourceError, match="larger than 32 MiB"):
        read_source(path)


def test_cells_of_one_notebook_are_neighbours_and_those_of_others_are_not():
    workspace = Workspace([Path("/ws")])
    for cell in ("a.ipynb#1", "a.ipynb#2", "b.ipynb#3", "a.ipynb#4"):
        workspace.open(f"vscode-notebook-cell:/ws/{cell}", "python", 1, f"cell = '{cell}'\n")
    workspace.open("file:///ws/lib.py", "python", 1, "x = 1\n")
    found = workspace.neighbours("vscode-notebook-cell:/ws/a.ipynb#2")
    assert [each.text for each in found] == ["cell = 'a.ipynb#1'\n", "cell = 'a.ipynb#4'\n", "x = 1\n"]
    assert len({each.line for each in found[:2]}) == 2
    assert [each.path for each in workspace.neighbours("file:///ws/lib.py")] == []


def test_a_frozen_document_has_its_place_in_the_present_folders():
    workspace = Workspace([])
    workspace.open("file:///p/src/a.py", "python", 1, "x")
    assert workspace.frozen("file:///p/src/b.py") is None
    frozen = workspace.frozen("file:///p/src/a.py")
    assert (frozen.path, frozen.place.project, frozen.root) == ("a.py", "", None)
    workspace.roots = [Path("/p")]
    frozen = workspace.frozen("file:///p/src/a.py")
    assert (frozen.path, frozen.place.project, frozen.root) == ("src/a.py", "p", Path("/p"))


def test_a_device_is_no_source():
    with pytest.raises(SourceError, match="no regular file"):
        read_source(Path("/dev/zero"))
