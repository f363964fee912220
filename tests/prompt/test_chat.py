import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lsp_server.base.errors import ModelError, PromptError
from lsp_server.ipc.requests import Control, Marker, Text
from lsp_server.prompt.chat import Message, chat_prompt, prompt_for
from lsp_server.prompt.chat_template import render
from tests.builders import make_model
from tests.gguf.llama_cpp_source import vocabularies

# As models have them: turns between control tokens, and with a heading.
TURNS = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] | trim }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
HEADINGS = (
    "{{ bos_token }}{%- for message in messages %}{%- if message['role'] == 'system' %}{{ message['content'] }}\n"
    "{%- else %}### {{ message['role'].upper() }}:\n{{ message['content'] }}\n{%- endif %}{%- endfor %}### ASSISTANT:"
)
# The layout of DeepSeek-Coder's, with its white-space control; the words of its own first line are others.
DEEPSEEK = (
    "{% set ns = namespace(found=false) %}\n"
    "{%- for message in messages %}{% if message['role'] == 'system' %}{% set ns.found = true %}{% endif %}{% endfor %}"
    "{{ bos_token }}\n"
    "{%- if not ns.found -%}\n{{ 'You answer questions about code.\\n' }}\n{%- endif %}\n"
    "{%- for message in messages %}\n"
    "    {%- if message['role'] == 'system' %}\n{{ message['content'] }}\n"
    "    {%- elif message['role'] == 'user' %}\n{{ '### Instruction:\\n' + message['content'] + '\\n' }}\n"
    "    {%- else %}\n{{ '### Response:\\n' + message['content'] + '\\n<|EOT|>\\n' }}\n"
    "    {%- endif %}\n"
    "{%- endfor %}\n"
    "{% if add_generation_prompt %}\n{{ '### Response:' }}\n{% endif %}"
)
# Templates of llama.cpp that want functions, take no system message, or move it behind older turns.
REFUSED = {
    *(f"fireworks-ai-llama-3-firefunction-v2 {roles}" for roles in ("u", "su", "uau", "suau")),
    *(f"google-gemma-2-2b-it {roles}" for roles in ("su", "suau")),
    "mistralai-Mistral-Nemo-Instruct-2407 suau",
}
QUESTION = Message("user", "write a quick sort algorithm in python.")


def test_turns():
    assert chat_prompt(TURNS, [Message("system", "Be brief."), QUESTION], {}) == (
        Control("<|im_start|>system\n"),
        Text("Be brief."),
        Control("<|im_end|>\n<|im_start|>user\n"),
        Text(QUESTION.text),
        Control("<|im_end|>\n<|im_start|>assistant\n"),
    )


def test_deepseek_coder():
    assert chat_prompt(DEEPSEEK, [QUESTION], {"begin": "<B>"}) == (
        Marker("begin"),
        Control("You answer questions about code.\n### Instruction:\n"),
        Text(QUESTION.text),
        Control("\n### Response:\n"),
    )
    turns = [QUESTION, Message("assistant", "def sort(): ..."), Message("user", "And in C?")]
    rendered = "".join(part.text for part in chat_prompt(DEEPSEEK, turns, {"begin": "<B>"})[1:])
    assert rendered == (
        "You answer questions about code.\n"
        f"### Instruction:\n{QUESTION.text}\n### Response:\ndef sort(): ...\n<|EOT|>\n"
        "### Instruction:\nAnd in C?\n### Response:\n"
    )


def test_a_model_without_a_template_is_refused_with_what_to_use():
    with pytest.raises(ModelError, match=r"no chat template.* instruct model, such as .* set chat\.model"):
        prompt_for(make_model(), [QUESTION])


def test_a_model_with_a_template_is_asked_in_its_words():
    form = render(HEADINGS, "u", make_model().markers["begin"])
    model = replace(make_model(), chat_template=HEADINGS, chat_forms={"u": form, "su": "It takes no system message."})
    assert prompt_for(model, [QUESTION]) == chat_prompt(HEADINGS, [QUESTION], model.markers)


@pytest.mark.parametrize(
    ("roles", "said"), [("su", "It takes no system message"), ("au", "has not rendered the model's chat template")]
)
def test_a_chat_that_a_template_has_no_form_for_is_refused(roles, said):
    model = replace(make_model(), chat_template=HEADINGS, chat_forms={"su": "It takes no system message."})
    messages = [Message({"s": "system", "u": "user", "a": "assistant"}[role], "x") for role in roles]
    with pytest.raises(PromptError, match=said):
        prompt_for(model, messages)


def test_a_template_that_ends_turns_by_the_end_of_text_has_it():
    template = "{% for message in messages %}{{ message.content }}{{ eos_token }}{% endfor %}"
    parts = chat_prompt(template, [QUESTION], {}, "</s>")
    assert parts == (Text(QUESTION.text), Control("</s>"))


def test_templates_may_break_their_loops():
    template = "{% for message in messages %}{{ message['content'] }}{% break %}{% endfor %}"
    assert chat_prompt(template, [QUESTION], {}) == (Text(QUESTION.text),)


@pytest.mark.parametrize("template", [TURNS, HEADINGS, DEEPSEEK])
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
        pytest.param("{{ 1 + 'a' }}", "unsupported operand", id="adds a text to a number"),
        pytest.param("{{ 1 // 0 }}", "division", id="divides by zero"),
        pytest.param("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "recursion", id="calls itself"),
        pytest.param("{{ undefined.field }}", "undefined", id="wants what there is not"),
        pytest.param("{{ 'x' * 2000000 }}{{ messages[0].content }}", "writes too much", id="writes much"),
        pytest.param("{{ messages | length }}", "loses, repeats or reorders", id="loses the question"),
        pytest.param("{{ messages[0].content[:2] }}", "loses", id="cuts the question"),
        pytest.param("{{ messages[0].content * 2 }}", "loses", id="repeats the question"),
        pytest.param("{{ messages | tojson(ensure_ascii=True) }}", "loses", id="escapes the question"),
        pytest.param("{{ raise_exception('a\nb\n\nc') }}", "rendered: a b c. Use", id="says it in lines"),
    ],
)
def test_a_template_that_cannot_be_rendered_is_said(template, said):
    with pytest.raises(PromptError, match=said):
        chat_prompt(template, [QUESTION], {})


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        pytest.param("{{ messages | tojson }}", ('[{"role": "user", "content": "', '"}]'), id="tojson keeps letters"),
        pytest.param(
            "{{ {'é': '<'} | tojson }}{{ messages[0].content }}", ('{"é": "<"}', ""), id="and escapes no HTML"
        ),
        pytest.param("{{ strftime_now('%') }}{{ messages[0].content }}", ("%", ""), id="a time"),
        pytest.param(
            "{% generation %}a{% endgeneration %}{{ messages[0].content }}b", ("a", "b"), id="a part that is learned"
        ),
        pytest.param(
            "{% for part in messages[0].content if part.type == 'text' %}{{ part.text }}{% endfor %}.",
            ("", "."),
            id="content in parts",
        ),
        pytest.param("{% if not tools %}{{ messages[0].content }}{% endif %}", ("", ""), id="no tools"),
    ],
)
def test_a_template_has_what_transformers_gives_it(template, expected):
    assert render(template, "u") == expected


def test_turns_out_of_order_are_refused():
    with pytest.raises(PromptError, match="reorders"):
        render("{{ messages[1].content }}{{ messages[0].content }}", "uu")


def test_every_template_of_llama_cpp_is_rendered_or_refused_in_a_sentence(request):
    folder = vocabularies(request.config.cache.mkdir("sources")) / "templates"
    refused = set()
    for path in sorted(folder.glob("*.jinja")):
        for roles in ("u", "su", "uau", "suau"):
            try:
                form = render(path.read_text(encoding="utf-8"), roles, "<s>", "</s>")
            except PromptError:
                refused.add(f"{path.stem} {roles}")
            else:
                assert len(form) == len(roles) + 1
    assert refused == REFUSED
