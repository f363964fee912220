"""Recognises files that hold secrets, by their names. Pure.

No prompt contains such a file. `secret_text.py` recognises secrets by their text.
"""

from __future__ import annotations

import re

from lsp_server.text.secret_text import has_secret

__all__ = ["has_secret", "is_secret_name"]

_FOLDERS = frozenset(
    {
        *(".aws", ".azure", ".bluemix", ".chef", ".databricks", ".docker", ".envs", ".gnupg", ".kube", ".minikube"),
        *(".oci", ".password-store", ".putty", ".secrets", ".ssh", ".terraform.d"),
    }
)
# Files that hold secrets only in certain folders.
_PATHS = re.compile(
    r"""(.*/)?(
    \.config/(containers|doctl|gcloud|gh|github-copilot|glab-cli|heroku|hub|op|rclone|sops|stripe)/.*
    | \.?gradle/(local|gradle)\.properties | \.m2/settings(-security)?\.xml | \.bundle/config | \.subversion/auth/.*
    | \.nuget/.*\.config | \.local/share/keyrings/.* | run/secrets/.* | etc/g?shadow-?
    )""",
    re.VERBOSE,
)
_DATA = r"(\.(json|ya?ml|toml|ini|txt|csv|xml|env|conf|cfg|properties))?(\.(bak|enc|old|orig))?~?"
_STAGE = r"([._-](default|dev|development|live|local|prod|production|stage|staging|test))?"
_NAMES = re.compile(
    rf"""
    # variables of the environment
    \.env(rc)?([._-].*)?~? | .*\.env~? | env\.(local|dev|development|test|staging|prod|production)
    | \.flaskenv | \.dev\.vars(\..*)? | \.renviron(\..*)? | \.pam_environment
    # what tools keep in the home folder
    | \.mylogin\.cnf | _?\.?netrc | \.npmrc | \.yarnrc(\.ya?ml)? | \.pypirc | \.htpasswd | \.htdigest
    | \.?pgpass(\.conf)? | \.my\.cnf | \.s3cfg | \.boto | \.git-credentials | \.?dockercfg | \.?dockerconfigjson
    | \.?kube_?config{_DATA} | .*\.kubeconfig | \.smbcredentials | \.esmtprc | \.msmtprc | \.fetchmailrc
    | \.?vault[-_](token|pass|password){_DATA}
    | (\.[\w-]*|consolehost|bash|zsh)_history(\.txt)?  # of shells and of database clients
    # what projects keep beside their code
    | auth\.json | wp-config(-.*)?\.php | (local|signing|keystore)\.properties | master\.key
    | (.*[._-])?credentials?{_STAGE}{_DATA} | \.?secrets?{_STAGE}{_DATA} | .*\.secrets? | .*[._-]secrets?{_STAGE}{_DATA}
    | \.?passwords?{_DATA} | (id|ssh)_(rsa|dsa|ecdsa|ed25519)(_.*)?(\..*)? | ssh_host_.*_key
    | service[-_]?account.*\.json | client_secrets?.*\.json | .*[-_]firebase-adminsdk-.*\.json
    | .*\.(agekey|asc|gpg|jks|kdbx?|key|keystore|keytab|ovpn|p12|p8|pem|pfx|pgp|ppk|publishsettings|tfstate|tfvars)
    | .*\.tfstate(\..*)?\.backup | .*\.tfvars\.json
    """,
    re.VERBOSE,
)
_PUBLIC = re.compile(r".*\.pub | .*env.*[._-](example|sample|template|dist) | .*\.vars\.example", re.VERBOSE)


def is_secret_name(*names: str) -> bool:
    """Whether a file usually holds secrets, by any of its names.

    A file has a path as the client spells it and one with links resolved. Absolute paths are needed, because a
    workspace folder may itself lie in a folder of secrets. Slashes are forward; a folder's name ends in one.
    """
    return any(_is_secret(name.lower()) for name in names)


def _is_secret(path: str) -> bool:
    *folders, name = path.split("/")
    if not _FOLDERS.isdisjoint(folders) or _PATHS.fullmatch(path):
        return True
    return _NAMES.fullmatch(name) is not None and _PUBLIC.fullmatch(name) is None
