"""`infill chat` with the embedded model, which was given a chat template: what it says is nonsense."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from gguf.scripts import gguf_new_metadata

from lsp_server.catalog.resolve import embedded_model

TEMPLATE = "{% for message in messages %}### {{ message['role'] }}\n{{ message['content'] }}\n{% endfor %}### answer\n"


@pytest.fixture
def instruct_model(tmp_path, monkeypatch) -> Path:
    model = tmp_path / "instruct.gguf"
    arguments = ["--chat-template", TEMPLATE, "--force", str(embedded_model()), str(model)]
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", ["gguf_new_metadata", *arguments])
        gguf_new_metadata.main()
    return model


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
