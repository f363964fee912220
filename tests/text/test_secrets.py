import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.index.folder import Folder
from lsp_server.text.secrets import has_secret, is_secret_name

SECRET_NAMES = [
    *(".env", ".env.local", "prod.env", ".netrc", ".npmrc", ".pypirc", ".htpasswd", ".git-credentials", ".pgpass"),
    *("id_rsa", "id_ed25519", "server.pem", "tls.key", "store.p12", "store.jks", "pass.kdbx", "vpn.ovpn"),
    *("credentials", "credentials.json", "aws_credentials.yaml", "secrets.yaml", "secret", "db.secret"),
    *("service-account-prod.json", "client_secret_1.json", "terraform.tfstate", "prod.tfvars"),
]
OPEN_NAMES = [
    "environment.py",
    "env.py",
    "keys.py",
    "secrets.py",
    "credentials.py",
    "id_rsa.pub",
    ".env.example",
    "a.c",
]
FOLDERS = st.lists(st.sampled_from(["src", "a b", "größe", "deploy", ".config"]), max_size=3)


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_names_of_secrets(name):
    assert is_secret_name(name)
    assert is_secret_name(f"deploy/{name.upper()}")


@pytest.mark.parametrize("name", OPEN_NAMES)
def test_names_of_sources(name):
    assert not is_secret_name(name)


@pytest.mark.parametrize("path", [".ssh/config", "home/.aws/config", ".kube/x/y.yaml", ".gnupg/pubring"])
def test_folders_of_secrets(path):
    assert is_secret_name(path)


@given(FOLDERS, st.sampled_from(SECRET_NAMES), FOLDERS)
def test_secret_files_are_never_listed_nor_admitted(tmp_path_factory, above, name, below):
    root = tmp_path_factory.mktemp("secret")
    path = "/".join([*above, name])
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text("password")
    assert list(Folder(root).walk()) == []
    assert not Folder(root).may_read(path)


KEYS = [
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "ghp_" + "a1" * 18,
    "github_pat_" + "a1" * 30,
    "glpat-" + "a1" * 12,
    "xoxb-" + "1234567890-abc",
    "sk-" + "a1B2" * 10,
    "AIza" + "a" * 35,
    'api_key = "' + "a1B2c3D4" * 4 + '"',
    "PASSWORD: '" + "a1B2c3D4" * 4 + "'",
    '"accessKey": "' + "a1B2c3D4" * 4 + '"',
]


@pytest.mark.parametrize("key", KEYS)
def test_keys_and_tokens(key):
    assert has_secret(key)


@given(st.sampled_from(KEYS), st.text(alphabet="ab =\n", max_size=50), st.text(alphabet=" \n", max_size=50))
def test_wherever_they_stand(key, before, after):
    assert has_secret(f"{before}\n{key}{after}")


@pytest.mark.parametrize(
    "text",
    [
        "token = read_token(path_of_the_token_file_in_the_home)",
        'password = "changeme"',
        'token = "an_ordinary_but_rather_long_identifier"',
        "def is_key(text): return text.startswith('-----BEGIN CERTIFICATE-----')",
        "sk-learn and AKIA",
        'digest = "' + "a1B2c3D4" * 4 + '"',
    ],
)
def test_ordinary_code(text):
    assert not has_secret(text)
