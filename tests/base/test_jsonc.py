"""JSON with comments: read, and changed in one place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.base import jsonc

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda of: st.lists(of) | st.dictionaries(st.text(), of)
)
COMMENTS = ["", " ", "\n", '// a, "b": {\n', "/* } , */", "/*\n*/"]


@given(VALUES)
def test_json_is_read_as_it_is(value):
    text = json.dumps(value)
    assert jsonc.plain(text) == text
    assert jsonc.parse(text) == value


@given(st.dictionaries(st.text(), VALUES), st.data())
def test_comments_and_trailing_commas_are_passed_over(members, data):
    def comment():
        return data.draw(st.sampled_from(COMMENTS))

    text = comment() + "{" + comment()
    for name, value in members.items():
        text += f"{comment()}{json.dumps(name)}{comment()}:{comment()}{json.dumps(value)}{comment()},{comment()}"
    text += "}" + comment()
    assert jsonc.parse(text) == members
    assert len(jsonc.plain(text)) == len(text)


@given(st.dictionaries(st.text(), VALUES), st.text(), VALUES, st.sampled_from(COMMENTS), st.sampled_from([None, 4]))
def test_one_member_is_set_and_the_others_stay(members, name, value, comment, indent):
    text = f"{comment}{json.dumps(members, indent=indent)}{comment}"
    changed = jsonc.with_member(text, name, value)
    assert jsonc.parse(changed) == {**members, name: value}
    assert jsonc.with_member(changed, name, value) == changed
    assert changed.startswith(comment)
    assert changed.endswith(comment)


def test_a_comment_beside_it_stays():
    text = '{\n    // mine\n    "a": 1, // one\n}\n'
    assert jsonc.with_member(text, "b", "c:\\d") == '{\n    "b": "c:\\\\d",\n    // mine\n    "a": 1, // one\n}\n'
    assert jsonc.with_member(text, "a", 2) == text.replace("1", "2")


@pytest.mark.parametrize("text", ["", "\n", "// nothing yet\n", "{}", "{ }\n", "{\n}\n", "\ufeff{}"])
def test_where_nothing_is_yet(text):
    assert jsonc.parse(jsonc.with_member(text, "a", 1)) == {"a": 1}


@pytest.mark.parametrize("text", ["[]", "{", '{"a" 1}', "null"])
def test_what_is_no_object_is_refused(text):
    with pytest.raises(ValueError):
        jsonc.with_member(text, "a", 1)
