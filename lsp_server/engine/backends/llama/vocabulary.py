"""A model's vocabulary: tokenisation, FIM markers, and the texts that could become control tokens."""

from __future__ import annotations

import bisect
import ctypes
import itertools
import re
from collections.abc import Iterator
from functools import cached_property

import llama_cpp
import numpy as np
import numpy.typing as npt

from lsp_server.base.errors import ModelFileError, PromptError
from lsp_server.base.fim_families import end_texts, family_with, marker_texts

_MAX_CACHED_RESULTS = 512  # cached results of `agreeing_with`
_UNUSED, _CONTROL, _USER_DEFINED = 1 << 1, 1 << 3, 1 << 4  # enum llama_token_attr
_BRACKETED = re.compile(r"<.+>|\[.+\]", re.DOTALL)
# llama.cpp splits text by `std::regex`, which recurses once for each character that a pattern matches
# (`unicode_regex_split_stl`). A long run of letters, signs or spaces overflows the stack. So a text is tokenised in
# pieces of this many characters. The number is a multiple of the sizes in which vocabularies group digits and spaces.
_MAX_PIECE = 960
# The last place in a piece where every pre-tokeniser cuts, too: behind a word, ahead of white space or ASCII signs.
_LAST_CUT = re.compile(r".*\w(?=[\s!-/:-@\[-^`{-~])", re.DOTALL)
# The same for text with control tokens, which have no white space in them.
_LAST_SPACE = re.compile(r".*\S(?=\s)", re.DOTALL)


class LlamaVocabulary:
    """Wraps a `llama_vocab`. Raises `ModelFileError` if the text of a marker is not one token."""

    def __init__(self, vocab: llama_cpp.llama_vocab_p) -> None:
        self._vocab = vocab
        self.num_tokens = llama_cpp.llama_vocab_n_tokens(vocab)
        self._markers = self._find_markers()
        self.marker_texts = {role: self._text(token) for role, token in self._markers.items()}
        for role, token in self._markers.items():
            if self._tokenize(self.marker_texts[role].encode(), special=True) != [token]:
                raise ModelFileError(
                    f"The model's {role} marker {self.marker_texts[role]!r} does not stand for one token: its "
                    "vocabulary is damaged or mislabelled. Download the model again."
                )
        self._agreeing: dict[tuple[bytes, bool], npt.NDArray[np.int32]] = {}
        self._pieces: list[bytes | None] = [None] * self.num_tokens
        self._ends = {
            token
            for token in range(self.num_tokens)
            if llama_cpp.llama_vocab_is_eog(vocab, token) or token in self._markers.values()
        }
        self._ends |= {end for text in end_texts() if (end := self._control(text)) is not None}

    def _find_markers(self) -> dict[str, int]:
        vocab = self._vocab
        found = {
            "prefix": llama_cpp.llama_vocab_fim_pre(vocab),
            "suffix": llama_cpp.llama_vocab_fim_suf(vocab),
            "middle": llama_cpp.llama_vocab_fim_mid(vocab),
            "repo": llama_cpp.llama_vocab_fim_rep(vocab),
            "file": llama_cpp.llama_vocab_fim_sep(vocab),
        }
        if llama_cpp.llama_vocab_get_add_bos(vocab):
            found["begin"] = llama_cpp.llama_vocab_bos(vocab)
        # llama.cpp finds the markers of some families only (`llama_vocab::impl::load`).
        for role, texts in marker_texts().items():
            if found[role] < 0:
                found[role] = next((token for text in texts if (token := self._control(text)) is not None), -1)
        return {role: token for role, token in found.items() if token >= 0}

    def _control(self, text: str) -> int | None:
        """The token that a whole text stands for. None if it is ordinary text."""
        tokens = self._tokenize(text.encode(), special=True)
        if len(tokens) != 1 or not self._attributes(tokens[0]) & (_CONTROL | _USER_DEFINED):
            return None
        return tokens[0]

    @property
    def end_text(self) -> str:
        """The text of the end-of-text token; empty if there is none."""
        token = llama_cpp.llama_vocab_eos(self._vocab)
        return self._text(token) if token >= 0 else ""

    @property
    def missing_markers(self) -> list[str]:
        """Roles that a prompt needs but the vocabulary has no marker for."""
        family = family_with(self.marker_texts.get("prefix", ""))
        needs_middle = family is None or "middle" in family.markers
        needed = ("prefix", "suffix", "middle") if needs_middle else ("prefix", "suffix")
        return [role for role in needed if role not in self._markers]

    def difference(self, larger: LlamaVocabulary) -> str:
        """The first difference to a vocabulary that should be the same, in words; empty if there is none.

        Models of one family may have different numbers of unused tokens, which fill up their matrices.
        """
        if self.num_tokens > larger.num_tokens:
            return f"{self.num_tokens} tokens, not {larger.num_tokens}"
        for token in range(larger.num_tokens):
            if token >= self.num_tokens:
                if not larger._attributes(token) & _UNUSED:
                    return f"{self.num_tokens} tokens, not {larger.num_tokens}"
            elif (self._text(token), self._attributes(token)) != (larger._text(token), larger._attributes(token)):
                return f"token {token} is {self._text(token)!r}, not {larger._text(token)!r}"
        if self._ends != larger._ends or self._markers != larger._markers:
            return "other special tokens"
        return ""

    def _attributes(self, token: int) -> int:
        return int(llama_cpp.llama_vocab_get_attr(self._vocab, token))

    def marker(self, role: str) -> int:
        """The token of a marker."""
        try:
            return self._markers[role]
        except KeyError:
            raise PromptError(f"The model has no {role!r} marker.") from None

    def is_end(self, token: int) -> bool:
        """End-of-generation tokens and FIM markers."""
        return token in self._ends

    def piece(self, token: int) -> bytes:
        """The bytes of a token; empty for a control token."""
        piece = self._pieces[token]
        if piece is None:
            buffer = ctypes.create_string_buffer(256)
            size = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, len(buffer), 0, False)
            if size < 0:
                buffer = ctypes.create_string_buffer(-size)
                size = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, len(buffer), 0, False)
            piece = self._pieces[token] = buffer.raw[:size]
        return piece

    def tokenize(self, text: str) -> list[int]:
        """Tokens of user text. It never becomes a control token.

        Special tokens are off, but llama.cpp still parses tokens that are marked as user-defined (`<|EOT|>` in
        DeepSeek's). So text is cut inside each such literal, and no part spells one.
        """
        tokens: list[int] = []
        for piece in _pieces(text, _LAST_CUT):
            cuts = [0, *(match.start() + 1 for match in self._literals.finditer(piece)), len(piece)]
            for start, end in itertools.pairwise(cuts):
                tokens += self._tokenize(piece[start:end], special=False)
        return tokens

    def tokenize_control(self, text: str) -> list[int]:
        """Tokens of a chat template's text, with control tokens."""
        return [token for piece in _pieces(text, _LAST_SPACE) for token in self._tokenize(piece, special=True)]

    @cached_property
    def _literals(self) -> re.Pattern[bytes]:
        """Matches the beginnings of literals that llama.cpp parses although special tokens are off."""
        found = []
        for token in range(self.num_tokens):
            if not self._attributes(token) & _USER_DEFINED:
                continue
            text = self._text(token)
            # In some vocabularies runs of white space are user-defined. They are ordinary text.
            if _BRACKETED.fullmatch(text) and self._tokenize(text.encode(), special=False) == [token]:
                found.append(re.escape(text.encode()))
        # A look-ahead finds overlapping literals, too. Without literals it finds nothing.
        return re.compile(b"(?=" + b"|".join(found or [b"(?!)"]) + b")", re.DOTALL)

    def agreeing_with(self, healing_bytes: bytes, *, visible: bool = False) -> npt.NDArray[np.int32]:
        """Tokens that may come next while `healing_bytes` are healed: one of the two begins with the other.

        With `visible`, tokens that add white space behind them are left out. Without `healing_bytes`, end tokens are
        included.
        """
        known = self._agreeing.get((healing_bytes, visible))
        if known is None:
            known = self._visible_behind(healing_bytes) if visible else self._spelling(healing_bytes)
            if len(self._agreeing) >= _MAX_CACHED_RESULTS:
                self._agreeing.clear()
            self._agreeing[healing_bytes, visible] = known
        return known

    def _visible_behind(self, healing_bytes: bytes) -> npt.NDArray[np.int32]:
        candidates = self._spelling(healing_bytes) if healing_bytes else range(self.num_tokens)
        size = len(healing_bytes)
        tokens = [token for token in candidates if not self.piece(token)[size : size + 1].isspace()]
        return np.array(tokens, dtype=np.int32)

    def _spelling(self, healing_bytes: bytes) -> npt.NDArray[np.int32]:
        first = bisect.bisect_left(self._sorted_pieces, (healing_bytes, -1))
        # Behind this bound no byte string begins with `healing_bytes`, because no text has those bytes.
        last = bisect.bisect_left(self._sorted_pieces, (healing_bytes + b"\xff" * 8, -1))
        tokens = [token for _, token in self._sorted_pieces[first:last]]
        for size in range(1, len(healing_bytes)):
            tokens += self._tokens_of.get(healing_bytes[:size], [])
        return np.array(tokens, dtype=np.int32)

    def begins_token(self, text: bytes) -> bool:
        """Whether some token begins with these bytes."""
        index = bisect.bisect_left(self._sorted_pieces, (text, -1))
        return index < len(self._sorted_pieces) and self._sorted_pieces[index][0].startswith(text)

    @cached_property
    def _sorted_pieces(self) -> list[tuple[bytes, int]]:
        pieces = ((self.piece(token), token) for token in range(self.num_tokens) if token not in self._ends)
        return sorted((piece, token) for piece, token in pieces if piece)

    @cached_property
    def _tokens_of(self) -> dict[bytes, list[int]]:
        tokens: dict[bytes, list[int]] = {}
        for piece, token in self._sorted_pieces:
            tokens.setdefault(piece, []).append(token)
        return tokens

    @cached_property
    def isolates_line_breaks(self) -> bool:
        """Whether no token joins text across a line break. Then lines can be tokenised one by one."""
        return not any(b"\n" in piece and piece.strip(b"\r\n") for piece in map(self.piece, range(self.num_tokens)))

    def _text(self, token: int) -> str:
        raw = llama_cpp.llama_vocab_get_text(self._vocab, token)
        return raw.decode("utf-8", errors="replace") if raw else ""

    def _tokenize(self, text: bytes, *, special: bool) -> list[int]:
        if not text:
            return []
        capacity = len(text) + 8
        while True:
            buffer = (llama_cpp.llama_token * capacity)()
            count = llama_cpp.llama_tokenize(self._vocab, text, len(text), buffer, capacity, False, special)
            if count >= 0:
                return buffer[:count]
            capacity = -count


def _pieces(text: str, last_cut: re.Pattern[str]) -> Iterator[bytes]:
    """A text in pieces that llama.cpp can split. A run without a cut is cut inside."""
    start = 0
    while len(text) - start > _MAX_PIECE:
        found = last_cut.match(text, start, start + _MAX_PIECE)
        end = found.end() if found else start + _MAX_PIECE
        yield text[start:end].encode("utf-8", errors="replace")
        start = end
    yield text[start:].encode("utf-8", errors="replace")
