"""Scores and texts against the plainest way to have them: one prompt at a time, nothing shared."""

import math
from dataclasses import replace

import pytest

from lsp_server.catalog.resolve import embedded_model
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.evaluation.holes import find_holes, hole_at, read_places
from lsp_server.evaluation.prompts import Prompts
from lsp_server.evaluation.scoring import ANSWER_TOKENS, Scorer, Written
from lsp_server.ipc.launch import EngineOptions
from lsp_server.prompt.families import family_for
from tests.engine.drive import evaluate

WINDOW = 512
NEAR = 0.1  # nats: batches of different shapes differ by less


@pytest.fixture(scope="module")
def backend():
    options = EngineOptions(
        str(embedded_model()),
        context_tokens=WINDOW,
        cache_tokens=4 * WINDOW,
        num_sequences=4,
        batch_tokens=3 * WINDOW,
        threads=1,
    )
    model = LlamaBackend(options)
    yield model
    model.close()


@pytest.fixture(scope="module")
def holes():
    return find_holes([place for place in read_places() if place.module in ("textwrap", "cmd")])[:12]


def alone(backend, tokens) -> int:
    """Evaluate tokens by themselves; the row that the logits of the last are in."""
    for sequence in range(backend.num_sequences):
        backend.truncate(sequence, 0)
    evaluate(backend, tokens)
    return len(tokens) - 1


def plain_score(backend, prompt, *, break_follows: bool) -> float:
    total, tokens, rest, must_show = 0.0, list(prompt.tokens), prompt.rest, prompt.fixed_indent
    for token in prompt.truth:
        row = alone(backend, tokens)
        total += backend.logprob(row, token)
        if rest or must_show:
            agreeing = backend.vocabulary.agreeing_with(rest, visible=must_show)
            total -= math.log(sum(math.exp(backend.logprob(row, int(each))) for each in agreeing))
            must_show = must_show and len(backend.piece(token)) <= len(rest)
            rest = rest[len(backend.piece(token)) :]
        tokens.append(token)
    if break_follows:
        row = alone(backend, tokens)
        ends = [token for token in range(backend.vocabulary.num_tokens) if backend.is_end(token)]
        ends += backend.vocabulary.agreeing_with(b"\n").tolist()
        total += math.log(sum(math.exp(backend.logprob(row, token)) for token in ends))
    return total


def plain_line(backend, prompt) -> tuple[str, bool] | None:
    """What is written; None where two candidates were so near each other that either could have been."""
    tokens, written, rest = list(prompt.tokens), b"", prompt.rest
    for _ in range(ANSWER_TOKENS):
        logits = backend.logits(alone(backend, tokens))
        must_show = prompt.fixed_indent and not written
        bound = rest or must_show
        candidates = backend.vocabulary.agreeing_with(rest, visible=must_show) if bound else range(len(logits))
        *others, token = sorted(map(int, candidates), key=lambda each: logits[each])
        if others and logits[token] - logits[others[-1]] < NEAR:
            return None
        if backend.is_end(token):
            return written.decode(), True
        text = backend.piece(token)
        rest, new = rest[len(text) :], text[len(rest) :]
        written += new
        if b"\n" in written:
            break
        tokens.append(token)
    return written.decode(errors="replace").partition("\n")[0], False


@pytest.mark.parametrize("break_follows", [True, False])
def test_scores_are_those_of_prompts_evaluated_alone(backend, holes, break_follows):
    scorer, prompts = Scorer(backend), Prompts(backend)
    for hole in holes[:4]:
        variants = prompts.of(hole, break_follows=break_follows)
        three = [variants.fresh, variants.anchored, variants.healed]
        scorer.hold_anchor(variants.anchor)
        scores, _ = scorer.score(three, break_follows=break_follows)
        plain = [plain_score(backend, prompt, break_follows=break_follows) for prompt in three]
        assert scores == pytest.approx(plain, rel=0.01, abs=0.15), hole
        scorer = Scorer(backend)  # the cache was emptied behind its back


def test_texts_are_those_of_prompts_evaluated_alone(backend, holes):
    num_compared = 0
    for hole in holes[:6]:
        variants = Prompts(backend).of(hole)
        three = [variants.fresh, variants.anchored, variants.healed]
        alone(backend, [0])
        scorer = Scorer(backend)
        scorer.hold_anchor(variants.anchor)
        _, first = scorer.score(three)
        written = scorer.write(three, first)
        for prompt, each in zip(three, written, strict=True):
            if (plain := plain_line(backend, prompt)) is not None:
                assert (each.text, each.has_ended) == plain
                num_compared += 1
    assert num_compared > 6


def test_a_family_that_is_not_anchored_has_the_line_once(backend, holes, monkeypatch):
    """Its prompt ends at the cursor, and so does each variant, unless it is asked what anchoring would do."""
    unanchored = replace(family_for("any", backend.info.markers), anchored=False)
    monkeypatch.setattr("lsp_server.evaluation.prompts.family_of", lambda *_: unanchored)
    for hole in holes:
        variants = Prompts(backend).of(hole)
        assert variants.fresh.tokens == variants.anchored.tokens == variants.healed.tokens == variants.anchor
        prefix = variants.anchor[: variants.anchor.index(backend.marker("suffix"))]
        assert b"".join(map(backend.piece, prefix)).decode().endswith(hole.before[-20:] + hole.typed)
        assert Prompts(backend, anchored=True).of(hole).anchored.tokens != variants.anchor


def test_an_end_that_has_a_text_is_no_part_of_the_answer(backend, holes, monkeypatch):
    variants = Prompts(backend).of(holes[0])
    scorer = Scorer(backend)
    scorer.hold_anchor(variants.anchor)
    [end] = backend.tokenize("x")
    monkeypatch.setattr(backend, "is_end", lambda token: token == end)
    assert scorer.write([variants.anchored], [end]) == [Written("", True)]


def test_prompts_have_the_same_text(backend, holes):
    def text(tokens):
        return b"".join(map(backend.piece, tokens)).decode()

    for hole in holes:
        variants = Prompts(backend).of(hole)
        assert text(variants.anchored.tokens) == text(variants.anchor) + hole.typed
        assert text(variants.healed.tokens) + variants.healed.rest.decode() == text(variants.anchor) + hole.typed
        assert len(text(variants.fresh.tokens)) == len(text(variants.anchored.tokens))
        assert text(variants.anchored.truth) == hole.truth
        assert variants.healed.rest.decode() + hole.truth == text(variants.healed.truth)
        assert text(Prompts(backend).of(hole, break_follows=False).fresh.truth) == hole.truth + "\n"


def test_what_would_be_cut_is_not_compared(backend):
    dense = [f"x{number} = [{'7, ' * 60}]" for number in range(40)]
    assert Prompts(backend).of(hole_at("half line", "a", dense, 30, 5)) is None
