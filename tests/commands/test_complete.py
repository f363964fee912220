"""`infill complete`: a completion in place, as an object, or explained; and a sentence for whatever cannot be."""

from __future__ import annotations

import io
import json
import re
import sys

import pytest

CODE = "def area(width, height):\n    return \n\n\narea(2, 3)\n"
TIMINGS = {
    *("queue_ms", "prompt_tokens", "reused_tokens", "prefill_ms", "first_token_ms"),
    *("decoded_tokens", "drafted_tokens", "accepted_tokens", "decode_ms", "total_ms"),
}


def test_the_completion_stands_in_its_place(infill, source):
    found = infill("complete", source(CODE) + ":2:12")
    assert found.status == 0
    marked = re.search(r"⟦(.+)⟧", found.out, re.DOTALL)
    assert marked, found.out
    assert found.out.replace(marked[0], "").rstrip() == CODE.rstrip()
    assert "main.py:2:" in found.err
    assert "ended by:" in found.err


def test_json_is_one_object(infill, source):
    found = infill("complete", source(CODE) + ":2:12", "--json")
    answer = json.loads(found.out)
    assert set(answer) == {"text", "range", "finish_reason", "model", "timings"}
    assert answer["range"] == {"start": {"line": 2, "column": 12}, "end": {"line": 2, "column": 12}}
    assert answer["model"] == "tiny-fim"
    assert answer["finish_reason"]
    assert set(answer["timings"]) == TIMINGS
    assert answer["timings"]["prompt_tokens"] > 10
    assert f"⟦{answer['text']}⟧" in infill("complete", source(CODE) + ":2:12").out


def test_explain_names_every_stage(infill, source):
    found = infill("complete", source(CODE) + ":2:12", "--explain")
    for stage in ("trigger", "recall", "model", "prompt", "engine", "filters", "timings", "shown"):
        assert re.search(rf"^{stage}\b", found.out, re.MULTILINE), stage
    assert "<｜fim▁begin｜>" in found.out
    assert "def area(width, height):" in found.out


def test_max_tokens_bounds_the_text(infill, source):
    answer = json.loads(infill("complete", source(CODE) + ":2:12", "--json", "--max-tokens", "2").out)
    assert answer["timings"]["decoded_tokens"] <= 2


@pytest.mark.parametrize(
    ("place", "start"),
    [("", (6, 1)), (":2", (2, 12)), (":5:6", (5, 6)), (":6:1", (6, 1))],
    ids=["end of the file", "end of the line", "a place", "behind the last line break"],
)
def test_places_count_from_one_and_default_to_an_end(infill, source, place, start):
    answer = json.loads(infill("complete", source(CODE) + place, "--json").out)
    assert answer["range"]["start"] == dict(zip(("line", "column"), start, strict=True))


@pytest.mark.parametrize(("place", "start"), [("-", (6, 1)), ("-:2", (2, 12)), ("-:2:12", (2, 12))])
def test_standard_input(infill, monkeypatch, place, start):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CODE.encode())))
    answer = json.loads(infill("complete", place, "--json", "--language", "python").out)
    assert answer["range"]["start"] == dict(zip(("line", "column"), start, strict=True))


def test_no_place_at_all(infill):
    assert "such as src/main.py:12:5" in infill("complete").sentence()


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("", ""),
        ("x = 1", ":1:6"),
        ("a\r\nb = \r\nc\r\n", ":2:5"),
        ("s = '😀é\U00010000'; t = ", ":1:15"),
        ("\ufeffx = \n", ":1:5"),
        ("x = 1\n" * 1_750_000, ":900000:6"),  # 10 MB
        ("<｜fim▁end｜><|EOT|> = ", ""),
    ],
    ids=["empty", "no line break", "CRLF", "astral", "byte order mark", "10 MB", "markers in the text"],
)
def test_whatever_the_file_holds_there_is_an_answer(infill, source, content, place):
    found = infill("complete", source(content) + place, "--json", "--max-tokens", "4")
    assert found.status == 0, found.err
    assert isinstance(json.loads(found.out)["text"], str)


def test_a_line_break_in_a_name(infill, source):
    name = source(CODE, "two\nlines.py")
    assert json.loads(infill("complete", f"{name}:2:12", "--json").out)["range"]["start"]["line"] == 2


@pytest.mark.parametrize(
    ("content", "place", "says"),
    [
        (CODE, ":99:1", "has 6 lines, so there is no line 99"),
        (CODE, ":2:99", "has 11 characters, so there is no column 99 (1 to 12)"),
        (CODE, ":0:1", "no line 0"),
        (CODE, ":1:0", "no column 0"),
        ("é".encode("latin-1"), ":1:1", "is not UTF-8"),
        (b"x" * (33 << 20), ":1:1", "larger than 32 MiB"),
    ],
    ids=["line", "column", "line 0", "column 0", "latin-1", "33 MB"],
)
def test_a_place_that_is_none(infill, source, content, place, says):
    name = source(content)
    sentence = infill("complete", name + place).sentence()
    assert name in sentence
    assert says in sentence


def test_a_file_that_is_not_there_and_a_folder(infill, project):
    assert "There is no file nowhere.py." in infill("complete", "nowhere.py:1:1").sentence()
    assert str(project) in infill("complete", f"{project}:1:1").sentence()


def test_standard_input_that_is_not_utf8(infill, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"caf\xe9 = 1")))
    assert "Standard input is not UTF-8. Convert it first." in infill("complete", "-").sentence()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "Set "),
        (b"PK\x03\x04 no model", "is not a GGUF file"),
        (b"GGUF" + bytes(2000), "ownload it again"),
    ],
    ids=["missing", "no GGUF", "cut short"],
)
def test_a_model_that_cannot_serve(infill, source, project, content, says):
    if content is not None:
        (project / "model.gguf").write_bytes(content)
    sentence = infill("complete", source(CODE) + ":2:12", "--model", "model.gguf").sentence()
    assert str(project / "model.gguf") in sentence
    assert says in sentence


def test_a_setting_that_is_wrong_is_said_and_does_not_stop(infill, source, project):
    (project / ".infill.toml").write_text("[completion]\nmax_tokens = 'many'\n", encoding="utf-8")
    found = infill("complete", source(CODE) + ":2:12", "--json")
    assert json.loads(found.out)["model"] == "tiny-fim"
    assert "completion.max_tokens" in found.err


def test_no_tokens_is_no_answer(infill, source):
    assert "--max-tokens must be at least 1" in infill("complete", source(CODE), "--max-tokens", "0").sentence()


# Other files


def prompt_of(explained: str) -> str:
    """The prompt of a trace."""
    [prompt] = re.findall(r"^prompt .*\n((?: +│.*\n)+)", explained, re.MULTILINE)
    return "\n".join(line.split("│ ", 1)[1] for line in prompt.splitlines())


def test_files_named_with_it_are_in_the_prompt_whole_and_before_it(infill, source):
    long = "".join(f"x{number} = {number}\n" for number in range(100))
    source(long, "utils.py")
    found = infill("complete", source(CODE), "--with", "utils.py", "--explain")
    assert f"# utils.py\n{long}" in prompt_of(found.out), "not an excerpt"
    assert prompt_of(found.out).index("# utils.py") < prompt_of(found.out).index("# main.py")
    assert found.err == ""


def test_several_files(infill, source):
    for name in ("a.py", "b.py", "c.py"):
        source(f"{name[0]} = 1\n", name)
    found = infill("complete", source(CODE), "--with", "a.py", "b.py", "--with", "c.py", "--explain")
    assert re.findall(r"# (\w+\.py)$", prompt_of(found.out), re.MULTILINE) == ["a.py", "b.py", "c.py", "main.py"]


def test_a_file_elsewhere_goes_by_its_name_alone(infill, source, project):
    (project / "here").mkdir()
    source("secret = 1\n", "utils.py")
    name = source(CODE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project / "here")
        found = infill("complete", f"../{name}", "--with", "../utils.py", "--explain")
    assert "# utils.py\nsecret = 1\n" in prompt_of(found.out)


def test_without_files_no_other_is_in_the_prompt(infill, source):
    source("x = 1\n", "utils.py")
    assert "utils.py" not in infill("complete", source(CODE), "--explain").out


def test_a_file_that_does_not_fit_is_said(infill, source):
    source("x = 1\n" * 3000, "utils.py")
    found = infill("complete", source(CODE), "--with", "utils.py", "--json")
    assert "utils.py does not fit" in found.err
    assert json.loads(found.out)["finish_reason"]


def test_the_file_itself_is_not_one_of_the_others(infill, source):
    name = source(CODE)
    assert prompt_of(infill("complete", name, "--with", name, "--explain").out).count("def area") == 1


def test_another_file_that_is_not_there(infill, source):
    assert "There is no file nowhere.py." in infill("complete", source(CODE), "--with", "nowhere.py").sentence()
