import pytest

from lsp_server.completion.switch import Switch

PYTHON = ("python", "file:///p/src/a.py")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_everything_is_on():
    switch = Switch()
    assert switch.why_off(*PYTHON) == ""
    assert switch.is_on("all")
    assert switch.is_on("language", "python")


@pytest.mark.parametrize(
    ("scope", "value", "why", "not_concerned"),
    [
        ("all", "", "switched off", None),
        ("language", "python", "switched off for python", ("lua", "file:///p/src/a.py")),
        ("folder", "file:///p/src", "switched off for this folder", ("python", "file:///p/src2/a.py")),
        ("folder", "file:///p/", "switched off for this folder", ("python", "file:///q/a.py")),
    ],
)
def test_off_and_on_again(scope, value, why, not_concerned):
    switch = Switch()
    switch.turn_off(scope, value)
    assert switch.why_off(*PYTHON) == why
    assert not switch.is_on(scope, value)
    if not_concerned:
        assert switch.why_off(*not_concerned) == ""
    switch.turn_on(scope, value)
    assert switch.why_off(*PYTHON) == ""


def test_off_for_a_while():
    clock = Clock()
    switch = Switch(clock)
    switch.turn_off("all", seconds=60)
    clock.now += 59
    assert switch.why_off(*PYTHON) == "switched off"
    clock.now += 1
    assert switch.why_off(*PYTHON) == ""


def test_one_does_not_switch_on_another():
    switch = Switch()
    switch.turn_off("all")
    switch.turn_off("language", "python")
    switch.turn_on("all")
    assert switch.why_off(*PYTHON) == "switched off for python"
