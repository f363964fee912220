from lsp_server.base.trace import Trace


def test_stages_are_lined_up():
    trace = Trace()
    trace.add("trigger", "typing")
    trace.add("shown", "2 lines", "a\n  b")
    assert trace.render(with_text=False) == "trigger  typing\nshown    2 lines"
    assert trace.render(with_text=True) == "trigger  typing\nshown    2 lines\n         │ a\n         │   b"


def test_an_empty_text_is_shown_as_one():
    trace = Trace()
    trace.add("engine", "ended", "")
    assert trace.render(with_text=True) == "engine  ended\n        │ "


def test_nothing_yet():
    assert Trace().render(with_text=True) == ""
