"""Settings are read under their old names for one version, with a message."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsp_server import __version__
from lsp_server.settings import old_names
from lsp_server.settings.layers import Layer, parse
from lsp_server.settings.model import OLD_KEYS, SETTINGS, ChatSettings, CompletionSettings, EngineSettings, Settings
from lsp_server.settings.old_names import READ_UNTIL

PROJECT = Path("/home/somebody/project")
ADVICE = f"rename it: the old name is read until {READ_UNTIL}."


def parsed(values: object, project: Path | None = None) -> tuple[Settings, list[str]]:
    return parse([Layer("here", values, project)])


@pytest.mark.parametrize(
    ("old", "value", "expected"),
    [
        ("completion.popup", "never", Settings(completion=CompletionSettings(menu="never"))),
        ("completion.popup_wait_ms", 7, Settings(completion=CompletionSettings(menu_wait_ms=7))),
        ("completion.look_ahead", False, Settings(completion=CompletionSettings(speculative=False))),
        ("completion.patience_ms", 7, Settings(completion=CompletionSettings(prefill_budget_ms=7))),
        ("chat.idle_minutes", 7, Settings(chat=ChatSettings(unload_after_minutes=7.0))),
        ("engine.idle_minutes", 7, Settings(engine=EngineSettings(unload_after_minutes=7.0))),
        ("engine.window_tokens", 7, Settings(engine=EngineSettings(context_tokens=7))),
        ("engine.saved_mebibytes", 7, Settings(engine=EngineSettings(host_cache_mib=7))),
    ],
)
def test_an_old_name_is_read_and_said(old, value, expected):
    assert parsed({old: value}) == (expected, [f"here: `{old}` is now `{OLD_KEYS[old]}`; {ADVICE}"])


@pytest.mark.parametrize(
    "values",
    [
        {"completion": {"popup_wait_ms": 7}},
        {"infill.completion.popupWaitMs": 7},
        {"infill": {"completion": {"popupWaitMs": 7}}},
    ],
)
def test_spellings(values):
    found, problems = parsed(values)
    assert found.completion.menu_wait_ms == 7
    assert len(problems) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"completion.menu": "always", "completion.popup": "never"},
        {"completion.popup": "never", "completion.menu": "always"},
        {"completion": {"popup": "never"}, "infill.completion.menu": "always"},
    ],
)
def test_the_new_name_counts_where_a_layer_has_both(values):
    expected = "here: `completion.popup` is now `completion.menu`, which is set too; delete the old name."
    assert parsed(values) == (Settings(completion=CompletionSettings(menu="always")), [expected])


def test_a_later_layer_counts_under_either_name():
    found, problems = parse(
        [Layer("user", {"completion.menu": "always"}), Layer("editor", {"completion.popup": "never"})]
    )
    assert found.completion.menu == "never"
    assert [problem.split(":")[0] for problem in problems] == ["editor"]


def test_a_wrong_value_is_said_under_the_new_name():
    found, [old_name, wrong] = parsed({"completion.popup": "sometimes"})
    assert found == Settings()
    assert "`completion.popup` is now `completion.menu`" in old_name
    assert "`completion.menu` is" in wrong


def test_a_rule_is_known_by_its_old_name():
    found, problems = parsed({"completion.switched_off_rules": ["drop run on", "repetition"]})
    assert found.completion.switched_off_rules == ("drop overrun", "repetition")
    assert problems == [f"here: `drop run on` in `completion.switched_off_rules` is now `drop overrun`; {ADVICE}"]


@pytest.mark.parametrize("value", [7, "drop run on", [["drop run on"]], [None], {"drop run on": 1}])
def test_a_value_that_is_no_list_of_rules_is_a_problem_as_before(value):
    found, problems = parsed({"completion.switched_off_rules": value})
    assert found == Settings()
    assert len(problems) == 1


@pytest.mark.parametrize(
    ("new", "value", "words"),
    [
        ("remote.url", "http://evil", "may not send your code elsewhere"),
        ("model", "model.gguf", "do not trust may not set `model`"),
        ("engine.threads", 1, "do not trust may not set `engine.threads`"),
    ],
)
def test_a_project_may_do_no_more_by_an_old_name(monkeypatch, new, value, words):
    monkeypatch.setitem(old_names.OLD_KEYS, "engine.old", new)
    found, problems = parsed({"engine.old": value}, PROJECT)
    assert found == Settings()
    assert [words in problem for problem in problems] == [False, True]


def test_no_name_is_old_and_new():
    assert not OLD_KEYS.keys() & SETTINGS.keys()
    assert len(OLD_KEYS) == sum(bool(setting.old_key) for setting in SETTINGS.values())


def test_old_names_are_deleted_when_their_time_is_over():
    has_old = OLD_KEYS or any(setting.renamed_values for setting in SETTINGS.values())
    current, until = (tuple(map(int, text.split(".")[:2])) for text in (__version__, READ_UNTIL))
    assert current < until or not has_old


def test_all_old_names_of_a_layer_are_one_message():
    values = {
        "completion.popup": "never",
        "engine.idle_minutes": 7,
        "completion.switched_off_rules": ["drop run on"],
        "completion.look_ahead": False,
        "completion.speculative": True,
    }
    found, [problem] = parsed(values)
    assert found.completion.menu == "never"
    old, new = "engine.idle_minutes", "engine.unload_after_minutes"
    assert problem.startswith(f"here: `completion.popup` is now `completion.menu`, `{old}` is now `{new}`, ")
    assert f"rename them: the old names are read until {READ_UNTIL}." in problem
    assert problem.endswith("is now `completion.speculative`, which is set too; delete the old name.")
