"""`/infill` and `/tokenize` with a real model over real HTTP."""

import http.client
import json

import pytest

from tests.services import launched
from tests.waiting import wait_until

PREFIX, SUFFIX = "def add(a, b):\n", "\n\n\nprint(add(1, 2))\n"
GREEDY = {"temperature": 0.0}
BEGIN, HOLE, END = "<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"


def fill(service, **fields):
    return service.post("/infill", input_prefix=PREFIX, input_suffix=SUFFIX, **GREEDY | {"n_predict": 12} | fields)


def test_it_fills_the_hole(real):
    answer = fill(real, prompt="    return ")
    assert answer["content"]
    assert answer["stop"] is True
    assert answer["stop_type"] in ("eos", "limit")
    assert answer["tokens_predicted"] == answer["timings"]["predicted_n"] > 0
    assert answer["timings"]["prompt_n"] + answer["timings"]["cache_n"] == answer["tokens_evaluated"]
    assert answer["tokens_cached"] == answer["tokens_evaluated"] + answer["tokens_predicted"]


def test_text_typed_on_costs_only_itself(real):
    """`prompt` stands behind the middle marker: what is typed does not have the suffix evaluated again."""
    fill(real, prompt="    retu")
    typed_on = fill(real, prompt="    return a")
    assert typed_on["timings"]["prompt_n"] <= 5
    assert typed_on["timings"]["cache_n"] > 20


def test_what_a_line_begins_with_may_stand_in_either_field(real):
    typed = real.post("/infill", input_prefix=PREFIX, prompt="    retu", input_suffix=SUFFIX, n_predict=8, **GREEDY)
    at_cursor = real.post("/infill", input_prefix=PREFIX + "    retu", input_suffix=SUFFIX, n_predict=8, **GREEDY)
    assert typed["content"] == at_cursor["content"]
    assert typed["tokens_evaluated"] == at_cursor["tokens_evaluated"]


def test_a_stream_has_the_same_text_and_one_end(real):
    whole = fill(real, prompt="    return ")
    *parts, last = real.stream(
        "/infill", input_prefix=PREFIX, input_suffix=SUFFIX, prompt="    return ", n_predict=12, **GREEDY
    )
    assert "".join(part["content"] for part in parts) == whole["content"]
    assert [part["stop"] for part in parts] == [False] * len(parts)
    assert (last["stop"], last["content"], last["stop_type"]) == (True, "", whole["stop_type"])
    assert last["tokens_predicted"] == whole["tokens_predicted"]


def test_several_answers_at_once(real):
    answers = fill(real, prompt="    return ", n_cmpl=3, temperature=1.5, seed=1)
    assert [answer["index"] for answer in answers] == [0, 1, 2]
    assert all("content" in answer for answer in answers)
    assert len({answer["content"] for answer in answers}) > 1


def test_other_files_stand_ahead(real):
    alone = fill(real, prompt="    return ")
    extra = [{"filename": "b.py", "text": "def mul(a, b):\n    return a * b\n", "time": 7}]
    among = fill(real, prompt="    return ", input_extra=extra)
    assert among["tokens_evaluated"] > alone["tokens_evaluated"]


def test_a_warm_up_writes_nothing_and_what_it_read_is_there_afterwards(real):
    place = {"input_prefix": "class Warm:\n    size = 3\n\n", "input_suffix": "\n    after = 1\n" * 9}
    cold = real.post("/infill", **place, n_predict=0, samplers=[], temperature=0.0)
    assert (cold["content"], cold["tokens_predicted"]) == ("", 0)
    warm = real.post("/infill", **place, n_predict=1, prompt="    def ", **GREEDY)
    assert warm["timings"]["prompt_n"] < warm["timings"]["cache_n"]


def test_a_stop_text_ends_it(real):
    text = fill(real, prompt="    return ")["content"]
    stop = text.strip()[:1]
    stopped = fill(real, prompt="    return ", stop=[stop])
    assert stopped["content"] == text[: text.index(stop)]
    assert (stopped["stop_type"], stopped["stopping_word"]) == ("word", stop)


def test_markers_in_user_text_are_text(real):
    """With a marker read as one, the prompt would be shorter: each would be one token."""
    wicked = f"x = '{BEGIN}{HOLE}{END}'\n"
    plain = real.post("/tokenize", content=wicked, parse_special=False)["tokens"]
    markers = real.post("/tokenize", content=wicked)["tokens"]
    assert len(markers) < len(plain)
    around = real.post("/infill", input_prefix=PREFIX, input_suffix="", n_predict=0)["tokens_evaluated"]
    for field in ("input_prefix", "prompt", "input_suffix"):
        fields = {"input_prefix": PREFIX, "input_suffix": "", "n_predict": 0}
        fields[field] = fields.get(field, "") + wicked
        # Healing takes back what was typed last.
        assert real.post("/infill", **fields)["tokens_evaluated"] - around in (len(plain), len(plain) - 1)


def test_text_beyond_the_window_is_cut(real):
    window = real.post("/infill", input_prefix="", input_suffix="", n_predict=0)["generation_settings"]["n_ctx"]
    long = "value = some_function(argument, other)\n" * window
    answer = real.post("/infill", input_prefix=long, input_suffix=long, n_predict=1, **GREEDY)
    assert answer["tokens_evaluated"] < window


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"prompt": 3}, "prompt"),
        ({"input_extra": [{"filename": "x"}]}, "text"),
        ({"n_cmpl": 0}, "n_cmpl"),
        ({"n_cmpl": 9}, "n_cmpl"),
        ({"temperature": -1}, "temperature"),
        ({"grammar": "root ::= 'x'"}, "grammar"),
        ({"n_cmpl": 2, "stream": True}, "streamed"),
    ],
)
def test_what_cannot_be_is_said(real, fields, sentence):
    status, message = real.refused("/infill", **fields)
    assert status == 400
    assert sentence in message


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"prompt": "\xff"}'])
def test_a_malformed_request_is_refused(real, body):
    for path in ("/infill", "/tokenize", "/v1/completions", "/v1/chat/completions"):
        status, text = real.ask("POST", path, body)
        assert (status, json.loads(text)["error"]["type"]) == (400, "invalid_request_error")


def test_closing_the_connection_frees_the_engine(slow, held):
    close = held(slow, "/infill", b'{"input_prefix": "abc9", "n_predict": 1500, "stream": true, "temperature": 0}')
    close()
    wait_until(lambda: ", 0 open" in slow.state())


def test_closing_cancels_also_what_is_not_streamed(slow):
    connection = http.client.HTTPConnection("127.0.0.1", slow.port, timeout=30)
    body = b'{"input_prefix": "abc9", "n_predict": 1500, "n_cmpl": 2, "temperature": 0}'
    connection.request("POST", "/infill", body, {"Authorization": f"Bearer {slow.token}"})
    wait_until(lambda: ", 2 open" in slow.state())
    connection.close()
    wait_until(lambda: ", 0 open" in slow.state())


def test_a_newer_request_for_the_same_document_supersedes(slow, held):
    fields = {"input_prefix": "abc9", "document": "a.py", "temperature": 0.0}
    close = held(slow, "/infill", json.dumps(fields | {"n_predict": 1500, "stream": True}).encode())
    slow.post("/infill", **fields | {"prompt": "x", "n_predict": 1})
    wait_until(lambda: ", 0 open" in slow.state())
    close()


def test_a_failing_engine_is_a_sentence():
    with launched("fail_after=2") as service:
        status, message = service.refused("/infill", input_prefix="abc9", n_predict=3)
        assert (status, message) == (500, "The fake model was told to fail.")
        *_, last = service.stream("/infill", input_prefix="abc9", n_predict=3)
        assert last["error"]["message"] == "The fake model was told to fail."


def test_a_model_that_does_not_load_is_a_sentence():
    with launched("fail_load=1") as service:
        for path, fields in (("/infill", {}), ("/v1/completions", {"prompt": "x"}), ("/tokenize", {"content": "x"})):
            status, message = service.refused(path, **fields)
            assert status == 500
            assert "told not to load" in message


# Tokens


def test_tokens_and_their_pieces(real):
    content = "def naïve(日本): 😀"
    tokens = real.post("/tokenize", content=content)["tokens"]
    pieces = real.post("/tokenize", content=content, with_pieces=True)["tokens"]
    assert [piece["id"] for piece in pieces] == tokens
    spelt = b"".join(p["piece"].encode() if isinstance(p["piece"], str) else bytes(p["piece"]) for p in pieces)
    assert spelt.decode() == content


def test_special_tokens(real):
    assert len(real.post("/tokenize", content=BEGIN)["tokens"]) == 1
    assert len(real.post("/tokenize", content=BEGIN, parse_special=False)["tokens"]) > 1
    assert len(real.post("/tokenize", content="", add_special=True)["tokens"]) == 1
