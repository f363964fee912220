from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lsp_server.context.candidates import Candidate, Gathered
from lsp_server.context.ranking import MIN_SCORE, dependencies_first, rank
from tests.builders import snapshot_at

HERE = snapshot_at("import a\n\nalready_here = standing(1)\n‸\nlast_line = 2\n")
LINES = st.sampled_from(["def f():", "    return 1", "class A:", "x = 1", "", "already_here = standing(1)"])
CANDIDATES = st.lists(
    st.builds(
        Candidate,
        path=st.sampled_from(["a.py", "b/c.py", "d.py"]),
        language_id=st.just("python"),
        line=st.integers(0, 40),
        text=st.lists(LINES, min_size=1, max_size=6).map("\n".join),
        score=st.floats(0, 1),
        source=st.sampled_from(["definitions", "similar"]),
        reason=st.just("why"),
        brief=st.just(""),
    ).map(
        lambda each: replace(each, brief=each.text[:5] if each.text.startswith("def f") and len(each.text) == 8 else "")
    ),
    max_size=20,
)
DEPENDS = st.dictionaries(st.sampled_from("abcde"), st.frozensets(st.sampled_from("abcde")))


def candidate(path="a.py", text="def f(x): ...", score=0.5, line=0, heads=()):
    return Candidate(path, "python", line, text, score, "definitions", "imported", heads)


def test_the_better_candidate_gets_the_room():
    few = rank(HERE, Gathered((candidate("a.py", score=0.3), candidate("b.py", score=0.6))), 10)
    assert [block.path for block in few] == ["b.py"]


def test_of_equals_the_cheaper_goes_first():
    found = (candidate("a.py", text="x = [" + "1, " * 30 + "]"), candidate("b.py", text="def f(): ..."))
    assert [block.path for block in rank(HERE, Gathered(found), 20)] == ["b.py"]


def test_what_is_worth_little_is_not_shown():
    assert rank(HERE, Gathered((candidate(score=MIN_SCORE / 2),)), 100) == ()


def test_what_stands_at_hand_is_not_shown_again():
    assert rank(HERE, Gathered((candidate(text="already_here = standing(1)"),)), 100) == ()
    assert rank(HERE, Gathered((candidate(text="last_line = 2"),)), 100) == ()


def test_excerpts_of_one_file_are_one_block_in_the_file_s_order_without_doubles():
    found = (candidate(text="def g(): ...\ndef h(): ...", line=5), candidate(text="class A:", line=1),
             candidate(text="def h(): ...", line=6))  # fmt: skip
    (block,) = rank(HERE, Gathered(found), 100)
    assert block.text == "class A:\ndef g(): ...\ndef h(): ..."


def test_a_member_brings_its_class_s_line():
    (block,) = rank(HERE, Gathered((candidate(text="    def area(self): ...", line=9, heads=((2, "class A:"),)),)), 100)
    assert block.text == "class A:\n    def area(self): ..."


def test_names_come_before_what_stands_behind_them():
    found = tuple(
        replace(candidate(text=f"def {name * 8}({'parameter, ' * 9})", line=line), brief=f"def {name * 8}(")
        for line, name in enumerate("abc")
    )
    (few,) = rank(HERE, Gathered(found), 26)
    assert few.text == "def aaaaaaaa(\ndef bbbbbbbb(\ndef cccccccc("
    (more,) = rank(HERE, Gathered(found), 60)
    assert sorted(map(len, more.text.split("\n")))[:2] == [13, 13]
    assert max(more.text.split("\n"), key=len) in {each.text for each in found}
    (all_of_it,) = rank(HERE, Gathered(found), 200)
    assert all_of_it.text == "\n".join(each.text for each in found)
    assert rank(HERE, Gathered(found), 200, (few,)) == (all_of_it,), "a better choice is taken"
    assert rank(HERE, Gathered(found), 60, (more,)) == (more,)


def test_a_short_line_is_not_taken_for_one_that_stands_here():
    (block,) = rank(HERE, Gathered((candidate(text="A = 1"),)), 100)
    assert block.text == "A = 1"
    assert rank(HERE, Gathered((candidate(text="import a"),)), 100) == ()


def test_a_block_says_why_and_how_sure():
    (block,) = rank(HERE, Gathered((candidate(score=0.5),)), 100)
    assert block.reason == "score 0.50; definitions: imported"


def test_blocks_stay_while_they_are_nearly_as_good():
    found = [candidate(f"{name}.py", text=f"def {name * 9}(): ...") for name in "abcd"]
    before = rank(HERE, Gathered(tuple(found[:3])), 36)
    assert len(before) == 3
    slightly = Gathered((*found[:3], replace(found[3], score=0.55)))
    assert rank(HERE, slightly, 36, before) == before
    much = Gathered((*(replace(each, score=0.05) for each in found[:3]), replace(found[3], score=0.9)))
    assert rank(HERE, much, 36, before) != before


def test_blocks_go_when_their_text_is_no_more():
    before = rank(HERE, Gathered((candidate(),)), 100)
    assert rank(HERE, Gathered((candidate(text="def f(x, y): ..."),)), 100, before)[0].text == "def f(x, y): ..."


@given(CANDIDATES, st.integers(0, 60))
def test_what_is_promised_of_any_choice(candidates, max_tokens):
    blocks = rank(HERE, Gathered(tuple(candidates)), max_tokens)
    assert sum(block.tokens for block in blocks) <= max_tokens + len(blocks)
    assert len({block.path for block in blocks}) == len(blocks)
    for block in blocks:
        lines = {line for each in candidates if each.path == block.path for line in each.text.split("\n")}
        assert set(block.text.split("\n")) <= lines | {each.brief for each in candidates}
    assert rank(HERE, Gathered(tuple(reversed(candidates))), max_tokens) == blocks, "however they were found"
    assert rank(HERE, Gathered(tuple(candidates)), max_tokens, blocks) == blocks


@given(DEPENDS)
def test_order_is_that_of_imports_unless_in_a_circle(depends):
    ordered = dependencies_first("abcde", depends)
    assert sorted(ordered) == list("abcde")

    def reaches(start, goal, seen):
        return any(
            each == goal or (each not in seen and reaches(each, goal, seen | {each}))
            for each in depends.get(start, frozenset()) - {start}
        )

    is_circular = any(reaches(each, each, {each}) for each in "abcde")
    if not is_circular:
        for path, needed in depends.items():
            assert all(ordered.index(each) < ordered.index(path) for each in needed - {path})
