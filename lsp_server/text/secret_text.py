"""Recognises secrets by the text of a file: tokens of known forms, and values with the name of a secret. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

# Tokens of known forms, by a literal that each contains. A search for the literal first makes this fast.
_TOKENS = {
    "-----BEGIN ": r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----",
    "BEGIN SSH2 ENC": r"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----",
    "b3BlbnNzaC1rZXkt": r"\bb3BlbnNzaC1rZXktdjE",  # what an OpenSSH key begins with
    "<RSAKeyValue>": r"<RSAKeyValue>[\w\s<>/+=]{0,2000}<D>",
    '"kty"': r"\"d\"\s*:\s*\"[\w-]{20,}\"",  # JSON Web Key
    "LS0tLS1CRUdJTi": r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{0,24}(UFJJVkFUR|BSSVZBVEU|QUklWQVRF)",  # the same in base64
    "PuTTY-User-Key-File-": r"PuTTY-User-Key-File-\d",
    "AGE-SECRET-KEY-1": r"\bAGE-SECRET-KEY-1[0-9A-Z]{50,}",
    "AKIA": r"\bAKIA[0-9A-Z]{16}\b",
    "ASIA": r"\bASIA[0-9A-Z]{16}\b",
    "AccountKey=": r"\bAccountKey=[A-Za-z0-9+/]{40,}",
    "SharedAccessKey=": r"\bSharedAccessKey=[A-Za-z0-9+/]{30,}",
    **{f"gh{kind}_": rf"\bgh{kind}_[A-Za-z0-9]{{36,}}" for kind in "pousr"},
    "github_pat_": r"\bgithub_pat_[A-Za-z0-9_]{50,}",
    **{f"{kind}-": rf"\b{kind}-[A-Za-z0-9_-]{{20,}}" for kind in ("glpat", "gldt", "glrt", "glptt", "GOCSPX")},
    "hf_": r"\bhf_[A-Za-z0-9]{30,}",
    "npm_": r"\bnpm_[A-Za-z0-9]{36}",
    "pypi-": r"\bpypi-[A-Za-z0-9_-]{50,}",
    "rubygems_": r"\brubygems_[a-f0-9]{40,}",
    "dckr_pat_": r"\bdckr_pat_[A-Za-z0-9_-]{20,}",
    "xox": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    "xapp-": r"\bxapp-\d-[A-Za-z0-9-]{20,}",
    "hooks.slack.com/": r"hooks\.slack\.com/(services|workflows)/[A-Z0-9]{6,}/",
    "/api/webhooks/": r"discord(app)?\.com/api/webhooks/\d{8,}/[\w-]{40,}",
    "AIza": r"\bAIza[A-Za-z0-9_-]{35}",
    "ya29.": r"\bya29\.[A-Za-z0-9_-]{20,}",
    "sk-": r"\bsk-[A-Za-z0-9_-]{32,}",
    "gsk_": r"\bgsk_[A-Za-z0-9]{40,}",
    "k_live_": r"\b[rs]k_live_[A-Za-z0-9]{20,}",
    "whsec_": r"\bwhsec_[A-Za-z0-9+/]{24,}",
    "SG.": r"\bSG\.[\w-]{16,}\.[\w-]{32,}",
    "hvs.": r"\bhvs\.[\w-]{24,}",
    "sha256~": r"\bsha256~[\w-]{40,}",
    "dop_v1_": r"\bdop_v1_[a-f0-9]{60,}",
    **{f"shp{kind}_": rf"\bshp{kind}_[a-f0-9]{{32}}" for kind in ("at", "ss", "ca", "pa")},
    "dapi": r"\bdapi[a-f0-9]{32}\b",
    "eyJ": r"\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}",  # JSON Web Token
    "Bearer ": r"\bBearer (?=[A-Za-z._~+/-]*\d)[\w.~+/-]{20,}",
    "Authorization": r"\bAuthorization[\"']?\s*[:=,\s]\s*[\"']?(Basic|[Tt]oken) (?=[A-Za-z+/=]*\d)[\w+/]{12,}",
    "Basic ": r"\bAuthorization[\"']?\s*[:=,]\s*[\"']?Basic [A-Za-z0-9+/]{12,}",
    '"auth"': r"\"auth\"\s*:\s*\"[A-Za-z0-9+/]{8,}={0,2}\"\s*[,}\n]",  # docker's, "user:password" in base64
    "_auth": r"(?m)^[^\n]{0,200}:_auth(Token)?\s*=\s*[\w+/=-]{8,}",  # npm's
    "key-": r"\bkey-[0-9a-f]{32}\b",
    ":AA": r"\b\d{8,10}:AA[\w-]{32,}",
    ".atlasv1.": r"\b\w{14}\.atlasv1\.[\w-]{60,}",
    "secret_": r"\bsecret_[A-Za-z0-9]{43}\b",
    "EZAK": r"\bEZAK[A-Za-z0-9]{50,}",
    "django-insecure-": r"\bdjango-insecure-[^\s\"']{30,}",
    "sig=": r"[?&]sig=(?=[A-Za-z%]*\d)[\w%+/-]{30,}",  # Azure's shared access signature
}
# Of others the issuer's name and the length are enough. Of so many random letters one is a digit.
_ISSUERS = (
    *(
        "CCIPAT_",
        "EAACEdEose0cBA",
        "FlyV1 ",
        "PMAK-",
        "ATATT3x",
        "doo_v1_",
        "dor_v1_",
        "dp.pt.",
        "figd_",
        "glc_",
        "glsa_",
    ),
    *("hvb.", "hvr.", "lin_api_", "ntn_", "nvapi-", "ops_eyJ", "phx_", "pplx-", "pscale_pw_", "pscale_tkn_"),
    *("r8_", "sbp_", "sk_test_", "sntrys_", "sntryu_", "sq0atp-", "sq0csp-", "tskey-", "xai-"),
)
_TOKENS |= {issuer: rf"\b{re.escape(issuer)}(?=[A-Za-z_.-]*\d)[\w.-]{{24,}}" for issuer in _ISSUERS}
_COMPILED = {literal: re.compile(pattern) for literal, pattern in _TOKENS.items()}
_OF_KUBERNETES = (re.compile(r"(?m)^[ -]*kind: Secret\b"), re.compile(r"(?m)^ *(stringD|d)ata:[ \t\r]*$"))
# Passwords that are an argument, by a word of the command.
_COMMANDS = {
    word: re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for word, pattern in {
        "curl": r"\bcurl\b[^\n]{0,200}?\s(?:-u|--user)[ =]?[\"']?[\w.@-]{1,60}:(?P<value>[^\s\"']{6,200})",
        "sshpass": r"\bsshpass\s+-p\s*[\"']?(?P<value>[^\s\"']{6,200})",
        "mysql": r"\bmysql\w*\b[^\n]{0,200}?\s-p(?P<value>[^\s\"'=]{6,200})",
        "identified": r"\bidentified\s+(?:with\s+\S+\s+)?by\s+'(?P<value>[^'\n]{6,200})'",
        "password": r"\b(?:with|set)\s+(?:encrypted\s+)?password\s*=?\s*'(?P<value>[^'\n]{6,200})'"
        r"|;\s*(?:password)\s*=\s*(?P<other>[^\s;\"']{6,200})[;\"']"
        r"|[?&]password=(?P<of_url>[^\s&;\"']{6,200})[&\"']"
        r"|\b(?:host|user|dbname)=[^\n\"']{1,100}\spassword=(?P<of_words>[^\s\"']{6,200})",
        "@tcp(": r"\b[\w.-]{1,60}:(?P<value>[^\s:@/\"'`]{6,200})@tcp\(",  # Go's for MySQL
        "login": r"\b(?:az|docker|helm|oc|podman)\b[^\n]{0,60}?\slogin\s[^\n]{0,200}?-p(?:assword)?[ =][\"']?"
        r"(?P<value>[^\s\"']{6,200})",
        "redis-cli": r"\bredis-cli\b[^\n]{0,100}?\s-a\s*[\"']?(?P<value>[^\s\"']{6,200})",
        "auth": r"\b(?:auth\s*=\s*\(|HTTPBasicAuth\()\s*[\"'][^\"'\n]{1,80}[\"']\s*,"
        r"\s*[\"'](?P<value>[^\s\"']{6,200})[\"']",
        "pwd": r";\s*pwd\s*=\s*(?P<value>[^\s;\"']{6,200})[;\"']",
    }.items()
}
# In data, names and values that only a blank divides.
_BY_BLANKS = re.compile(
    r"""^[ \t]*(?: (?:env|setenv|set(?:[ ]-\w+)+)[ \t]+\w*(?:pass(?:word|wd)?|pwd|secret|token|key|credentials?)
    | (?:machine[ \t]+\S+[ \t]+)?(?:login[ \t]+\S+[ \t]+)?password | requirepass | masterauth
    | [\w-]{1,40}[_-](?:password|passwd|secret|token) ) [ \t]+["']?(?P<value>[^\s"']{6,200})["']?[ \t]*$""",
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_URL = re.compile(r"""://(?P<user>[\w.%~+-]{0,80}):(?P<password>[^\s/:@"'`<>{}$|]{2,200})@[\w\[]""")
_URL_OF_TOKEN = re.compile(r"://(?P<token>\w{20,200})@(?![^\s/]*sentry)[\w\[]")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*$")
# Of these schemes a short password is an example more likely.
_WEB = frozenset({"http", "https", "ftp", "ssh", "git", "svn", "socks5", "socks4", "proxy", "scheme", "proto", ""})

# A name that holds one of these words may have a secret for its value. The words begin at a hint.
_HINTS = (
    *("pass", "pwd", "psk", "secret", "token", "auth", "credential", "key", "connection"),
    *("contrase", "kennwort", "senha", "密码", "密碼"),
)
_WORD = (
    "(pass(word|wd|phrase|code|wort|e)?|pwd|psk|secret|token|auth|credentials?|key|connection[_.-]?string"
    "|contrase[nñ]a|kennwort|senha|密码|密碼)"
)
_KEY = re.compile(
    "(api|access|account|auth|client|encryption|master|private|secret|session|shared|signing|storage)[_.-]?$",
    re.IGNORECASE,
)
_NAME = re.compile(r"[\w.-]*$")
_ASSIGNED = re.compile(
    rf"""{_WORD}(?P<more>[\w-]{{0,20}})(?P<quote>\\?["']?)(\]|\[\w*\])?
    (?P<mark> [\s,]{{1,40}}["']?value["']?\s*[:=]\s* | \s*:\s*[\w\[\]|.\ &'<>:]{{1,30}}=\s*
    | :[ ]*[>|][+-]?\d?[ ]*\n\s+ | </key>\s*<string> | \s*(=>|:=|\?=|===?|!==?|=|:|,|>|\|\||\?\?)\s* | [ \t]+(?=["'])
    | (?={{\s*["']) )
    ( (!!\w+|&\w+)[ ]+ | (?P<opener>[({{]?)\s{{0,20}}([@$]|[bfru]{{1,2}})?(?=["'`]) )?
    (?P<value> "{{3}}[^"]{{0,200}} | '{{3}}[^']{{0,200}} | "\\"[^"\n]{{0,200}} | \\?"[^"\n]{{0,200}}["\n]?
    | '[^'\n]{{0,200}}['\n]? | `[^`\n]{{0,200}}` | \[\[[^\]\n]{{0,200}} | [^\s"'<>,;]{{1,200}} )
    (?P<rest>[^\n]{{0,3}})""",
    re.VERBOSE | re.IGNORECASE,
)
# The beginnings of both, at the end of a text.
_BEGUN = re.compile(
    rf"\b({'|'.join(re.escape(each) for each in _TOKENS if each[-1] in '_-.' or each in ('AKIA', 'ASIA', 'AIza'))})"
    r"(?=[A-Za-z]*\d)[A-Za-z0-9]{8,}$"
)
_TYPED = re.compile(
    rf"""{_WORD}[\w-]{{0,20}}\\?["']?(\]|\[\w*\])?(\s*:\s*[\w\[\]|.\ &'<>:]{{1,30}}=|\s*(=>|:=|=|:|,)|)\s*
    ( [({{]?[@$\w]{{0,2}}(?P<mark>\\?["'`])(?:(?!(?P=mark)).)+ | (?P<bare>[^\s"'`<>(){{}}\[\],;$]+) )$""",
    re.VERBOSE | re.IGNORECASE,
)
_ENDS = ("", "data", "_data", "-data", "base", "_base", "s")  # of names that are a word and no more
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]+")
_DATA_FILE = re.compile(
    r"""( .*\.(ya?ml|json[5c]?|ini|cfg|cnf|conf|config|properties|env|toml|xml|plist|tf|hcl|nix|service|txt|log)
    | .*\.(sh|bash|zsh|ksh|csh|fish|ps1|bat|cmd) | \.?[^.]* | dockerfile.* | .*rc )~?""",
    re.VERBOSE,
)
_PLACEHOLDER = re.compile(
    r"""[<$*[!&].* | .*<[\w -]+>.* | .*\$[({].* | .*[{}].* | .*%[(sd].* | %\w+% | \w[\w.]*\(.* | .*[*]{2,}.*
    | (your|my|the|some|insert|enter|change|replace|todo|fixme|example|sample|dummy|fake|test|xxx|\.\.\.).*
    | .*(example|placeholder|changeme|redacted|secret|password|passwd|token|credential)s?\d?
    | none | null | nil | true | false | yes | no | undefined | string | str | text | int | bool(ean)? | bytes | default
    | optional | required | basic | bearer | hidden | prompt | env | vault | (\.{0,2}|~|[a-z]:)[/\\].* | .*://.*""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_RANDOM = re.compile(r"[\w+/=~-]+")
_TURN = re.compile(r"[A-Za-z](?=\d)|\d(?=[A-Za-z])")
_TO_LOWER = {ord(each): each.lower() for each in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_PLAIN = frozenset("_-./:,;")
PIECE_CHARACTERS = 64_000  # a regular expression over more would let no other thread run
_OVERLAP = 1000


def has_secret(text: str, path: str = "") -> bool:
    """Whether a text holds a private key, a token of a known form, a password in a URL, or a named secret value.

    In a file of data or of shell commands, which `path` tells, short values count too.
    """
    return any(_has_secret(piece, _is_data(path)) for piece in _pieces(text))


def ends_in_secret(text: str, path: str = "") -> bool:
    """Whether a text ends in a part of a secret, which may be being typed.

    That is eight characters of a token, or what is in the quotes behind the name of a secret. In data, which `path`
    tells as above, it needs no quotes.
    """
    line = text[-400:].rpartition("\n")[2]
    return _BEGUN.search(line) is not None or any(
        (found["mark"] or _is_data(path)) and (found[1].lower() != "key" or _KEY.search(line[: found.start()]))
        for found in _TYPED.finditer(line)
    )


def _is_data(path: str) -> bool:
    return bool(path) and _DATA_FILE.fullmatch(path.lower().rpartition("/")[2]) is not None


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, max(1, len(text)), PIECE_CHARACTERS):
        yield text[max(0, start - _OVERLAP) : start + PIECE_CHARACTERS]


@lru_cache(maxsize=16)
def _has_secret(text: str, is_data: bool) -> bool:
    if any(literal in text and pattern.search(text) for literal, pattern in _COMPILED.items()):
        return True
    if "kind: Secret" in text and all(pattern.search(text) for pattern in _OF_KUBERNETES):
        return True
    if any(_has_password(text, at) for at in _places(text, "://")):
        return True
    lower = text.lower()
    if len(lower) != len(text):
        lower = text.translate(_TO_LOWER)  # some letter is longer in lower case; places must be the same in both
    patterns = [pattern for word, pattern in _COMMANDS.items() if word in lower]
    if any(_is_argument(found) for each in patterns for found in each.finditer(text)):
        return True
    if is_data and any(_is_argument(found) for found in _BY_BLANKS.finditer(text)):
        return True
    return any(_gives_secret(text, at, is_data) for hint in _HINTS for at in _places(lower, hint))


def _places(text: str, literal: str) -> Iterator[int]:
    at = text.find(literal)
    while at >= 0:
        yield at
        at = text.find(literal, at + 1)


def _has_password(text: str, at: int) -> bool:
    """Whether the URL whose `://` is at a place has a password that is no example."""
    if (token := _URL_OF_TOKEN.match(text, at)) and _is_random(token["token"]):
        return True
    if (url := _URL.match(text, at)) is None:
        return False
    user, password = url["user"].lower(), url["password"]
    if _PLACEHOLDER.fullmatch(password) or (user.startswith(("user", "usr")) and password.lower().startswith("pass")):
        return False
    scheme = _SCHEME.search(text[max(0, at - 20) : at].lower())
    if (scheme[0] if scheme else "") not in _WEB:
        return True
    return len(password) >= 8 or (any(map(str.isalpha, password)) and any(map(str.isdigit, password)))


def _is_argument(found: re.Match[str]) -> bool:
    """Whether a command's argument is a password and no example."""
    value = next(filter(None, found.groups()), "")
    return _PLACEHOLDER.fullmatch(value) is None and _is_irregular(value) and not value.isdigit()


def _gives_secret(text: str, at: int, is_data: bool) -> bool:
    """Whether the word at a place ends a name that is given a secret.

    A random word of 20 characters always is one. In data, and behind a variable of a shell, a password of few
    characters is one; in code such a word is a name more likely.
    """
    if (found := _ASSIGNED.match(text, at)) is None:
        return False
    before = text[max(0, at - 60) : at]
    if found[1].lower() == "key" and _KEY.search(before) is None:
        return False
    value, quoted = found["value"].strip("\"'` \n\\"), found["value"].lstrip("\\").startswith(('"', "'", "`", "[["))
    value = value.removeprefix("[[").removeprefix("(").removesuffix(")")
    if "," in found["mark"] and not (quoted and found["quote"]):
        return False  # an argument
    name = _NAME.search(before)
    is_query = name is not None and before[: name.start()].endswith(("?", "&"))
    if is_query:
        value = value.partition("&")[0]
    if quoted and _is_of_many_marks(value):
        return True
    if len(value) < 6 or " " in value or _PLACEHOLDER.fullmatch(value):
        return False
    if value.isdigit() and not found[1].lower().startswith("pass"):
        return False  # a count
    ends_line = not found["rest"].strip() or found["rest"].lstrip().startswith(("#", "//"))
    if _is_random(value):
        return quoted or ends_line or is_data or is_query
    is_group = found["opener"] and ("=" not in found["mark"] or found["rest"].lstrip().startswith(","))
    if found["more"].lower() not in _ENDS or is_group:
        return False
    if is_data and (_is_irregular(value) or (found[1].lower().startswith("p") and _is_words(value))):
        return True
    if quoted:
        return len(value) >= 12 and _num_classes(value) >= 3 and _has_others(value)
    is_variable = name is not None and _VARIABLE.fullmatch(name[0] + found[1] + found["more"]) is not None
    return is_variable and found["mark"] == "=" and ends_line and "." not in value


def _is_random(value: str) -> bool:
    """Whether a word is too irregular for a name: 20 characters or more, letters and digits often in turns."""
    if len(value) < 20 or _RANDOM.fullmatch(value) is None:
        return False
    turns = len(_TURN.findall(value))
    return turns >= 3 or (turns >= 1 and _num_classes(value) >= 3 and any(each in "+/=" for each in value))


def _is_of_many_marks(value: str) -> bool:
    """Whether a long word has so many different marks that it is neither a name nor a template."""
    is_template = any(each in value for each in (" ", "{{", "${", "#{", "<%"))
    return len(value) >= 32 and len({each for each in value if _has_others(each)}) >= 4 and not is_template


def _num_classes(value: str) -> int:
    """How many of lower case, upper case, digits and unusual characters a word has."""
    return sum(any(map(kind, value)) for kind in (str.islower, str.isupper, str.isdigit)) + _has_others(value)


def _is_irregular(value: str) -> bool:
    return any(map(str.isdigit, value)) or _has_others(value)


def _is_words(value: str) -> bool:
    """Whether a value is letters in lower case, too many for one word. Texts for people begin with a capital."""
    return len(value) >= 12 and value.isascii() and value.isalpha() and value.islower()


def _has_others(value: str) -> bool:
    return any(not each.isalnum() and each not in _PLAIN for each in value)
