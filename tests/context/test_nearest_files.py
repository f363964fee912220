import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.base.token_estimate import estimate_tokens
from lsp_server.context.nearest_files import choose_nearest_files, path_distance
from lsp_server.text.excerpts import Block, Neighbour
from tests.builders import snapshot_at

HERE = snapshot_at("x = ‸", path="src/app/main.py")
PATHS = st.lists(st.sampled_from(["src", "app", "lib", "a.py", "b.py"]), min_size=1, max_size=4).map("/".join)
NEIGHBOURS = st.lists(
    st.builds(
        Neighbour,
        path=PATHS,
        language_id=st.sampled_from(["python", "c"]),
        text=st.text(alphabet="ab \n", max_size=30),
        touched=st.integers(0, 9),
    ),
    max_size=8,
)


def neighbour(path: str, size: int = 30, language_id: str = "python", touched: int = 1) -> Neighbour:
    return Neighbour(path, language_id, "x" * size, touched)


def chosen(*neighbours: Neighbour, max_tokens: int) -> list[str]:
    return [block.path for block in choose_nearest_files(HERE, neighbours, max_tokens)]


def test_all_that_fit_are_taken_in_the_order_of_their_paths():
    neighbours = [neighbour("src/z.py"), neighbour("README.md", language_id="markdown"), neighbour("src/app/b.py")]
    assert chosen(*neighbours, max_tokens=30) == ["README.md", "src/app/b.py", "src/z.py"]


def test_a_block_says_why():
    assert choose_nearest_files(HERE, [neighbour("lib/b.py")], 100) == (
        Block("lib/b.py", "python", "x" * 30, "open, 3 steps away"),
    )


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        pytest.param(neighbour("src/app/b.py", touched=1), neighbour("src/c.py", touched=9), id="nearer"),
        pytest.param(neighbour("src/app/b.py", touched=9), neighbour("src/app/a.py", touched=1), id="touched later"),
        pytest.param(
            neighbour("lib/far/b.py"), neighbour("src/app/b.c", language_id="c", touched=9), id="the same language"
        ),
    ],
)
def test_rank(better, worse):
    assert chosen(worse, better, max_tokens=10) == [better.path]
    assert chosen(better, worse, max_tokens=10) == [better.path]


def test_one_that_does_not_fit_leaves_its_room_to_the_next():
    assert chosen(neighbour("src/app/a.py", size=90), neighbour("lib/b.py", size=30), max_tokens=20) == ["lib/b.py"]


def test_texts_without_anything_in_them_are_left_out():
    blank = [Neighbour("a.py", "python", text, 1) for text in ("", " \n\t\n")]
    assert chosen(*blank, max_tokens=100) == []


def test_no_room_means_no_blocks():
    assert chosen(neighbour("a.py", size=1), max_tokens=0) == []


@given(NEIGHBOURS, st.integers(0, 40))
def test_what_is_promised_of_any_choice(neighbours, max_tokens):
    blocks = choose_nearest_files(HERE, neighbours, max_tokens)
    assert sum(block.tokens for block in blocks) <= max_tokens
    assert all(block.text.strip() and block.tokens == estimate_tokens(block.text) for block in blocks)
    assert [block.path for block in blocks] == sorted(block.path for block in blocks)
    left = [(each.path, each.language_id, each.text) for each in neighbours]
    for block in blocks:
        left.remove((block.path, block.language_id, block.text))


@given(NEIGHBOURS, st.randoms(use_true_random=False))
def test_touching_files_does_not_reorder_blocks_that_all_fit(neighbours, random):
    unique = list({each.path: each for each in neighbours}.values())
    touched = [Neighbour(each.path, each.language_id, each.text, random.randrange(99)) for each in unique]
    random.shuffle(touched)
    assert choose_nearest_files(HERE, touched, 1000) == choose_nearest_files(HERE, unique, 1000)


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [
        ("a.py", "b.py", 0),
        ("src/a.py", "src/b.py", 0),
        ("src/a.py", "b.py", 1),
        ("src/app/a.py", "src/lib/b.py", 2),
        ("src/app/a.py", "lib/app/b.py", 4),
        ("src/app.py", "src/app/b.py", 1),
    ],
)
def test_path_distance(left, right, distance):
    assert path_distance(left, right) == distance
    assert path_distance(right, left) == distance


@given(PATHS, PATHS, PATHS)
def test_a_way_by_a_third_place_is_never_shorter(a, b, c):
    assert path_distance(a, a) == 0
    assert path_distance(a, c) <= path_distance(a, b) + path_distance(b, c)
