"""Bodies of requests that are wrong, hostile or merely large: each is 400 or is answered, and delays nobody."""

from __future__ import annotations

import json
import threading
import time

import pytest

from lsp_server.engine.http.auth import MAX_BODY_BYTES
from tests.fuzz import bodies
from tests.services import launched

WINDOW = 1024
LONG = "ACGT" * 50_000


@pytest.fixture(scope="module")
def fake(tmp_path_factory):
    says = tmp_path_factory.mktemp("says") / "text"
    says.write_text("and so on " * 500)
    with launched(f"says={says}", context_tokens=WINDOW) as service:
        service.generate()  # so that the model is loaded
        yield service


def test_bodies_that_are_nearly_right_are_answered_or_refused():
    assert list(bodies.faults(600, seed=26)) == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/infill", b'{"n_indent": 1000000000000}'),
        ("/infill", b'{"top_k": 1000000000000}'),
        ("/infill", b'{"temperature": 1e999}'),
        ("/infill", b'{"json_schema": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        ("/infill", b'{"unknown": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        ("/infill", b'{"input_prefix": "\\ud800"}'),
        ("/infill", b'{"input_prefix": "\xed\xa0\x80"}'),
        ("/infill", b'{"input_prefix": "\xff"}'),
        ("/infill", b"[" * 1_000_000),
        ("/infill", json.dumps({"stop": ["x"] * 1000}).encode()),
        ("/infill", json.dumps({"input_extra": [{"text": "x"}] * 5000}).encode()),
        ("/infill", b'{"n_predict": 5000, "input_extra": 1}'),
        ("/v1/completions", json.dumps({"prompt": LONG}).encode()),
        ("/v1/completions", json.dumps({"prompt": "x" * WINDOW}).encode()),
        ("/v1/completions", b'{"prompt": "", "n": 99}'),
        ("/v1/chat/completions", json.dumps({"messages": [{"role": "user", "content": LONG}]}).encode()),
        ("/v1/chat/completions", json.dumps({"messages": [{"role": "user"}] * 10_000}).encode()),
        ("/v1/chat/completions", b'{"messages": [{"role": "user", "content": "x"}], "tools": [[]]}'),
        ("/tokenize", json.dumps({"content": "x" * 2_000_000}).encode()),
        ("/generate", b'{"prompt": ' + b"[" * 100_000 + b"}"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_what_cannot_be_served_is_the_clients_fault(fake, path, body):
    status, text = fake.ask("POST", path, body)
    assert status == 400, text
    assert json.loads(text)["error"]["type"] == "invalid_request_error"
    assert fake.ask()[0] == 200


def test_a_stream_that_does_not_fit_says_that_it_is_the_clients_fault(fake):
    [error] = fake.stream("/v1/completions", prompt=LONG)
    assert error["error"]["code"] == 400


@pytest.mark.parametrize("fields", [{"input_prefix": "x = 1\ny = '" + "a" * 6000}, {"prompt": "a" * 6000}])
def test_a_long_line_is_cut_as_an_editors_is(fake, fields):
    assert fake.post("/infill", n_predict=8, **fields)["tokens_predicted"] == 8


@pytest.mark.parametrize("unit", ["ACGT", "x = 1\n", " ", "\0", "漢", "🙂"])
def test_any_text_is_answered(fake, unit):
    prefix = unit * 200_000
    answer = fake.post("/infill", input_prefix=prefix, input_suffix=prefix, n_predict=4)
    assert answer["tokens_predicted"] == 4


def test_a_chat_takes_the_room_there_is(fake):
    """Half of the context was kept for the answer."""
    question = [{"role": "user", "content": "x" * 900}]
    usage = fake.post("/v1/chat/completions", messages=question)["usage"]
    assert usage["prompt_tokens"] > WINDOW / 2
    assert usage["total_tokens"] == WINDOW
    limited = fake.post("/v1/chat/completions", messages=question, max_tokens=5000)
    assert (limited["usage"]["total_tokens"], limited["choices"][0]["finish_reason"]) == (WINDOW, "length")
    assert fake.post("/v1/chat/completions", messages=question, max_tokens=3)["usage"]["completion_tokens"] == 3


def test_the_engine_answers_while_a_large_body_comes_in(fake):
    body = json.dumps({"input_prefix": "x = compute(y)\n" * (MAX_BODY_BYTES // 16 - 10), "n_predict": 2}).encode()
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(fake.ask("POST", "/infill", body)[0]))
    thread.start()
    while thread.is_alive():
        assert fake.ask()[0] == 200
        time.sleep(0.01)
    assert statuses == [200]
