"""`infill models list`, for people and for programs."""

from __future__ import annotations

import json

import pytest

from lsp_server import cli
from lsp_server.catalog.models import catalog


def test_json_has_what_plugins_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "list", "--json"]) == 0
    models = {model["name"]: model for model in json.loads(capsys.readouterr().out)}
    assert list(models) == list(catalog())
    base, instruct = models["deepseek-coder-1.3b-base"], models["deepseek-coder-1.3b-instruct"]
    assert (base["fills"], base["chats"]) == (True, False)
    assert instruct["chats"]
    assert all(model["licence"] and model["licence_summary"] and model["context_tokens"] for model in models.values())
    assert {"name", "gigabytes", "here"} == set(base["files"][0])


def test_a_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "list"]) == 0
    assert "deepseek-coder-1.3b-base" in capsys.readouterr().out
