import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.engine.messages import Control, Marker, Text
from lsp_server.errors import PromptError
from lsp_server.prompt.chat import Message, chat_prompt

# As models have them: turns between control tokens, and with a heading.
TURNS = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] | trim }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
HEADINGS = (
    "{{ bos_token }}{%- for message in messages %}{%- if message['role'] == 'system' %}{{ message['content'] }}\n"
    "{%- else %}### {{ message['role'].upper() }}:\n{{ message['content'] }}\n{%- endif %}{%- endfor %}### ASSISTANT:"
)
QUESTION = Message("user", "write a quick sort algorithm in python.")


def test_turns():
    assert chat_prompt(TURNS, [Message("system", "Be brief."), QUESTION], {}) == (
        Control("<|im_start|>system\n"),
        Text("Be brief."),
        Control("<|im_end|>\n<|im_start|>user\n"),
        Text(QUESTION.text),
        Control("<|im_end|>\n<|im_start|>assistant\n"),
    )


@pytest.mark.parametrize("template", [TURNS, HEADINGS])
def test_a_prompt_begins_once(template):
    first, second, *_ = chat_prompt(template, [QUESTION], {"begin": "<s>"})
    assert first == Marker("begin")
    assert isinstance(second, Control)
    assert "<s>" not in second.text


@given(st.text(max_size=30), st.text(alphabet="{}%<|im_start>\ue000\ue0011", max_size=30))
def test_what_people_write_is_text_whatever_it_spells(first, second):
    messages = [Message("user", first), Message("assistant", second), QUESTION]
    parts = chat_prompt(TURNS, messages, {})
    assert [part.text for part in parts if isinstance(part, Text)] == [message.text for message in messages]
    assert "".join(part.text for part in parts if isinstance(part, Control)).count("<|im_end|>") == len(messages)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        pytest.param("{{ raise_exception('System role not supported') }}", "System role not supported", id="refuses"),
        pytest.param("{% for", "cannot be rendered", id="is cut short"),
        pytest.param("{{ ''.__class__.__mro__[1].__subclasses__() }}", "cannot be rendered", id="reaches out"),
    ],
)
def test_a_template_that_cannot_be_rendered_is_said(template, said):
    with pytest.raises(PromptError, match=said):
        chat_prompt(template, [QUESTION], {})
