import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server import cli
from lsp_server.server import statistics
from lsp_server.server.statistics import Counters


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return statistics.file()


def counted(**fields) -> Counters:
    return Counters(**fields)


def test_servers_add_up(path):
    statistics.append(counted(shown=3, known=1), path)
    statistics.append(counted(shown=4, accepted=2, accepted_characters=30), path)
    sum_of_all = statistics.total(statistics.read(path))
    assert (sum_of_all.shown, sum_of_all.known, sum_of_all.accepted, sum_of_all.accepted_characters) == (7, 1, 2, 30)


def test_damaged_lines_are_left_out(path):
    statistics.append(counted(shown=3), path)
    with path.open("ab") as lines:
        lines.write(b"\xff{\n{}\n[]\n" + msgspec.json.encode(counted(shown=1)) + b"\n" + b'{"shown":')
    assert statistics.total(statistics.read(path)).shown == 4


def test_lines_of_before_there_was_a_count_are_read(path):
    statistics.append(counted(shown=3, accepted=2), path)
    line = msgspec.json.decode(path.read_bytes())
    for newer in ("accepted_parts", "rejected"):
        del line[newer]
    path.write_bytes(msgspec.json.encode(line) + b"\n")
    statistics.append(counted(shown=1, rejected=1), path)
    sum_of_all = statistics.total(statistics.read(path))
    assert (sum_of_all.shown, sum_of_all.accepted, sum_of_all.rejected) == (4, 2, 1)


def test_a_file_grown_too_large_loses_its_older_half(path, monkeypatch):
    monkeypatch.setattr(statistics, "MAX_BYTES", 1000)
    for number in range(40):
        statistics.append(counted(shown=number), path)
        assert path.stat().st_size < 1300
    assert statistics.read(path)[-1].shown == 39


def test_what_cannot_be_written_is_no_matter(tmp_path):
    (tmp_path / "file").write_text("")
    statistics.append(counted(shown=1), tmp_path / "file" / "statistics.jsonl")
    assert statistics.read(tmp_path / "file" / "statistics.jsonl") == []


@given(st.lists(st.floats(0, 10_000), min_size=1, max_size=30), st.floats(0.01, 1))
def test_so_many_came_within_the_time_that_is_said(times, share):
    counters = Counters()
    for ms in times:
        counters.add_time(ms)
    within = counters.time_within(share)
    assert sum(ms <= within for ms in times) >= share * len(times) - 1e-9


def test_the_command(path, capsys):
    assert cli.main(["stats"]) == 0
    assert "Nothing was counted yet" in capsys.readouterr().out
    counters = counted(shown=200, known=150, accepted=40, accepted_characters=1200, accepted_parts=7, rejected=3)
    counters.due_30_s, counters.kept_30_s = 1000, 900
    for ms in (3, 3, 40):
        counters.add_time(ms)
    statistics.append(counters, path)
    old = counted(shown=1_000_000)
    statistics.append(old, path)
    path.write_bytes(
        path.read_bytes().replace(f'"{old.day}","shown":1000000'.encode(), b'"2001-01-01","shown":1000000')
    )
    assert cli.main(["stats"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "200 texts, 75% of them without the model" in said
    assert "40, with 1,200 characters; 7 times a word or line" in said
    assert "rejected 3," in said
    assert "90% of the characters after 30 seconds, ? after 5 minutes" in said
    assert "half within 5 ms, 95% within 50 ms" in said
