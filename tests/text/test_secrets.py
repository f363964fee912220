import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.index.folder import Folder
from lsp_server.text.secrets import is_secret_name

SECRET_NAMES = [
    *(".env", ".env.local", "prod.env", ".netrc", ".npmrc", ".pypirc", ".htpasswd", ".git-credentials", ".pgpass"),
    *("id_rsa", "id_ed25519", "server.pem", "tls.key", "store.p12", "store.jks", "pass.kdbx", "vpn.ovpn"),
    *("credentials", "credentials.json", "aws_credentials.yaml", "secrets.yaml", "secret", "db.secret"),
    *("service-account-prod.json", "client_secret_1.json", "terraform.tfstate", "prod.tfvars", "x.auto.tfvars.json"),
    *("kubeconfig", "prod.kubeconfig", ".s3cfg", ".boto", "auth.json", ".yarnrc.yml", ".dockerconfigjson"),
    *(
        ".bash_history",
        ".zsh_history",
        ".psql_history",
        ".python_history",
        "wp-config.php",
        ".vault_pass",
        "master.key",
    ),
    *(".passwd-s3fs", ".mycli-history", ".ftpconfig", "sftp.json", ".getmailrc", "cookies.txt"),
    *("admin.macaroon", "WebServers.xml", "local.settings.json", "gh_token.txt"),
    *(".Renviron", ".dev.vars", ".flaskenv", "env.local", ".env-prod", ".env~", ".env.production.local"),
    *("env.production.local", "prod.env.bak", "fish_history", ".lesshst", ".viminfo", ".gitcookies", ".terraformrc"),
    *("api_key.txt", ".github_token", "access_token", "token.json", "my_accessKeys.csv", "rootkey.csv", "kaggle.json"),
    *("db_password.txt", "mysql-root-password", "deploy_key", "deploy_rsa", "key.properties", "htpasswd", ".authinfo"),
    *(
        ".ansible_vault_pass",
        "secrets.enc.json",
        "secrets.sops.yaml",
        "serviceAccountKey.json",
        "gcp-service-key.json",
    ),
    *("secrets.prod.yaml", ".secrets.toml", "credentials.yml.enc", "local.properties", "passwords.csv"),
]
OPEN_NAMES = [
    "environment.py",
    "env.py",
    "keys.py",
    "secrets.py",
    "credentials.py",
    "id_rsa.pub",
    ".env.example",
    "example.env",
    ".env.local.example",
    "a.c",
    *(
        "history.py",
        "authentication.json",
        "package.json",
        "passwords.py",
        "kubeconfig.go",
        "secret_key.py",
        "tokens.json",
    ),
    *(
        "config.yaml",
        "environment.yml",
        "settings.json",
        "test_secrets.py",
        "wp-content.php",
        "api.properties",
        "README",
    ),
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


@pytest.mark.parametrize(
    "path",
    [
        *("/home/me/.kube/config", "/home/me/.docker/config.json", "/home/me/.ssh/config", "/root/.aws/config"),
        *("/home/me/.gnupg/gpg.conf", "c:/Users/me/.azure/x.json", "/home/me/.config/gh/hosts.yml", "/p/.envs/web"),
        *("/home/me/.config/rclone/rclone.conf", "/home/me/.gradle/gradle.properties", "/home/me/.m2/settings.xml"),
        *(
            "/home/me/.kaggle/x.json",
            "/home/me/.huggingface/x",
            "/home/me/.config/hub",
            "/home/me/.netlify/x",
        ),
        *("/run/secrets/db", "/etc/shadow", "/p/gradle/local.properties", "/home/me/.kube/"),
    ],
)
def test_files_that_only_their_folder_makes_secret(path):
    assert is_secret_name(path)
    assert is_secret_name("config", path), "one secret name of a file is enough"
    assert not is_secret_name(path.rpartition("/")[2].replace("local.properties", ""))


@pytest.mark.parametrize("path", ["/home/me/.config/nvim/init.lua", "/p/gradle/wrapper.properties", "/p/kube/config"])
def test_folders_of_sources(path):
    assert not is_secret_name(path)


@pytest.mark.parametrize("name", [".kube", ".docker", ".ssh"])
@pytest.mark.parametrize("is_link", [False, True])
def test_a_workspace_folder_of_secrets_has_nothing_to_read(tmp_path, name, is_link):
    target = tmp_path / ("data" if is_link else name)
    (target / "cache").mkdir(parents=True)
    for path in ("config", "cache/a.yaml"):
        (target / path).write_text("a: b\n")
    if is_link:
        (tmp_path / name).symlink_to(target)
    for root in (tmp_path / name, tmp_path / name / "cache"):
        assert list(Folder(root).walk()) == []
        assert not Folder(root).may_read("config")
        assert not Folder(root).may_read("a.yaml")
