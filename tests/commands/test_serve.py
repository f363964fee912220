"""`infill serve`: what is said of a port that cannot be had."""

from __future__ import annotations

import socket

import pytest


@pytest.mark.parametrize("port", ["99999", "x", "-1", "²"])
def test_a_port_that_is_none(infill, port):
    found = infill("serve", "--tcp", port)
    assert (found.status, found.err.count("\n")) == (1, 1), found.err
    assert port in found.err


def test_a_port_that_another_program_has(infill):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        found = infill("serve", "--tcp", port)
    assert (found.status, found.err.count("\n")) == (1, 1), found.err
    assert f"cannot listen on port {port}" in found.err
