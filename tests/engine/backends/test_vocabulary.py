"""Text of the user's can never steer the model: what it spells stays text."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.ipc.launch import EngineOptions

DEEPSEEK = {
    "begin": "<｜begin▁of▁sentence｜>",
    "prefix": "<｜fim▁begin｜>",
    "suffix": "<｜fim▁hole｜>",
    "middle": "<｜fim▁end｜>",
}
LITERALS = [*DEEPSEEK.values(), "<｜end▁of▁sentence｜>", "<|EOT|>", "<pad>", "<|fim_prefix|>", "<|endoftext|>"]

hostile_text = st.lists(
    st.one_of(
        st.sampled_from(LITERALS),
        st.sampled_from(LITERALS).flatmap(lambda text: st.sampled_from([text[1:], text[:-1], text[:4]])),
        st.sampled_from(["\n", "\r\n", "    ", "\t", "<", ">", "|", "def "]),
        st.text(max_size=5),
    ),
    max_size=8,
).map("".join)


@pytest.fixture(scope="module")
def with_eot(llama, rewrite_model):
    """Like DeepSeek's own, this vocabulary calls `<|EOT|>` user-defined, and parses it in any text."""
    pieces = ((token, llama.piece(token)) for token in range(4000, 8000))
    token, text = next((token, piece.decode()) for token, piece in pieces if len(piece) == 7 and piece.isalpha())
    path = rewrite_model({text: "<|EOT|>"}, user_defined=(token,))
    backend = LlamaBackend(EngineOptions(model_path=str(path), threads=1))
    parsed = backend.vocabulary._tokenize(b"<|EOT|>", special=False)
    assert parsed == [token], "llama.cpp parses it although it was told not to: there is something to defend against"
    yield backend
    backend.close()


def assert_plain(backend: LlamaBackend, text: str) -> None:
    markers = {backend.marker(role) for role in backend.info.markers}
    tokens = backend.tokenize(text)
    assert not [token for token in tokens if token in markers or backend.is_end(token)]
    assert all(backend.piece(token) for token in tokens), "control tokens have no text"
    assert b"".join(map(backend.piece, tokens)) == text.encode(errors="replace")


def test_markers_are_spelt_as_deepseek_spells_them(llama):
    assert llama.info.markers == DEEPSEEK


@pytest.mark.parametrize("role", DEEPSEEK)
def test_a_model_that_writes_a_marker_has_ended(llama, role):
    assert llama.is_end(llama.marker(role))


@pytest.mark.parametrize("text", LITERALS)
def test_a_literal_stays_text(llama, text):
    assert_plain(llama, text)


@given(hostile_text)
def test_no_text_becomes_a_control_token(llama, text):
    assert_plain(llama, text)


@given(hostile_text)
@example("<|EOT|>")
@example("<|EOT|><|EOT|>")
@example("<<|EOT|>>")
@example("é<|EOT|>é")
@example("<|EOT<|EOT|>|>")
def test_no_text_becomes_a_token_that_is_always_parsed(with_eot, text):
    assert_plain(with_eot, text)


def test_line_breaks_are_isolated(llama):
    assert llama.info.isolates_line_breaks


@given(hostile_text.map(lambda text: text.rstrip("\n")), hostile_text.map(lambda text: text.lstrip("\n")))
def test_lines_can_be_tokenised_one_by_one(llama, first, second):
    whole = llama.tokenize(f"{first}\n{second}")
    assert whole == llama.tokenize(f"{first}\n") + llama.tokenize(second)
