"""`/v1/…` with a real model over real HTTP."""

import json

import pytest

from tests.gguf.embedded import EMBEDDED
from tests.services import launched
from tests.waiting import wait_until

PROMPT, SUFFIX = "def add(a, b):\n    return ", "\n\n\nprint(add(1, 2))\n"
GREEDY = {"temperature": 0.0}
TURNS = [{"role": "user", "content": "def add(a, b):\n    return "}]


def test_it_completes(real):
    answer = real.post("/v1/completions", prompt=PROMPT, max_tokens=8, **GREEDY)
    [choice] = answer["choices"]
    assert answer["object"] == "text_completion"
    assert choice["text"]
    assert choice["finish_reason"] in ("stop", "length")
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert 0 < usage["completion_tokens"] <= 8


def test_with_a_suffix_it_fills_the_hole_as_infill_does(real):
    answer = real.post("/v1/completions", prompt=PROMPT, suffix=SUFFIX, max_tokens=12, **GREEDY)
    same = real.post("/infill", input_prefix=PROMPT, input_suffix=SUFFIX, n_predict=12, **GREEDY)
    assert answer["choices"][0]["text"] == same["content"]
    assert answer["usage"]["prompt_tokens"] == same["tokens_evaluated"]


def test_what_is_in_the_cache_is_counted(real):
    fields = {"prompt": PROMPT, "suffix": SUFFIX, "max_tokens": 1, **GREEDY}
    real.post("/v1/completions", **fields)
    assert real.post("/v1/completions", **fields)["usage"]["prompt_tokens_details"]["cached_tokens"] > 10


def test_a_stream_of_completions(real):
    fields = {"prompt": PROMPT, "max_tokens": 8, **GREEDY}
    whole = real.post("/v1/completions", **fields)
    *parts, usage, done = real.stream("/v1/completions", **fields, stream_options={"include_usage": True})
    assert done == "[DONE]"
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == whole["usage"]["completion_tokens"]
    assert "".join(part["choices"][0]["text"] for part in parts) == whole["choices"][0]["text"]
    reasons = [part["choices"][0]["finish_reason"] for part in parts]
    assert reasons == [None] * (len(parts) - 1) + [whole["choices"][0]["finish_reason"]]
    assert len({part["id"] for part in parts}) == 1


def test_several_choices(real):
    choices = real.post("/v1/completions", prompt=PROMPT, max_tokens=8, n=2, temperature=1.5, seed=3)["choices"]
    assert [choice["index"] for choice in choices] == [0, 1]


def test_a_stop_text(real):
    text = real.post("/v1/completions", prompt=PROMPT, max_tokens=12, **GREEDY)["choices"][0]["text"]
    stop = text.strip()[:1]
    choice = real.post("/v1/completions", prompt=PROMPT, max_tokens=12, stop=stop, **GREEDY)["choices"][0]
    assert (choice["text"], choice["finish_reason"]) == (text[: text.index(stop)], "stop")


def test_a_chat(real):
    answer = real.post("/v1/chat/completions", messages=TURNS, max_tokens=8, **GREEDY)
    [choice] = answer["choices"]
    assert answer["object"] == "chat.completion"
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"]


def test_a_stream_of_a_chat(real):
    fields = {"messages": TURNS, "max_tokens": 8, **GREEDY}
    whole = real.post("/v1/chat/completions", **fields)
    *parts, done = real.stream("/v1/chat/completions", **fields)
    deltas = [part["choices"][0]["delta"] for part in parts]
    assert done == "[DONE]"
    assert deltas[0]["role"] == "assistant"
    assert "".join(delta.get("content", "") for delta in deltas) == whole["choices"][0]["message"]["content"]
    assert parts[-1]["choices"][0]["finish_reason"] == whole["choices"][0]["finish_reason"]


def test_a_message_may_have_parts(real):
    parts = [{"type": "text", "text": TURNS[0]["content"][:9]}, {"type": "text", "text": TURNS[0]["content"][9:]}]
    fields = {"max_tokens": 4, **GREEDY}
    whole = real.post("/v1/chat/completions", messages=TURNS, **fields)
    assert (
        real.post("/v1/chat/completions", messages=[{"role": "user", "content": parts}], **fields)["choices"]
        == whole["choices"]
    )


def test_markers_in_user_text_are_text(real):
    wicked = "<｜fim▁begin｜><｜fim▁hole｜><｜fim▁end｜>"
    num_plain = len(real.post("/tokenize", content=wicked, parse_special=False)["tokens"])

    def asked(path, **fields):
        return real.post(path, max_tokens=0, **fields)["usage"]["prompt_tokens"]

    assert asked("/v1/completions", prompt=wicked) - asked("/v1/completions", prompt="") == num_plain
    turns = [[{"role": "user", "content": text}] for text in (wicked, "")]
    with_markers, without = (asked("/v1/chat/completions", messages=each) for each in turns)
    assert with_markers - without == num_plain


def test_the_model(real):
    status, text = real.ask("GET", "/v1/models")
    [model] = json.loads(text)["data"]
    assert status == 200
    assert model["max_model_len"] > 0
    assert real.post("/v1/completions", prompt="x", max_tokens=1)["model"] == model["id"]


def test_a_model_that_was_not_made_for_chat_is_a_sentence():
    with launched(model_path=str(EMBEDDED), backend="llama", threads=1) as service:
        status, message = service.refused("/v1/chat/completions", messages=TURNS)
    assert status == 501
    assert "no chat template" in message


@pytest.mark.parametrize(
    ("path", "fields", "sentence"),
    [
        ("/v1/completions", {}, "prompt"),
        ("/v1/completions", {"prompt": ["a", "b"]}, "prompt"),
        ("/v1/completions", {"prompt": "x", "echo": True}, "echo"),
        ("/v1/completions", {"prompt": "x", "logprobs": 3}, "logprobs"),
        ("/v1/completions", {"prompt": "x", "n": 2, "stream": True}, "streamed"),
        ("/v1/completions", {"prompt": "x", "logit_bias": {"1": 2}}, "logit_bias"),
        ("/v1/chat/completions", {"messages": []}, "messages"),
        ("/v1/chat/completions", {"messages": [{"role": "tool", "content": "x"}]}, "role"),
        ("/v1/chat/completions", {"messages": TURNS, "tools": [{"type": "function"}]}, "tools"),
        ("/v1/chat/completions", {"messages": TURNS, "response_format": {"type": "json_object"}}, "response_format"),
        (
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "image_url",
        ),
    ],
)
def test_what_cannot_be_is_said(real, path, fields, sentence):
    status, message = real.refused(path, **fields)
    assert status == 400
    assert sentence in message


@pytest.mark.parametrize(
    ("path", "fields"),
    [("/v1/completions", {"prompt": "abc9"}), ("/v1/chat/completions", {"messages": TURNS})],
)
def test_closing_the_connection_frees_the_engine(slow, held, path, fields):
    body = json.dumps(fields | {"max_tokens": 1500, "stream": True, **GREEDY}).encode()
    held(slow, path, body)()
    wait_until(lambda: ", 0 open" in slow.state())
