"""The bearer token of a remote engine, from the environment or from the system's keyring."""

from __future__ import annotations

import os

from lsp_server.base.errors import ModelError
from lsp_server.ipc.launch import Remote

TOKEN_VARIABLE = "INFILL_REMOTE_TOKEN"  # noqa: S105  (its name, not what is in it)
KEYRING_SERVICE = "infill"


def read_token(remote: Remote) -> str:
    """The token; empty if none is set. It may wait for the user to unlock a keyring.

    Raises `ModelError` if the keyring is missing, or has no token for that address.
    """
    if remote.credentials == "environment":
        return os.environ.get(TOKEN_VARIABLE, "")
    return _from_keyring(remote.url)


def how_to_set_token(remote: Remote) -> str:
    """How to set the token, as the end of a sentence."""
    if remote.credentials == "environment":
        return f"set the environment variable {TOKEN_VARIABLE}, or remote.credentials to keyring"
    return f"put it into the keyring: keyring set {KEYRING_SERVICE} {remote.url}"


def _from_keyring(url: str) -> str:
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise ModelError(
            "remote.credentials is keyring, and the package for it is missing. Install it: pip install "
            "'infill-lsp[keyring]'."
        ) from None
    try:
        token = keyring.get_password(KEYRING_SERVICE, url)
    except keyring.errors.KeyringError as error:
        raise ModelError(
            f"The keyring cannot be read ({error or type(error).__name__}). Unlock it, or set remote.credentials to "
            f"environment and put the token into {TOKEN_VARIABLE}."
        ) from None
    if not token:
        raise ModelError(f"The keyring has no token for {url}: keyring set {KEYRING_SERVICE} {url}")
    return token
