"""Recognises files that hold secrets, by their names. Pure.

No prompt contains such a file. `secret_text.py` recognises secrets by their text.
"""

from __future__ import annotations

import re

from lsp_server.text.secret_text import ends_in_secret, has_secret

__all__ = ["ends_in_secret", "has_secret", "is_secret_name"]

_FOLDERS = frozenset(
    {
        *(".aliyun", ".aws", ".azure", ".bluemix", ".chef", ".databricks", ".docker", ".envs", ".fly", ".getmail"),
        *(".gnupg", ".heroku", ".huggingface", ".kaggle", ".kube", ".minikube", ".mutt", ".netlify", ".oci"),
        *(".password-store", ".putty", ".railway", ".secrets", ".ssh", ".terraform.d"),
    }
)
# Files that hold secrets only in certain folders.
_PATHS = re.compile(
    r"""(.*/)?(
    \.config/(anthropic|containers|doctl|gcloud|gh|github-copilot|glab-cli|heroku|hub|openai|op|rclone|sops|stripe)(/.*)?
    | \.?gradle/(local|gradle)\.properties | \.m2/settings(-security)?\.xml | \.bundle/config | \.subversion/auth/.*
    | \.nuget/.*\.config | \.local/share/keyrings/.* | run/secrets/.* | etc/g?shadow-?
    )""",
    re.VERBOSE,
)
_DATA = r"(\.(json|ya?ml|toml|ini|txt|csv|xml|env|conf|cfg|properties))?(\.(bak|enc|old|orig))?~?"
_STAGE = r"([._-](default|dev|development|enc|live|local|prod|production|sops|stage|staging|test))?"
_FORM = "(change|confirm|email|forg[eo]t|lost|new|recover|reset|update)"  # what a page or a mail does with passwords
_NAMES = re.compile(
    rf"""
    # variables of the environment
    \.env(rc)?([._-].*)?~? | .*\.env([._-](bak|enc|local|old|orig|swp))?~?
    | env\.(local|dev|development|test|staging|prod|production)(\.local)?
    | \.flaskenv | \.dev\.vars(\..*)? | \.renviron(\..*)? | \.pam_environment
    # what tools keep in the home folder
    | \.mylogin\.cnf | _?\.?netrc | \.npmrc | \.yarnrc(\.ya?ml)? | \.pypirc | \.?htpasswd | \.?htdigest | \.passwd
    | \.?pgpass(\.conf)? | \.my\.cnf | \.s3cfg | \.s3curl | \.boto | \.git-credentials | \.gitcookies | \.cvspass
    | \.?dockercfg | \.?dockerconfigjson | \.rclone\.conf | \.ossutilconfig | \.sentryclirc | \.clasprc\.json
    | \.terraformrc | terraform\.rc | kaggle\.json | \.authinfo(\..*)? | wpa_supplicant.*\.conf
    | \.?kube_?config{_DATA} | .*\.kubeconfig | \.smbcredentials
    | \.(esmtp|msmtp|fetchmail|getmail|mutt|mbsync|offlineimap)rc | \.passwd-s3fs | cookies\.(txt|sqlite)
    | bitcoin\.conf | .*\.macaroon | logins\.json
    | \.?(.*[._-])?vault[-_](token|pass|password){_DATA}
    | (\.[\w-]*|consolehost|bash|fish|zsh)[_-]history(\.txt)? | \.(lesshst|viminfo|dbshell|rhistory)  # what was typed
    # what projects keep beside their code
    | auth\.json | wp-config(-.*)?\.php | (key|local|signing|keystore)\.properties | (master|deploy)[._-]key
    | deploy_(dsa|ecdsa|ed25519|rsa) | wallet\.dat | keystore\.json | keyfile\.json
    | s?ftp\.json | \.ftpconfig | \.remote-sync\.json | ftp-sync\.settings | webservers\.xml | local\.settings\.json
    | rootkey\.csv | (.*[._-])?access_?keys\.csv
    | \.?(.*[._-])?(access|api|auth|bot|consul|deploy|gh|github|gitlab|oauth|openai|slack)[_-]?(token|key)s?{_DATA}
    | \.?token(\.(txt|json))? | \.(tokens|api_?keys?|oauth2?|pat)
    | (.*[._-])?credentials?{_STAGE}{_DATA} | \.?secrets?{_STAGE}{_DATA} | .*\.secrets? | .*[._-]secrets?{_STAGE}{_DATA}
    | (?!.*{_FORM})\.?(.*[._-])?(passwords?|passwd|passphrase){_DATA}
    | (id|ssh)_(rsa|dsa|ecdsa|ed25519)(_.*)?(\..*)? | ssh_host_.*_key
    | (.*[-_])?service[-_]?(account|key).*\.(json|ya?ml) | client_secrets?.*\.json | (.*[-_])?firebase-adminsdk.*\.json
    | .*\.(agekey|asc|gpg|jks|kdbx?|key|keystore|keytab|ovpn|p12|p8|pem|pfx|pgp|ppk|publishsettings|tfstate|tfvars)
    | .*\.tfstate(\..*)?\.backup | .*\.tfvars\.json
    """,
    re.VERBOSE,
)
_PUBLIC = re.compile(
    r".*\.pub | (example|sample|template)\.env | .*env.*[._-](example|sample|template|dist) | .*\.vars\.example",
    re.VERBOSE,
)


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
