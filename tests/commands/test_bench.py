"""`infill bench typing` end to end: the real engine on the embedded model."""

import json
import re

import psutil
import pytest

from lsp_server.measure.busy import busy

SMALL = ("--before", "200", "--after", "100", "--letters", "12", "--pace", "20", "--pairs", "1", "--threads", "1")


def test_every_kind_of_edit(infill, project):
    found = infill("bench", "typing", *SMALL, "--json", "result.json")
    assert found.status == 0, found.err
    written = json.loads((project / "result.json").read_text(encoding="utf-8"))
    assert {"command", "machine", "model", "from_cold"} < set(written)
    rows = {row["name"]: row for row in written["rows"]}
    assert list(rows) == ["letter", "new line", "accept", "backspace", "undo", "jump", "bracket", "cold"]
    for name in rows:
        assert re.search(rf"^{name} +\d", found.out, re.MULTILINE), found.out
    assert rows["letter"]["evaluated_tokens"]["ours"]["median"] <= 3
    assert rows["cold"]["evaluated_tokens"]["ours"]["median"] > 200


def test_typing_through_files_at_a_pace(infill, project, source):
    name = source("def area(width, height):\n    return width * height\n\n\n" * 30, "source.py")
    options = ("--realistic", name, "--letters", "20", "--pace", "10", "--threads", "1", "--json", "result.json")
    assert infill("bench", "typing", *options).status == 0
    through = json.loads((project / "result.json").read_text(encoding="utf-8"))["through_files"]
    assert through["num_keys"] == {"ours": 20}
    assert 0 <= through["share_in_time"]["ours"] <= 1
    assert through["waits_ms"]["ours"]["median"] > 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--rows", "leter"), "There is no row 'leter'."),
        (("--json", "no/such/folder/r.json"), "There is no folder for"),
        (("--model", "nowhere.gguf"), "nowhere.gguf"),
    ],
)
def test_what_cannot_be_measured_is_a_sentence(infill, arguments, says):
    assert says in infill("bench", "typing", *arguments).sentence()


def test_figures_are_written_before_they_are_printed(infill, project, monkeypatch):
    """So a reader who closes the pipe, as `head` does, loses no samples."""

    def closed(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("lsp_server.commands.bench_typing.show", closed)
    options = ("--rows", "letter", *SMALL, "--json", "result.json")
    infill("bench", "typing", *options)
    assert json.loads((project / "result.json").read_text(encoding="utf-8"))["rows"]


def test_busy_programs_are_busy_and_end():
    before = {process.pid for process in psutil.Process().children()}
    with busy(2):
        started = [process for process in psutil.Process().children() if process.pid not in before]
        assert len(started) == 2
    assert not [process for process in started if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
