"""Recognises files that hold secrets, by name and by content. No prompt contains such a file. Pure."""

from __future__ import annotations

import re

_FOLDERS = frozenset({".aws", ".azure", ".docker", ".gnupg", ".kube", ".ssh"})
_NAMES = re.compile(
    r"""
    \.env(rc)?(\..*)? | .*\.env | _?\.?netrc | \.npmrc | \.pypirc | \.htpasswd | \.pgpass | \.my\.cnf
    | \.git-credentials | \.dockercfg | \.vault-token
    | (.*[._-])?credentials?(\.(json|ya?ml|toml|ini|txt|csv|xml|env|conf|cfg|properties|bak))?
    | secrets? | secrets?\.(json|ya?ml|toml|ini|txt|env|properties|xml) | .*\.secrets?
    | (id|ssh)_(rsa|dsa|ecdsa|ed25519)(_.*)?(\..*)? | service[-_]?account.*\.json | client_secret.*\.json
    | .*\.(pem|key|p8|p12|pfx|jks|keystore|kdbx?|ppk|ovpn|gpg|pgp|asc|tfstate|tfvars)
    | .*\.tfstate\.backup
    """,
    re.VERBOSE,
)
_PUBLIC = re.compile(r".*\.pub | \.env\.(example|sample|template|dist)", re.VERBOSE)
# Tokens of known forms, by the literal that each begins with. A search for the literal first makes this fast.
_TOKENS = {
    "-----BEGIN ": r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----",
    "AKIA": r"\bAKIA[0-9A-Z]{16}\b",
    "ASIA": r"\bASIA[0-9A-Z]{16}\b",
    **{f"gh{kind}_": rf"\bgh{kind}_[A-Za-z0-9]{{36,}}" for kind in "pousr"},
    "github_pat_": r"\bgithub_pat_[A-Za-z0-9_]{50,}",
    "glpat-": r"\bglpat-[A-Za-z0-9_-]{20,}",
    "hf_": r"\bhf_[A-Za-z0-9]{30,}",
    "npm_": r"\bnpm_[A-Za-z0-9]{36}",
    "pypi-": r"\bpypi-[A-Za-z0-9_-]{50,}",
    "xox": r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "AIza": r"\bAIza[A-Za-z0-9_-]{35}",
    "sk-": r"\bsk-[A-Za-z0-9_-]{32,}",
    "k_live_": r"\b[rs]k_live_[A-Za-z0-9]{20,}",
}
_COMPILED = {literal: re.compile(pattern) for literal, pattern in _TOKENS.items()}
# A long quoted word of letters and digits, and its name before it on the same line.
_LONG_WORD = re.compile(r"""["'](?=[A-Za-z+/_-]*[0-9])(?=[0-9+/_-]*[A-Za-z])[A-Za-z0-9+/_-]{24,}={0,2}["']""")
_NAMED = re.compile(r"""(password|passwd|secret|token|api_?key|access_?key)\w*["']?\s*[:=]+\s*$""", re.IGNORECASE)
_MAX_NAME = 80  # characters


def is_secret_name(path: str) -> bool:
    """Whether a path, with forward slashes, names a file that usually holds secrets."""
    *folders, name = path.lower().split("/")
    if not _FOLDERS.isdisjoint(folders):
        return True
    return _NAMES.fullmatch(name) is not None and _PUBLIC.fullmatch(name) is None


def has_secret(text: str) -> bool:
    """Whether a text holds a private key, a token of a known form, or a named random password."""
    if any(literal in text and pattern.search(text) for literal, pattern in _COMPILED.items()):
        return True
    return any(
        _NAMED.search(text, max(0, word.start() - _MAX_NAME), word.start()) for word in _LONG_WORD.finditer(text)
    )
