"""`infill chat` with the embedded model, which was given a chat template: what it says is nonsense."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.gguf.embedded import EMBEDDED
from tests.gguf.patcher import with_metadata

TEMPLATE = "{% for message in messages %}### {{ message['role'] }}\n{{ message['content'] }}\n{% endfor %}### answer\n"


@pytest.fixture
def instruct_model(tmp_path) -> Path:
    return with_metadata(EMBEDDED, tmp_path / "instruct.gguf", "--chat-template", TEMPLATE)


def test_an_answer_is_printed(infill, instruct_model):
    asked = ("chat", "def add(a, b):", "--model", str(instruct_model), "--max-tokens", "8")
    found = infill(*asked)
    assert found.status == 0, found.err
    assert found.out.strip()
    assert infill(*asked).out == found.out, "greedy unless told otherwise"
    drawn = {infill(*asked, "--temperature", "2", "--seed", str(seed)).out for seed in range(3)}
    assert len(drawn) > 1


def test_a_question_from_standard_input(infill, instruct_model, monkeypatch, tmp_path):
    question = tmp_path / "question.txt"
    question.write_text("def add(a, b):", encoding="utf-8")
    with question.open(encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert infill("chat", "-", "--model", str(instruct_model), "--max-tokens", "4").status == 0


def test_a_model_that_was_not_made_for_chat_is_said(infill):
    sentence = infill("chat", "hello").sentence()
    assert "deepseek-coder-1.3b-instruct" in sentence


def test_no_tokens_are_no_answer(infill):
    assert "--max-tokens" in infill("chat", "hello", "--max-tokens", "0").sentence()


def test_the_chat_model_of_the_settings_answers(infill, instruct_model, trusted):
    settings = f'[chat]\nmodel = "{instruct_model.name}"\nmax_tokens = 2\n'
    (trusted / ".infill.toml").write_text(settings, encoding="utf-8")
    short = infill("chat", "def add(a, b):")
    assert short.status == 0, short.err
    named = infill("chat", "def add(a, b):", "--model", str(instruct_model), "--max-tokens", "8")
    assert named.out.startswith(short.out.rstrip("\n"))
    assert len(named.out) > len(short.out), "the command line has the last word"


def test_the_completion_model_answers_where_no_other_is_set(infill, instruct_model, trusted):
    (trusted / ".infill.toml").write_text(f'model = "{instruct_model.name}"\n', encoding="utf-8")
    assert infill("chat", "def add(a, b):", "--max-tokens", "2").status == 0


def test_a_chat_model_need_not_be_able_to_infill(infill, instruct_model, source):
    texts = ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>")
    content = instruct_model.read_bytes()
    for text in texts:
        content = content.replace(text.encode(), text.replace("fim", "xyz").encode())
    instruct_model.write_bytes(content)
    assert infill("chat", "def add(a, b):", "--model", str(instruct_model), "--max-tokens", "2").status == 0
    refused = infill("complete", source("x = \n"), "--model", str(instruct_model)).sentence()
    assert "cannot complete code" in refused


def test_a_model_known_to_chat_only_is_looked_for(infill, source, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    name = "deepseek-coder-7b-instruct-v1.5"
    assert f"infill models pull {name}" in infill("chat", "hello", "--model", name).sentence()
    assert "cannot complete code" in infill("complete", source("x = \n"), "--model", name).sentence()
