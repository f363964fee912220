"""`infill demo`: a session through the real server that ends with figures."""

from __future__ import annotations

import re


def test_text_is_typed_shown_and_accepted(infill):
    found = infill("demo", "--pace", "0")
    assert found.status == 0, found.err
    assert found.out.count("orders.py ─") == 3, "a frame for each place"
    assert len(re.findall(r"⟦[^⟧]+⟧", found.out)) >= 2, "something was accepted"
    assert "by the model" in found.out
    assert re.search(r"\d+ keystrokes typed, [1-9]\d* characters accepted", found.out)


def test_a_model_that_is_missing_is_said(infill):
    assert "nowhere.gguf" in infill("demo", "--model", "nowhere.gguf").sentence()
