from pathlib import Path

import pytest

from lsp_server.base.errors import ModelCannotInfillError, ModelNotPulledError
from lsp_server.catalog import hub
from lsp_server.catalog.resolve import (
    EMBEDDED_CONTEXT_TOKENS,
    chat_options,
    embedded_model,
    engine_options,
    hub_file,
    is_path,
    model_path,
    unlike_the_catalogue,
)
from lsp_server.ipc.launch import EngineOptions
from lsp_server.settings.model import ChatSettings, EngineSettings, Settings


@pytest.fixture
def elsewhere(tmp_path, monkeypatch) -> Path:
    """The folder that infill runs in, which is also home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def test_the_embedded_model_is_a_gguf():
    with embedded_model().open("rb") as file:
        assert file.read(4) == b"GGUF"


def test_nothing_set_means_the_embedded_model():
    assert model_path(Settings(), Path("/project")) == embedded_model()


@pytest.mark.parametrize(
    ("model", "project", "path"),
    [
        ("/models/a.gguf", "/project", "/models/a.gguf"),
        ("models/a.gguf", "/project", "/project/models/a.gguf"),
        ("models/a.gguf", None, "{here}/models/a.gguf"),
        ("~/a.gguf", "/project", "{here}/home/a.gguf"),
    ],
)
def test_where_a_model_is(elsewhere, model, project, path):
    found = model_path(Settings(model=model), Path(project) if project else None)
    assert found == Path(path.format(here=elsewhere))


def test_the_home_of_nobody_is_an_ordinary_name():
    """The engine then says that there is no such file."""
    assert engine_options(Settings(model="~nobody-of-that-name/a.gguf"), None).model_path.endswith("/a.gguf")


@pytest.mark.parametrize("model", ["fake", "fake:decode_ms=20,die_after=3"])
def test_the_backend_of_the_tests(model):
    assert engine_options(Settings(model=model), None) == EngineOptions(model_path=model, backend="fake")


@pytest.mark.parametrize("model", ["fake.gguf", "fakes/a.gguf", "/fake:x", "./fake"])
def test_names_that_only_look_like_it(model):
    assert engine_options(Settings(model=model), Path("/project")).backend == "llama"


def test_options_come_from_the_settings():
    engine = EngineSettings(
        context_tokens=1, cache_tokens=2, cache_type="q8_0", threads=3, gpu_layers=4, batch_tokens=5
    )
    options = engine_options(Settings(model="/a.gguf", engine=engine), None)
    assert options == EngineOptions(
        model_path="/a.gguf",
        backend="llama",
        context_tokens=1,
        cache_tokens=2,
        cache_type="q8_0",
        threads=3,
        gpu_layers=4,
        batch_tokens=5,
    )


def test_the_embedded_model_has_a_window_of_its_own_unless_one_is_set():
    assert engine_options(Settings(), None).context_tokens == EMBEDDED_CONTEXT_TOKENS
    assert engine_options(Settings(engine=EngineSettings(context_tokens=512)), None).context_tokens == 512
    assert engine_options(Settings(model="/models/a.gguf"), None).context_tokens == 0


@pytest.mark.parametrize(
    "model", ["a.gguf", "./a", "/models/a", "~/a", "models/a.gguf", "C:/models/a.gguf", "deepseek-coder.gguf"]
)
def test_what_names_a_file(model):
    assert is_path(model)


@pytest.mark.parametrize(
    ("model", "file"),
    [
        ("deepseek-coder-6.7b-base", "deepseek-coder-6.7b-base.Q4_K_M.gguf"),
        ("deepseek-coder-6.7b-base:q8_0", "deepseek-coder-6.7b-base.Q8_0.gguf"),
        ("someone/some-GGUF:folder/a.gguf", "folder/a.gguf"),
    ],
)
def test_what_names_a_file_on_the_hub(model, file):
    assert not is_path(model)
    assert hub_file(model).file == file


def test_a_model_that_is_not_here_is_no_guess(elsewhere, monkeypatch):
    monkeypatch.setattr(hub, "cached", lambda _: None)
    with pytest.raises(ModelNotPulledError, match=r"infill models pull deepseek-coder-1\.3b-base"):
        model_path(Settings(model="deepseek-coder-1.3b-base"), None)


def test_a_model_that_is_here_is_its_file(elsewhere, monkeypatch):
    monkeypatch.setattr(hub, "cached", lambda file: elsewhere / file.file)
    path = model_path(Settings(model="deepseek-coder-1.3b-base"), Path("/project"))
    assert path == elsewhere / "deepseek-coder-1.3b-base.Q4_K_M.gguf"


@pytest.mark.parametrize(
    "model",
    [
        "/models/deepseek-coder-7b-base-v1.5.Q4_K_M.gguf",
        "DeepSeek-Coder-7B-Instruct-v1.5-Q8_0.gguf",
        "someone/some-GGUF:deepseek_coder_7b_base_v1.5.gguf",
    ],
)
def test_a_file_of_a_model_that_cannot_fill_holes_is_refused_by_its_name(model):
    with pytest.raises(ModelCannotInfillError, match=r"Use deepseek-coder-6\.7b-base"):
        model_path(Settings(model=model), None)


@pytest.mark.parametrize(
    "name",
    [
        "OpenCoder-1.5B-Base.Q8_0.gguf",
        "OpenCoder 8B Instruct.gguf",
        "opencoder_1.5b_instruct-Q4_K_M.gguf",
        "DeepSeek Coder 7B Base v1.5.gguf",
        "deepseek-coder-v1.5-7b-base.gguf",
        "Mamba Codestral 7B v0.1.gguf",
        "mamba_codestral_7b_v0_1.gguf",
        "ds-opencodeinterpreter-6.7b.gguf",
    ],
)
def test_such_a_name_may_be_spelt_otherwise(name):
    with pytest.raises(ModelCannotInfillError, match="cannot complete code"):
        model_path(Settings(model=f"/models/{name}"), None)


@pytest.mark.parametrize(
    "name", ["deepseek-coder-6.7b-base.Q5_K_M.gguf", "codestral-22b-v0.1.gguf", "qwen2.5-coder-7b-base-v1.gguf"]
)
def test_a_name_that_only_begins_like_it_is_not_refused(name):
    assert model_path(Settings(model=f"/models/{name}"), None) == Path(f"/models/{name}")


# Who chats


def chats(model: str, fill: str = "/models/fill.gguf") -> Settings:
    return Settings(model=fill, chat=ChatSettings(model=model), engine=EngineSettings(threads=3))


def test_without_a_chat_model_the_one_that_fills_chats():
    settings = chats("")
    assert chat_options(settings, None) == engine_options(settings, None)


def test_a_chat_model_of_its_own_need_not_infill():
    options = chat_options(chats("/models/chat.gguf"), None)
    assert (options.model_path, options.threads, options.needs_infill) == ("/models/chat.gguf", 3, False)
    assert engine_options(chats("/models/chat.gguf"), None).needs_infill


@pytest.mark.parametrize("spelling", ["fill.gguf", "./fill.gguf", "folder/../fill.gguf", "link.gguf"])
def test_two_names_of_one_file_are_one_model(elsewhere, spelling):
    (elsewhere / "folder").mkdir()
    (elsewhere / "link.gguf").symlink_to(elsewhere / "fill.gguf")
    settings = chats(spelling, fill=str(elsewhere / "fill.gguf"))
    assert chat_options(settings, elsewhere) == engine_options(settings, elsewhere)


def test_the_fake_chats_too():
    assert chat_options(chats("fake:decode_ms=1"), None) == EngineOptions(
        model_path="fake:decode_ms=1", backend="fake", needs_infill=False
    )


def test_a_completion_model_that_is_not_here_is_no_matter_to_who_chats(monkeypatch):
    monkeypatch.setattr(hub, "cached", lambda _: None)
    options = chat_options(chats("/models/chat.gguf", fill="deepseek-coder-1.3b-base"), None)
    assert options.model_path == "/models/chat.gguf"


@pytest.mark.parametrize(
    "model", ["deepseek-coder-7b-instruct-v1.5", "someone/some-GGUF:DeepSeek-Coder-7B-Instruct-v1.5.gguf"]
)
def test_an_instruct_model_that_cannot_fill_holes_chats_and_does_not_complete(elsewhere, monkeypatch, model):
    monkeypatch.setattr(hub, "cached", lambda file: elsewhere / file.file)
    assert chat_options(chats(model), None).model_path.lower().startswith(str(elsewhere).lower())
    with pytest.raises(ModelCannotInfillError, match=r"Use deepseek-coder-6\.7b-base.* set chat\.model"):
        engine_options(Settings(model=model), None)


@pytest.mark.parametrize("model", ["", "a.gguf", "fake:", "somebody/else-GGUF:else.gguf", "deepseek-coder-1.3b-base"])
def test_a_model_is_what_the_catalogue_says_or_not_in_it(model):
    assert unlike_the_catalogue(model, "deepseek") == ""


def test_a_file_that_is_another_model_is_said():
    said = unlike_the_catalogue("deepseek-coder-1.3b-base", "qwen")
    assert "should have the markers of the format deepseek, and its file has those of qwen" in said
    assert "infill models pull deepseek-coder-1.3b-base" in said
