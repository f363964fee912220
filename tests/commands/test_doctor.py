"""`infill doctor`: a report that fits a bug report, and an exit status that a script can read."""

from __future__ import annotations

import re

import pytest

from lsp_server import __version__
from tests.gguf.embedded import EMBEDDED
from tests.gguf.patcher import with_metadata

FACTS = (
    *(f"infill {__version__}", "llama-cpp-python 0.3", "GPU: ", "physical", "MiB free of", "(embedded)", "tiny-fim"),
    *("threads", "layers on the GPU", "f16 cache", "flash attention", "can infill yes, deepseek format"),
)


def test_the_report_of_the_embedded_model(infill):
    found = infill("doctor")
    assert found.status == 0, found.out
    lines = " ".join(found.out.split())
    assert [fact for fact in FACTS if fact not in lines] == []
    memory = re.search(r"(\d+) MiB: weights (\d+) MiB, cache of \d+ tokens (\d+) MiB, working memory (\d+)", lines)
    needed, *parts = map(int, memory.groups())
    assert abs(needed - sum(parts)) <= 2
    assert " note " not in lines


def test_a_model_that_is_missing(infill):
    found = infill("doctor", "--model", "nowhere.gguf")
    assert found.status == 1
    assert "can infill no: " in " ".join(found.out.split())


@pytest.mark.parametrize("name", ["a[/b].gguf", "[red]a.gguf", "[/].gguf", "\\\\[bold].gguf"])
def test_names_with_square_brackets_are_printed_as_they_are(infill, project, name):
    assert f"{name}." in infill("doctor", "--model", f"./{name}").out
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(EMBEDDED.read_bytes())
    found = infill("doctor", "--model", f"./{name}")
    assert found.status == 0
    assert name in found.out


def test_settings_that_are_wrong_are_said(infill, project):
    (project / ".infill.toml").write_text("[completion]\nmax_tokns = 5\n", encoding="utf-8")
    found = infill("doctor")
    assert found.status == 0
    assert "max_tokns" in found.out
    assert "max_tokens" in found.out, "what was meant"


def test_what_was_set_is_what_it_runs_with(infill, trusted):
    (trusted / ".infill.toml").write_text("[engine]\nthreads = 1\ncontext_tokens = 512\n", encoding="utf-8")
    lines = " ".join(infill("doctor").out.split())
    assert "1 threads" in lines
    assert "512 tokens (trained: " in lines


def test_a_model_that_was_not_made_for_chat(infill):
    lines = " ".join(infill("doctor").out.split())
    assert "chat model the same" in lines
    assert "can chat no: it has no chat template. Set chat.model to an instruct model" in lines


@pytest.mark.parametrize("template", ["", "{{ messages[0]['content'] }}"])
def test_the_chat_model_is_loaded_and_its_template_looked_for(infill, trusted, template):
    arguments = ("--chat-template", template) if template else ()
    with_metadata(EMBEDDED, trusted / "chat.gguf", *arguments)
    (trusted / ".infill.toml").write_text('chat.model = "chat.gguf"\n', encoding="utf-8")
    found = infill("doctor")
    assert found.status == 0
    lines = "".join(found.out.split())
    assert f"chatmodel{trusted / 'chat.gguf'}canchat{'yes' if template else 'no'}" in lines


def test_a_chat_model_that_is_missing_keeps_nobody_from_completing(infill, trusted):
    (trusted / ".infill.toml").write_text('chat.model = "nowhere.gguf"\n', encoding="utf-8")
    found = infill("doctor")
    assert found.status == 0
    assert "can chat no: There is no" in " ".join(found.out.split())


def test_what_is_not_as_the_settings_want_it_is_said(infill, trusted):
    (trusted / ".infill.toml").write_text("[engine]\nthreads = 1\ncontext_tokens = 99999\n", encoding="utf-8")
    found = infill("doctor")
    assert found.status == 0
    assert "note engine.context_tokens is 99999, but this model was trained for" in " ".join(found.out.split())
