"""What llama.vim and llama.vscode send, field by field, and what they read from the answer.

Sources: `autoload/llama.vim` of ggml-org/llama.vim at a1c8e6e (`llama#fim`, `s:ring_update`, `llama#inst_send`), and
`src/llama-server.ts`, `src/completion.ts` and `src/statusbar.ts` of ggml-org/llama.vscode at 3938fb3.
"""

import json
import re

PREFIX = "import math\n\n\ndef area(radius):\n"
SUFFIX = "\n\n\nprint(area(2))\n"
EXTRA = [{"text": "def volume(radius):\n    return 4 / 3 * math.pi * radius**3\n", "time": 12.5, "filename": "b.py"}]
READ_BY_VIM = [
    "content",
    "timings/prompt_n",
    "timings/prompt_ms",
    "timings/prompt_per_token_ms",
    "timings/prompt_per_second",
    "timings/predicted_n",
    "timings/predicted_ms",
    "timings/predicted_per_token_ms",
    "timings/predicted_per_second",
    "truncated",
    "tokens_cached",
]
VIM = {
    "id_slot": 0,
    "input_prefix": PREFIX,
    "input_suffix": SUFFIX,
    "input_extra": EXTRA,
    "prompt": "    return ",
    "n_predict": 128,
    "stop": [],
    "n_indent": 4,
    "top_k": 40,
    "top_p": 0.90,
    "samplers": ["top_k", "top_p", "infill"],
    "stream": False,
    "cache_prompt": True,
    "t_max_prompt_ms": 500,
    "t_max_predict_ms": 250,
    "response_fields": READ_BY_VIM,
}
CODE = {
    "id_slot": 0,
    "input_prefix": PREFIX,
    "input_suffix": SUFFIX,
    "input_extra": EXTRA,
    "prompt": "    return ",
    "n_predict": 128,
    "n_cmpl": 3,
    "top_k": 40,
    "top_p": 0.99,
    "stream": False,
    "samplers": ["top_k", "top_p", "infill"],
    "cache_prompt": True,
    "n_indent": 4,
    "t_max_prompt_ms": 500,
    "t_max_predict_ms": 500,
}


def test_vim_completes(real):
    status, text = real.ask("POST", "/infill", json.dumps(VIM), **{"Content-Type": "application/json"})
    assert status == 200
    assert re.match(r'\s*{.*"content"\s*:"', text, re.DOTALL), "what it looks for before it decodes"
    answer = json.loads(text)
    assert list(answer) == READ_BY_VIM
    assert answer["content"]
    assert answer["truncated"] is False
    assert all(isinstance(answer[name], int | float) for name in READ_BY_VIM if "timings" in name)
    assert answer["tokens_cached"] > answer["timings/predicted_n"] > 0


def test_vim_types_on_cheaply(real):
    """What it types goes behind the middle marker, so that the suffix is not evaluated again."""
    real.post("/infill", **VIM)
    answer = real.post("/infill", **VIM | {"prompt": "    return m"})
    assert answer["timings/prompt_n"] <= 3


def test_vim_warms_up(real):
    fields = {"input_prefix": "", "input_suffix": "", "prompt": "", "n_predict": 0, "temperature": 0.0, "samplers": []}
    assert real.post("/infill", **VIM | fields | {"t_max_predict_ms": 1, "response_fields": [""]}) == {}


def test_vim_edits_by_instruction(real):
    turns = [{"role": "system", "content": "You edit code."}, {"role": "user", "content": "INSTRUCTION: shorten"}]
    warm_up = {"id_slot": 0, "messages": turns, "samplers": [], "n_predict": 0, "cache_prompt": True}
    real.post("/v1/chat/completions", **warm_up, stream=False, response_fields=[""])
    events = real.stream(
        "/v1/chat/completions",
        **warm_up | {"min_p": 0.1, "temperature": 0.1, "samplers": ["min_p", "temperature"], "n_predict": 12},
    )
    deltas = [event["choices"][0]["delta"] for event in events if isinstance(event, dict)]
    assert "".join(delta.get("content") or "" for delta in deltas)


def test_code_completes(real):
    answers = real.post("/infill", **CODE)
    assert len(answers) == 3, "of these it takes those that differ"
    assert all(isinstance(answer["content"], str) for answer in answers)


def test_code_shows_what_it_took(real):
    answer = real.post("/infill", **CODE | {"n_cmpl": 1})
    assert answer["content"]
    assert 0 < answer["tokens_cached"] < answer["generation_settings"]["n_ctx"]
    shown = ("prompt_n", "prompt_ms", "prompt_per_second", "predicted_n", "predicted_ms", "predicted_per_second")
    assert all(isinstance(answer["timings"][name], int | float) for name in shown)


def test_code_warms_up(real):
    fields = {"input_prefix": "", "input_suffix": "", "prompt": "", "n_predict": 0, "samplers": []}
    kept = ("id_slot", "input_extra", "cache_prompt", "t_max_prompt_ms")
    assert real.post("/infill", **{name: CODE[name] for name in kept} | fields)["content"] == ""


def test_code_looks_whether_it_is_well(real):
    status, text = real.ask("GET", "/health")
    assert (status, json.loads(text)["status"]) == (200, "ok")


def test_code_edits_by_instruction(real):
    turns = [{"role": "system", "content": "You are an expert coder."}, {"role": "user", "content": "shorten"}]
    answer = real.post(
        "/v1/chat/completions",
        messages=turns, stream=False, cache_prompt=True, temperature=0.8, top_p=0.95, max_tokens=12,
    )  # fmt: skip
    assert isinstance(answer["choices"][0]["message"]["content"], str)


def test_code_asks_as_it_asks_openai(real):
    answer = real.post(
        "/v1/completions",
        model="", prompt="Context:\n\n" + PREFIX, max_tokens=8, temperature=0.1, top_p=0.99, stream=False,
    )  # fmt: skip
    assert isinstance(answer["choices"][0]["text"], str)
    assert answer["usage"]["prompt_tokens"] > 0
