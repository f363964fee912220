"""A model that cannot serve is refused with a sentence that names it and says what to do."""

import pytest

from lsp_server.base.errors import ModelCannotInfillError, ModelError, ModelFileError, ModelNotFoundError
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.ipc.launch import EngineOptions
from tests.engine.drive import write

HARMLESS = {
    "<｜fim▁begin｜>": "<｜xyz▁begin｜>",
    "<｜fim▁hole｜>": "<｜xyz▁hole｜>",
    "<｜fim▁end｜>": "<｜xyz▁end｜>",
}


def refusal(path) -> ModelError:
    with pytest.raises(ModelError) as caught:
        LlamaBackend(EngineOptions(model_path=str(path), threads=1))
    message = str(caught.value)
    assert str(path) in message
    assert any(word in message for word in ("Set ", "Use ", "ownload ", "Choose ")), f"says what to do: {message}"
    assert message.endswith(".")
    assert "\n" not in message
    return caught.value


def test_a_missing_file(tmp_path):
    assert type(refusal(tmp_path / "absent.gguf")) is ModelNotFoundError


def test_a_file_below_a_file(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    assert isinstance(refusal(tmp_path / "file" / "model.gguf"), ModelError)


def test_a_directory(tmp_path):
    assert type(refusal(tmp_path)) is ModelFileError


def test_an_empty_file(tmp_path):
    path = tmp_path / "empty.gguf"
    path.touch()
    assert type(refusal(path)) is ModelFileError


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"GGML" * 1000, b'{"__metadata__"' * 500, b"\x00" * 5000])
def test_a_file_that_is_no_gguf(tmp_path, content):
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    assert "not a GGUF file" in str(refusal(path))


def test_the_magic_followed_by_noise(tmp_path):
    path = tmp_path / "noise.gguf"
    path.write_bytes(b"GGUF" + bytes(range(256)) * 20)
    assert type(refusal(path)) is ModelFileError


@pytest.mark.parametrize("length", [4, 24, 500, 1024, 5000, 100_000, 400_000, 1_000_000, 8_000_000, -1])
def test_a_model_that_is_cut_short(model_path, tmp_path, length):
    path = tmp_path / "cut.gguf"
    path.write_bytes(model_path.read_bytes()[:length])
    assert type(refusal(path)) is ModelFileError


def test_the_reason_is_what_llama_cpp_said(model_path, tmp_path):
    path = tmp_path / "cut.gguf"
    path.write_bytes(model_path.read_bytes()[:-1000])
    assert "not within the file bounds" in str(refusal(path))


def test_the_reason_is_not_what_llama_cpp_said_of_an_earlier_model(llama, model_path, tmp_path):
    path = tmp_path / "cut.gguf"
    path.write_bytes(model_path.read_bytes()[:-1000])
    LlamaBackend(EngineOptions(model_path=str(model_path), threads=1, cache_tokens=4096)).close()
    assert "n_ctx" not in str(refusal(path))


def test_a_model_without_markers(rewrite_model):
    path = rewrite_model(HARMLESS)
    error = refusal(path)
    assert type(error) is ModelCannotInfillError
    assert "prefix, suffix, middle missing" in str(error)


@pytest.mark.parametrize(("marker", "role"), [*zip(HARMLESS, ("prefix", "suffix", "middle"), strict=True)])
def test_a_model_that_lacks_one_marker(rewrite_model, marker, role):
    error = refusal(rewrite_model({marker: HARMLESS[marker]}))
    assert type(error) is ModelCannotInfillError
    assert f"({role} missing)" in str(error)


def test_after_a_refusal_a_good_model_loads(model_path, tmp_path):
    refusal(tmp_path / "absent.gguf")
    backend = LlamaBackend(EngineOptions(model_path=str(model_path), threads=1))
    assert backend.info.name == "tiny-fim"
    backend.close()


def test_who_only_chats_needs_no_markers(rewrite_model):
    backend = LlamaBackend(EngineOptions(model_path=str(rewrite_model(HARMLESS)), threads=1, needs_infill=False))
    assert not {"prefix", "suffix", "middle"} & set(backend.info.markers)
    assert write(backend, backend.tokenize("def add(a, b):"), count=4)
    backend.close()
