"""A text cut into chunks, and where they stand in its bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lsp_server.index.chunks import MAX_LINES, chunks_of, digest_of

LINES = st.lists(
    st.one_of(st.just(""), st.just("    value"), st.text(st.characters(exclude_characters="\n"), max_size=9))
)


@given(LINES)
def test_chunks_are_where_they_say_they_are(lines):
    text = "\n".join(lines)
    content = text.encode("utf-8", "replace")
    covered = []
    for chunk in chunks_of(text):
        assert chunk.text == "\n".join(lines[chunk.first : chunk.last])
        within = content[chunk.start : chunk.start + chunk.size]
        assert within == chunk.text.encode("utf-8", "replace")
        assert digest_of(within) == chunk.digest
        assert 0 < chunk.last - chunk.first <= MAX_LINES
        covered += range(chunk.first, chunk.last)
    assert covered == sorted(set(covered))
    assert not any(line.strip() for number, line in enumerate(lines) if number not in set(covered))
