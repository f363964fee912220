import re

import pytest

from lsp_server.base.errors import InfillError, ModelCannotInfillError
from lsp_server.base.fim_families import FAMILIES
from lsp_server.catalog import models
from lsp_server.catalog.models import CatalogModel, catalog, find_model
from lsp_server.prompt.anchor import render
from lsp_server.prompt.chat import Message, chat_prompt

USABLE = [model for model in catalog().values() if not model.refused]


def test_the_reference_family_is_complete():
    sizes = ("1.3b", "6.7b", "33b")
    names = {f"deepseek-coder-{size}-{role}" for size in sizes for role in ("base", "instruct")}
    names |= {"deepseek-coder-5.7b-mqa-base", "deepseek-coder-v2-lite-base", "deepseek-coder-v2-lite-instruct"}
    assert names <= set(catalog())
    assert {catalog()[name].fim_format for name in names} == {"deepseek"}


@pytest.mark.parametrize("model", USABLE, ids=lambda model: model.name)
def test_every_model_can_be_pulled_and_prompted(model: CatalogModel):
    assert model.name == model.name.lower()
    assert model.fim_format in {family.name for family in FAMILIES}
    assert model.context_tokens >= 2048
    assert model.licence.summary.endswith(".")
    quantisation, file = model.file()
    assert model.files[quantisation] == file
    for name, each in model.files.items():
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", each.repo)
        assert each.file.endswith(".gguf")
        assert name.lower() in each.file.lower(), "the file is of that quantisation"


@pytest.mark.parametrize("model", USABLE, ids=lambda model: model.name)
def test_a_format_that_goes_by_name_knows_the_files_of_its_models(model: CatalogModel):
    [family] = [each for each in FAMILIES if each.name == model.fim_format]
    assert all(family.knows(file.file, family.markers) for file in model.files.values())


def test_old_files_of_deepseeks_instruct_models_are_asked_as_its_tokenizer_has_it():
    model = find_model("deepseek-coder-6.7b-instruct")
    messages = [Message("user", "one"), Message("assistant", "two"), Message("user", "three")]
    parts = chat_prompt(model.chat_template, messages, {"begin": "<bos>"})
    text = render(parts, lambda role: f"[{role}]")
    assert text.startswith("[begin]You are an AI programming assistant, utilizing the Deepseek Coder model, ")
    assert text.endswith(
        "refuse to answer\n### Instruction:\none\n### Response:\ntwo\n<|EOT|>\n### Instruction:\nthree\n### Response:"
    )
    told = chat_prompt(model.chat_template, [Message("system", "Be brief.\n"), *messages[:1]], {})
    assert render(told, str) == "Be brief.\n### Instruction:\none\n### Response:"
    assert find_model("deepseek-coder-6.7b-base").chat_template == ""


def test_licences_that_forbid_something_say_so():
    for name, word in (
        ("deepseek-coder-1.3b-base", "military"),
        ("qwen2.5-coder-3b", "Not for commercial use"),
        ("codestral-22b", "no use in production"),
    ):
        assert word in find_model(name).licence.summary
    assert find_model("qwen2.5-coder-7b").licence.name == "Apache-2.0"


@pytest.mark.parametrize("model", USABLE, ids=lambda model: model.name)
def test_a_record_has_what_memory_and_speed_are_estimated_from(model: CatalogModel):
    """A mixture of experts names both of its sizes: 30B-A3B, 12B-A2.5B."""
    assert model.kv_bytes_per_token >= 4096
    assert model.kv_bytes_per_token % 1024 == 0
    if mixture := re.search(r"-a([\d.]+)b", model.name):
        assert model.num_active_parameters == pytest.approx(float(mixture[1]) * 1e9, rel=0.15)
    is_mixture = bool(mixture) or "v2-lite" in model.name
    assert (model.num_active_parameters < model.num_parameters) == is_mixture


def test_what_a_licence_says_of_commerce_is_what_the_ranking_knows():
    for model in catalog().values():
        words = model.licence.summary.lower()
        forbids = "not for commercial" in words or "none that is commercial" in words or "no use in production" in words
        assert model.licence.forbids_commercial_use == forbids, model.licence.name


@pytest.mark.parametrize(
    "name", ["OpenCoder-1.5B-Base.Q4_K_M.gguf", "opencoder_8b_instruct.gguf", "Mamba Codestral 7B v0.1.gguf"]
)
def test_refused_models_are_known_however_their_name_is_spelt(name):
    with pytest.raises(ModelCannotInfillError, match="cannot complete code"):
        models.refuse_known(name)


@pytest.mark.parametrize("name", ["Mamba Codestral 7B", "mamba_codestral", "Mamba-Codestral-7B-v0.1"])
def test_mamba_codestral_is_not_taken_for_codestral(name):
    [family] = [each for each in FAMILIES if each.name == "codestral"]
    assert not family.knows(name, family.markers)
    assert family.knows(name[6:], family.markers)


@pytest.mark.parametrize("name", ["deepseek-coder-7b-base-v1.5", "opencoder-8b-base", "mamba-codestral-7b-v0.1"])
def test_models_that_cannot_fill_holes_are_refused_with_what_to_use_instead(name):
    with pytest.raises(ModelCannotInfillError, match=f"{name} cannot be used.* Use "):
        find_model(name).file()


def test_what_ends_a_text_by_the_catalogue_does_in_the_engine():
    end_texts = {family.name: set(family.end_texts) for family in FAMILIES}
    assert [model.name for model in USABLE if not set(model.stops) <= end_texts[model.fim_format]] == []


def test_names_are_found_in_any_case():
    assert find_model("DeepSeek-Coder-1.3B-Base").name == "deepseek-coder-1.3b-base"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("models = 1", id="another shape"),
        pytest.param("[licences]\n[families]\n[models.a]\nfamily = 'b'\nparameters = 1.0", id="no such family"),
        pytest.param("[licences", id="no TOML"),
        pytest.param("[licences]\n[families]\n[models]\n[modles]", id="a word too many"),
    ],
)
def test_a_damaged_catalogue_is_said(tmp_path, monkeypatch, content):
    path = tmp_path / "catalog.toml"
    path.write_text(content, encoding="utf-8")
    monkeypatch.setattr(models, "data_file", lambda _: path)
    catalog.cache_clear()
    with pytest.raises(InfillError, match=r"catalog\.toml is damaged .* Reinstall"):
        catalog()
    catalog.cache_clear()


def test_an_instruct_model_that_cannot_fill_holes_can_be_had_for_chat():
    model = find_model("deepseek-coder-7b-instruct-v1.5")
    assert model.can_only_chat
    assert model.file()[1].file.endswith(".gguf")
    assert [each.name for each in USABLE if each.can_only_chat] == []
