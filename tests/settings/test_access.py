"""Every setting says who may set it, and that is what counts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from lsp_server.settings.access import MACHINE, SetBy, Setting, records, setting
from lsp_server.settings.docs import with_settings
from lsp_server.settings.layers import Layer, parse
from lsp_server.settings.model import SETTINGS, Settings

PROJECT = Path("/home/somebody/project")


def another_value(setting: Setting) -> object:
    """A value that is not the default."""
    schema = msgspec.json.schema(setting.type)
    if schema.get("type") == "array":
        return schema["items"].get("enum", ["/elsewhere"])[:1]
    if "enum" in schema:
        return next(value for value in schema["enum"] if value != setting.default)
    return {"boolean": not setting.default, "string": "/elsewhere"}.get(schema.get("type"), schema.get("maximum"))


@pytest.mark.parametrize("key", SETTINGS)
def test_a_project_sets_what_its_record_allows(key):
    value = another_value(SETTINGS[key])
    _, by_user = parse([Layer("user", {key: value})])
    assert by_user == []
    found, by_project = parse([Layer("project", {key: value}, PROJECT)])
    assert bool(by_project) == (SETTINGS[key].access.set_by is not SetBy.ANYONE)
    assert (found == Settings()) == bool(by_project)
    _, by_editor = parse([Layer("editor", {key: value}, is_editors=True)])
    assert bool(by_editor) == (SETTINGS[key].access.set_by is SetBy.USER_FILE)


def test_what_costs_memory_names_files_or_sends_code_is_guarded():
    """Change this list only with care: it is what a cloned project cannot choose."""
    guarded = {key: each.access.set_by for key, each in SETTINGS.items() if each.access.set_by is not SetBy.ANYONE}
    engine = dict.fromkeys((key for key in SETTINGS if key.startswith("engine.")), SetBy.TRUSTED)
    models = dict.fromkeys(("model", "chat.model"), SetBy.TRUSTED_INSIDE)
    remote = dict.fromkeys((key for key in SETTINGS if key.startswith("remote.")), SetBy.USER)
    assert guarded == engine | models | remote | {"trusted_folders": SetBy.USER_FILE}


def test_models_the_engine_and_remote_engines_are_the_machines():
    machine = {key for key, each in SETTINGS.items() if each.access.scope == "machine"}
    sections = ("engine.", "remote.")
    assert machine == {"model", "chat.model"} | {key for key in SETTINGS if key.startswith(sections)}


@pytest.mark.parametrize("annotation", [int, Annotated[int, Meta(description="Without access.")]])
def test_a_field_that_does_not_say_who_may_set_it_is_refused(annotation):
    kind = msgspec.defstruct("Section", [("answer", annotation, 42)])
    with pytest.raises(TypeError, match="answer does not say who may set it"):
        records(kind())


def test_a_field_says_all_of_itself():
    said = setting(MACHINE, "The answer.", ge=1, le=50, was="reply")
    found = records(msgspec.defstruct("Section", [("answer", Annotated[int, said], 42)])(), "deep.")
    [record] = found.values()
    assert (record.key, record.old_key, record.default, record.access) == ("deep.answer", "deep.reply", 42, MACHINE)


def test_vs_code_guards_old_names_as_it_does_the_new_ones():
    manifest = {"contributes": {"configuration": {"properties": {"infill.server.path": {}, "infill.gone": {}}}}}
    properties = with_settings(manifest)["contributes"]["configuration"]["properties"]
    assert "infill.server.path" in properties
    assert "infill.gone" not in properties
    assert "infill.trusted_folders" not in properties, "a workspace might trust itself"
    for each in SETTINGS.values():
        if each.access.scope is None:
            continue
        assert properties[f"infill.{each.key}"]["scope"] == each.access.scope
        if each.old_key:
            old = properties[f"infill.{each.old_key}"]
            assert old["scope"] == each.access.scope
            assert each.key in old["markdownDeprecationMessage"]
            assert "default" not in old, "one that is set would look as if the user had set it"
