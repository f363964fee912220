"""Templates that are programs: each is rendered in a process of its own, which has limits."""

from __future__ import annotations

import sys

import pytest
from msgspec.structs import replace

from lsp_server.base.errors import PromptError
from lsp_server.engine.compat import chat_forms
from lsp_server.engine.compat.chat_forms import COMMON_CHATS, chat_prompt_for, with_chat_forms
from lsp_server.ipc.requests import Control, Text
from lsp_server.prompt.chat import Message, prompt_for
from tests.builders import make_model

TURNS = "{% for message in messages %}<{{ message.role }}>{{ message.content }}{% endfor %}<assistant>"
QUESTION = Message("user", "write")
# Programs that would not end, or would take all memory.
ENDLESS = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}{{ messages[0].content }}"
IN_C = "{{ (10 ** (10 ** 8)) % 3 }}{{ messages[0].content }}"
LARGE = "{{ 'a' * 4000000000 }}{{ messages[0].content }}"
NESTED = "{{ " + "(" * 100_000 + ")" * 100_000 + " }}"


def model_with(template: str):
    return replace(make_model(markers={}), chat_template=template)


def test_a_model_has_the_forms_of_common_chats():
    model = with_chat_forms(model_with(TURNS))
    assert set(model.chat_forms) == set(COMMON_CHATS)
    assert model.chat_forms["su"] == ("<system>", "<user>", "<assistant>")
    assert prompt_for(model, [QUESTION]) == (Control("<user>"), Text("write"), Control("<assistant>"))
    assert model.notes == ()


def test_a_model_without_a_template_has_none():
    assert with_chat_forms(make_model()) == make_model()


def test_another_chat_is_rendered_when_it_is_asked():
    model = with_chat_forms(model_with(TURNS))
    turns = [QUESTION, QUESTION, Message("assistant", "a"), Message("assistant", "b")]
    controls = [part.text for part in chat_prompt_for(model, turns) if isinstance(part, Control)]
    assert controls == ["<user>", "<user>", "<assistant>", "<assistant>", "<assistant>"]


@pytest.mark.skipif(sys.platform == "win32", reason="processes are limited by resource.setrlimit")
@pytest.mark.parametrize("template", [ENDLESS, IN_C, LARGE, NESTED], ids=["endless", "in C", "large", "nested"])
def test_a_template_without_an_end_is_told_in_a_sentence(template):
    model = with_chat_forms(model_with(template))
    [note] = model.notes
    assert note.startswith("The model's chat template cannot be rendered: ")
    assert note.endswith("or another model.")
    with pytest.raises(PromptError, match="cannot be rendered"):
        chat_prompt_for(model, [QUESTION])


def test_a_template_that_is_only_slow_later_is_stopped_then(monkeypatch):
    monkeypatch.setattr(chat_forms, "_TIMEOUT_S", 1.5)
    slow = "{% if messages | length > 3 and messages[3].role == 'user' %}" + ENDLESS + "{% endif %}" + TURNS
    model = replace(model_with(slow), chat_forms={})
    with pytest.raises(PromptError, match="too much time or memory"):
        chat_prompt_for(model, [QUESTION] * 4)
