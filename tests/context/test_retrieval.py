"""What may reach a prompt from the workspace: never an ignored file, a secret, or a file of elsewhere."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsp_server.context.gate import Gate
from lsp_server.context.ranking import choose, rank
from lsp_server.context.retrieval import Retrieval
from lsp_server.index.build import Builder
from lsp_server.index.database import database_path, remove_database
from lsp_server.text.excerpts import Neighbour
from lsp_server.text.workspace import Workspace
from tests.builders import snapshot_at
from tests.text.test_secrets import SECRET_NAMES

MARK = "wanted_everywhere"
SOURCE = f"def {MARK}(): ...\n\n\nclass Wanted:\n    def {MARK}_member(self): ...\n"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def write(root: Path, path: str, text: str = SOURCE) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


def index(root: Path) -> None:
    builder = Builder(root)
    builder.scan()
    builder.close()


def blocks_at(root: Path, neighbours=(), *, uses_index: bool = True, path: str = "main.py"):
    """The blocks of a prompt that wants what every file of these tests defines."""
    text = f"import secret, open\n\n\ndef main(wanted: Wanted):\n    {MARK}()\n    wanted.‸\n"
    snapshot = replace(snapshot_at(text, path=path), uri=(root / path).as_uri(), root=str(root))
    retrieval = Retrieval(lambda: uses_index)
    neighbours = [each if each.root else replace(each, root=str(root)) for each in neighbours]
    try:
        gathered = asyncio.run(retrieval.gather(snapshot, neighbours))
    finally:
        retrieval.close()
    return rank(snapshot, gathered, 4000), gathered


def neighbour(path: str, text: str = SOURCE) -> Neighbour:
    return Neighbour(path, "python", text, 1, is_edited=True)


def visited(path: str, line: int = 0) -> Neighbour:
    return replace(neighbour(path, ""), line=line, is_open=False)


def test_what_the_folder_has_reaches_the_prompt(tmp_path):
    write(tmp_path / "p", "lib/open.py")
    index(tmp_path / "p")
    blocks, _ = blocks_at(tmp_path / "p")
    assert [block.path for block in blocks] == ["lib/open.py"]


FOLDERS = st.lists(st.sampled_from(["src", "a b", "größe", "deep"]), max_size=3)
HIDDEN = st.one_of(
    st.sampled_from(SECRET_NAMES),
    st.sampled_from(["ignored.py", "out/x.py", "node_modules/m/i.js", ".venv/lib/x.py", "private/x.py"]),
)


@settings(max_examples=40)
@given(st.lists(st.tuples(FOLDERS, HIDDEN), min_size=1, max_size=3), st.booleans())
def test_hidden_files_never_reach_a_prompt(tmp_path_factory, hidden, uses_index):
    root = tmp_path_factory.mktemp("hidden")
    write(root, ".gitignore", "ignored.py\nout/\n")
    write(root, ".infillignore", "private/\n")
    write(root, "open.py")
    paths = ["/".join([*folders, name]) for folders, name in hidden]
    for path in paths:
        write(root, path)
    index(root)
    neighbours = [make(path) for path in paths for make in (neighbour, visited)]
    blocks, gathered = blocks_at(root, neighbours, uses_index=uses_index)
    assert {each.path for each in gathered.candidates} <= {"open.py"}
    assert {block.path for block in blocks} <= {"open.py"}
    database_path(root).unlink()


def test_open_documents_with_a_secret_in_them_stay_out(tmp_path):
    write(tmp_path / "p", "a.py")
    key = "-----BEGIN RSA PRIVATE KEY-----\nabc\n"
    _, gathered = blocks_at(tmp_path / "p", [neighbour("b.py", f"{SOURCE}{key}"), neighbour("c.py")])
    assert {each.path for each in gathered.candidates} == {"c.py"}


@pytest.mark.parametrize("is_saved", [False, True])
def test_a_secret_far_from_the_excerpt_counts_too(tmp_path, is_saved):
    workspace = Workspace([tmp_path])
    for name, secret in (("b.py", "DB_PASSWORD=hunter2\n"), ("c.py", "")):
        workspace.open(
            (tmp_path / name).as_uri(), "python", 1, SOURCE + "# filler\n" * 400 + secret
        ).is_saved = is_saved
    assert open_paths(workspace, tmp_path / "a.py") == {"c.py"}


@pytest.mark.parametrize("root", ["elsewhere", ".kube", "", None])
def test_files_of_secret_folders_stay_out_wherever_the_workspace_is(tmp_path, root):
    workspace = Workspace([] if root is None else [tmp_path / root])
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / ".docker").symlink_to(tmp_path / "data")
    for name in (".kube/config", ".docker/config.json", "elsewhere/.ssh/config", "elsewhere/b.yaml"):
        workspace.open((tmp_path / name).as_uri(), "yaml", 1, SOURCE)
    expected = {None: {"b.yaml"}, "": {"elsewhere/b.yaml"}, "elsewhere": {"b.yaml"}, ".kube": set()}
    assert open_paths(workspace, tmp_path / "a.yaml") == expected[root]


def open_paths(workspace, path):
    """The documents that a prompt of another document may show, which defines nothing."""
    snapshot = workspace.open(path.as_uri(), "yaml", 1, "x = 1\n").snapshot(0, 0)
    retrieval = Retrieval(lambda: False)
    gathered = asyncio.run(retrieval.gather(snapshot, workspace.neighbours(snapshot.uri)))
    retrieval.close()
    return {each.path for each in gathered.candidates}


def test_a_document_of_another_folder_is_ignored_by_that_folder(tmp_path):
    write(tmp_path / "p", ".gitignore", "mine.py\n")
    write(tmp_path / "q", ".gitignore", "theirs.py\n")
    others = [replace(neighbour(path), root=str(tmp_path / "q")) for path in ("theirs.py", "mine.py")]
    _, gathered = blocks_at(tmp_path / "p", others)
    assert {each.path for each in gathered.candidates} == {"mine.py"}


@pytest.mark.parametrize("name", [".gitignore", ".infillignore", ".git/info/exclude", "../.gitignore"])
@pytest.mark.parametrize("is_there", ["in the index", "open", "closed"])
def test_an_ignore_rule_counts_as_soon_as_it_is_saved(tmp_path, name, is_there):
    root = tmp_path / "p"
    write(tmp_path, ".git/HEAD", "ref: refs/heads/main\n")
    write(root, "secret.py")
    write(root, "open.py")
    if is_there == "in the index":
        index(root)
    others = {"open": [neighbour("secret.py")], "closed": [visited("secret.py")]}.get(is_there, [])
    blocks, _ = blocks_at(root, others)
    assert "secret.py" in {each.path for each in blocks}
    write(root if name != ".git/info/exclude" else tmp_path, name, "secret.py\n")
    blocks, _ = blocks_at(root, others)
    assert "secret.py" not in {each.path for each in blocks}


@pytest.mark.parametrize("uses_index", [True, False])
@pytest.mark.parametrize("hides", ["ignored", "deleted", "secret"])
def test_blocks_of_an_earlier_prompt_stay_only_while_they_may_be_shown(tmp_path, hides, uses_index):
    for path in ("open.py", "secret.py"):
        write(tmp_path, path)
    index(tmp_path)
    open_ones = [neighbour("open.py"), neighbour("secret.py")]
    before, gathered = blocks_at(tmp_path, open_ones, uses_index=uses_index)
    assert {each.path for each in before} == {"open.py", "secret.py"}
    assert all(map(gathered.admits, before))
    if hides == "ignored":
        (tmp_path / ".infillignore").write_text("secret.py\n", encoding="utf-8")
    elif hides == "deleted":
        (tmp_path / "secret.py").unlink()
        open_ones.pop()
        index(tmp_path)
    else:
        text = SOURCE + "TOKEN = 'ghp_" + "a1B2" * 9 + "'\n"
        open_ones[1] = neighbour("secret.py", text)
        write(tmp_path, "secret.py", text)
        index(tmp_path)
    _, gathered = blocks_at(tmp_path, open_ones, uses_index=uses_index)
    assert "secret.py" not in {each.path for each in choose(gathered, 4000, before)}


def test_one_gate_follows_ignore_rules_that_come_and_go(tmp_path):
    gate = Gate()
    write(tmp_path, "a.py")
    one = replace(neighbour("a.py"), root=str(tmp_path))
    for rule, expected in (("", [one]), ("a.py\n", []), ("#\n", [one])):
        write(tmp_path, ".gitignore", rule)
        assert gate.admit([one]) == expected


def test_without_a_workspace_folder_the_rules_of_the_file_s_own_folder_count(tmp_path):
    write(tmp_path, ".git/HEAD", "ref: refs/heads/main\n")
    write(tmp_path, ".gitignore", "private/\n*.gen.py\n")
    workspace = Workspace()
    for path in ("private/a.py", "lib/b.gen.py", "lib/c.py"):
        write(tmp_path, path)
        workspace.open((tmp_path / path).as_uri(), "python", 1, SOURCE)
    assert open_paths(workspace, tmp_path / "x.py") == {"c.py"}


def test_rules_are_asked_about_the_file_s_own_name(tmp_path):
    """A prompt shows a question mark for what cannot be printed."""
    name = "a\u202eb.py"
    write(tmp_path, ".gitignore", f"{name}\n")
    write(tmp_path, name)
    workspace = Workspace([tmp_path])
    workspace.open((tmp_path / name).as_uri(), "python", 1, SOURCE)
    assert open_paths(workspace, tmp_path / "x.py") == set()


@pytest.mark.parametrize("leads", ["inside", "outside", "to an ignored file"])
def test_a_document_opened_by_a_link_counts_as_what_it_leads_to(tmp_path, leads):
    root = tmp_path / "p"
    write(root, ".gitignore", "ignored.py\n")
    for path in ("p/lib/a.py", "elsewhere/a.py", "p/ignored.py"):
        write(tmp_path, path)
    target = {"inside": "p/lib/a.py", "outside": "elsewhere/a.py", "to an ignored file": "p/ignored.py"}[leads]
    (root / "link.py").symlink_to(tmp_path / target)
    workspace = Workspace([root])
    workspace.open((root / "link.py").as_uri(), "python", 1, SOURCE)
    assert open_paths(workspace, root / "x.py") == ({"lib/a.py"} if leads == "inside" else set())


@pytest.mark.parametrize("closes", [False, True])
def test_what_a_folder_ignores_stays_out_also_if_it_was_open_before(tmp_path, closes):
    root = tmp_path / "p"
    write(root, ".infillignore", "private/\n")
    workspace = Workspace()
    for path in ("private/a.py", "lib/c.py"):
        write(root, path)
        workspace.open((root / path).as_uri(), "python", 1, SOURCE)
    workspace.open((root / "b.py").as_uri(), "python", 1, "x = 1\n")
    if closes:
        workspace.roots = [root / "private"]
        workspace.close((root / "private" / "a.py").as_uri())
    workspace.roots = [root]
    retrieval = Retrieval(lambda: False)
    snapshot = workspace.get((root / "b.py").as_uri()).snapshot(0, 0)
    gathered = asyncio.run(retrieval.gather(snapshot, workspace.neighbours(snapshot.uri)))
    retrieval.close()
    assert {each.path for each in gathered.candidates} == {"lib/c.py"}


def test_visited_files_are_read_as_they_are_now(tmp_path):
    root = tmp_path / "p"
    lines = [f"line_{number} = {'x' * 60}" for number in range(200)]
    write(root, "long.py", "\n".join(lines))
    write(root, "key.py", "key = '''-----BEGIN PRIVATE KEY-----'''\n")
    _, gathered = blocks_at(root, [visited("long.py", 100), visited("key.py"), visited("gone.py")])
    [found] = gathered.candidates
    assert (found.path, found.source) == ("long.py", "recent edits")
    assert lines[found.line : found.line + 3] == found.text.split("\n")[:3]
    assert lines[100] in found.text


def test_visited_files_that_change_are_read_again(tmp_path):
    root = tmp_path / "p"
    write(root, "a.py", "old_value = 1\n")
    snapshot = replace(snapshot_at("x = ‸\n"), uri=(root / "main.py").as_uri(), root=str(root))
    retrieval = Retrieval(lambda: True)

    async def twice():
        neighbours = [replace(visited("a.py"), root=str(root))]
        first = await retrieval.gather(snapshot, neighbours)
        write(root, "a.py", "new_value = 12\n")
        return first, await retrieval.gather(snapshot, neighbours)

    assert [each.candidates[0].text for each in asyncio.run(twice())] == ["old_value = 1", "new_value = 12"]
    retrieval.close()


@pytest.mark.parametrize("num_fillers", [0, 4000])
def test_what_is_not_saved_counts_in_large_documents_too(tmp_path, num_fillers):
    root = tmp_path / "p"
    filler = "# A comment.\n" * num_fillers
    write(root, "lib.py", f"{filler}def old_name(): ...\n")
    index(root)
    whole = f"{filler}def new_name(): ...\n"
    unsaved = Neighbour("lib.py", "python", "x = 1\n", 1, whole=lambda: whole, root=str(root))
    snapshot = replace(snapshot_at("import lib\n\nx = ‸\n"), uri=(root / "main.py").as_uri(), root=str(root))
    retrieval = Retrieval(lambda: True)
    texts = [each.text for each in asyncio.run(retrieval.gather(snapshot, [unsaved])).candidates]
    retrieval.close()
    assert "def new_name(): ..." in texts
    assert "def old_name(): ..." not in texts


def test_a_file_that_becomes_secret_leaves(tmp_path):
    root = tmp_path / "p"
    write(root, "a.py")
    index(root)
    write(root, "a.py", SOURCE + "key = '''-----BEGIN PRIVATE KEY-----'''\n")
    index(root)
    assert blocks_at(root)[0] == ()


def test_links_out_of_the_folder_lead_nowhere(tmp_path):
    root = tmp_path / "p"
    write(tmp_path, "elsewhere/x.py")
    write(root, "a.txt", "nothing")
    (root / "link").symlink_to(tmp_path / "elsewhere")
    index(root)
    blocks, _ = blocks_at(root, [neighbour("link/x.py")])
    assert blocks == ()


def test_a_document_outside_of_every_folder_sees_no_index(tmp_path):
    write(tmp_path / "p", "lib/open.py")
    index(tmp_path / "p")
    text = f"def main(wanted: Wanted):\n    {MARK}()\n    ‸\n"
    snapshot = replace(snapshot_at(text), uri=(tmp_path / "other.py").as_uri())
    retrieval = Retrieval(lambda: True)
    assert asyncio.run(retrieval.gather(snapshot, ())).candidates == ()
    retrieval.close()


def test_without_an_index_open_documents_serve(tmp_path):
    write(tmp_path / "p", "a.py")
    _, gathered = blocks_at(tmp_path / "p", [neighbour("a.py")])
    assert [each.source for each in gathered.candidates] == ["recent edits"]
    assert any("not there yet" in note for note in gathered.notes)


def test_an_index_that_is_deleted_meanwhile_is_let_go(tmp_path):
    root = tmp_path / "p"
    write(root, "lib/open.py")
    index(root)
    retrieval = Retrieval(lambda: True)
    snapshot = replace(snapshot_at(f"{MARK}()\n‸\n"), uri=(root / "main.py").as_uri(), root=str(root))

    async def twice():
        first = await retrieval.gather(snapshot, ())
        database_path(root).unlink()
        return first, await retrieval.gather(snapshot, ())

    first, second = asyncio.run(twice())
    assert first.candidates
    assert second.candidates == ()
    retrieval.close()


def test_an_index_that_is_made_anew_is_opened_anew(tmp_path):
    root = tmp_path / "p"
    write(root, "lib/open.py")
    index(root)
    retrieval = Retrieval(lambda: True)
    snapshot = replace(snapshot_at(f"{MARK}()\n‸\n"), uri=(root / "main.py").as_uri(), root=str(root))

    async def twice():
        await retrieval.gather(snapshot, ())
        write(root, "lib/new.py")
        (root / "lib" / "open.py").unlink()
        kept = database_path(root).with_suffix(".kept")
        database_path(root).rename(kept)  # so that its number is not given to the next file
        remove_database(database_path(root))
        index(root)
        return await retrieval.gather(snapshot, ())

    assert {each.path for each in asyncio.run(twice()).candidates} == {"lib/new.py"}
    retrieval.close()


def test_what_goes_wrong_leaves_completions_without_context(tmp_path, monkeypatch):
    def fail(*_):
        raise RecursionError

    monkeypatch.setattr("lsp_server.context.retrieval.recent_files", fail)
    blocks, gathered = blocks_at(tmp_path / "p", [neighbour("a.py")])
    assert blocks == ()
    assert gathered.notes == ("failed: RecursionError",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_excerpts_are_read_whatever_the_encoding_and_the_ends_of_lines(tmp_path, encoding, line_break):
    root = tmp_path / "p"
    write(root, "a.py")
    text = "# Größe\n" * 30 + "def f(net_amount, vat_rate):\n    return net_amount * vat_rate  # ÿ\n"
    (root / "a.py").write_bytes(text.replace("\n", line_break).encode(encoding))
    assert "    return net_amount * vat_rate  # ÿ" in similar_lines(root)


@pytest.mark.parametrize(("before", "is_found"), [("# as it was\n", True), ("# moved\n\n", False)])
def test_an_excerpt_is_what_was_indexed_or_nothing(tmp_path, before, is_found):
    def change():
        write(root, "a.py", before + chunk + "# another end\n" * 30)

    root = tmp_path / "p"
    chunk = "def f(net_amount, vat_rate):\n    return net_amount * vat_rate\n" + "\n" * 20
    write(root, "a.py", "# as it was\n" + chunk + "# the end\n" * 30)
    assert ("    return net_amount * vat_rate" in similar_lines(root, change)) is is_found


def similar_lines(root, before_asking=lambda: None):
    """The lines that are similar to a function on net amounts and VAT."""
    index(root)
    before_asking()
    snapshot = replace(
        snapshot_at("def g(net_amount, vat_rate):\n    ‸\n"), uri=(root / "main.py").as_uri(), root=str(root)
    )
    retrieval = Retrieval(lambda: True)
    gathered = asyncio.run(retrieval.gather(snapshot, ()))
    retrieval.close()
    return {line for each in gathered.candidates if each.source == "similar" for line in each.text.split("\n")}


def test_a_cell_that_was_moved_or_deleted_leaves():
    cells = [
        Neighbour("n.ipynb", "python", text, 1, line=at, whole=lambda text=text: text)
        for at, text in ((0, "alpha = 1\n"), (100_000, "beta = 2\n"))
    ]
    snapshot = snapshot_at("x = ‸\n", path="n.ipynb")

    async def gathered_with(*neighbours):
        retrieval = Retrieval(lambda: False)
        try:
            return await retrieval.gather(snapshot, neighbours)
        finally:
            retrieval.close()

    (before,) = choose(asyncio.run(gathered_with(*cells)), 4000)
    assert "beta = 2" in before.text
    (after,) = choose(asyncio.run(gathered_with(cells[0])), 4000, (before,))
    assert "beta = 2" not in after.text


def test_other_cells_of_a_notebook_are_one_block_in_their_order(tmp_path):
    uris = [f"vscode-notebook-cell:{tmp_path}/p/a.ipynb#{number}" for number in range(3)]
    workspace = Workspace([tmp_path / "p"])
    for number, uri in enumerate(uris):
        workspace.open(uri, "python", 1, f"first_{number} = 1\nsecond_{number} = 2\n")
    snapshot = workspace.get(uris[2]).snapshot(0, 0)
    retrieval = Retrieval(lambda: True)
    gathered = asyncio.run(retrieval.gather(snapshot, workspace.neighbours(uris[2])))
    retrieval.close()
    (block,) = rank(snapshot, gathered, 500)
    assert block.path == "a.ipynb"
    assert block.text.rstrip() == "first_0 = 1\nsecond_0 = 2\nfirst_1 = 1\nsecond_1 = 2"
