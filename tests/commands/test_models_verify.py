"""`infill models verify` with the embedded model, and with answers that are known to be right."""

import pytest

from lsp_server.catalog import verify


def test_a_report_for_a_bug_report(infill):
    found = infill("models", "verify")
    lines = " ".join(found.out.split())
    for fact in ("llama-cpp-python", "tiny-fim.gguf", "<｜fim▁hole｜>", "GiB", "tokens a second"):
        assert fact in lines
    num_wrong = found.out.count("\nwrong ")
    assert f"{20 - num_wrong} of 20" in lines
    assert found.status == (num_wrong > 20 * (1 - verify.MIN_RIGHT_SHARE))


@pytest.mark.parametrize(("share", "status", "said"), [(0.0, 0, "This model fills holes"), (1.1, 1, "too few holes")])
def test_how_many_are_enough(infill, monkeypatch, share, status, said):
    monkeypatch.setattr("lsp_server.commands.models_verify.MIN_RIGHT_SHARE", share)
    found = infill("models", "verify")
    assert found.status == status
    assert said in found.out


def test_a_model_that_is_missing_is_said(infill):
    assert "nowhere.gguf" in infill("models", "verify", "nowhere.gguf").sentence()
