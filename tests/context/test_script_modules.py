"""Where JavaScript's and TypeScript's imports lead in projects laid out as people do."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.index.symbols import outline
from lsp_server.languages.script_config import CompilerConfig, decode_script_config, read_script_config

TSCONFIG = """// The root's settings.
{
  "compilerOptions": {
    /* aliases */
    "strict": true, "baseUrl": ".",
    "paths": {
      "@app/*": ["./src/app/*", "./generated/*"], // "not": "this"
      "@app/legacy/*": ["./old/*"],
      "config": ["./src/config/index.ts"],
    },
  },
}
"""
ALIASED = {
    "tsconfig.json": TSCONFIG,
    "packages/web/tsconfig.json": '{"extends": "../../tsconfig"}',
    "packages/web/src/main.ts": "",
    "packages/own/tsconfig.json": """{"extends": ["../../tsconfig.json"],
                                      "compilerOptions": {"paths": {"~/*": ["./*"]}}}""",
    "src/app/store.ts": "export const f = 1",
    "generated/schema.ts": "export const f = 1",
    "old/store.ts": "export const f = 1",
    "src/config/index.ts": "export const f = 1",
    "src/plain.ts": "export const f = 1",
    "decoy/app/store.ts": "export const f = 1",
}
VITE = {
    "tsconfig.json": '{"files": [], "references": [{"path": "./tsconfig.app.json"}, {"path": "./node"}]}',
    "tsconfig.app.json": '{"compilerOptions": {"paths": {"$lib/*": ["./library/*"]}}}',
    "node/tsconfig.json": '{"compilerOptions": {"paths": {"$node/*": ["./*"]}}}',
    "library/a.js": "export function f() {}",
    "node/b.js": "export function f() {}",
}
JSCONFIG = {
    "jsconfig.json": '{"compilerOptions": {"baseUrl": "client"}}',
    "client/api/users.js": "export function f() {}",
}
MONOREPO = {
    "package.json": '{"name": "root", "private": true, "workspaces": ["packages/*"]}',
    "packages/ui/package.json": json.dumps(
        {
            "name": "@acme/ui",
            "main": "./dist/index.js",
            "exports": {
                ".": {"types": "./dist/index.d.ts", "default": "./dist/index.js"},
                "./theme": "./src/styles/theme.ts",
                "./icons/*": {"import": "./dist/icons/*.mjs", "source": "./src/glyphs/*.ts"},
                "./old/*.js": None,
            },
        }
    ),
    "packages/ui/src/index.ts": "export * from './button'",
    "packages/ui/src/button.ts": "export function f() {}",
    "packages/ui/src/styles/theme.ts": "export const f = 1",
    "packages/ui/src/glyphs/star.ts": "export const f = 1",
    "packages/util/package.json": '{"name": "util", "main": "lib/main"}',
    "packages/util/lib/main.js": "export function f() {}",
    "packages/util/deep/thing.js": "export function f() {}",
    "packages/build/package.json": '{"name": "@acme/build", "module": "dist/esm/entry.js"}',
    "packages/build/src/entry.ts": "export const f = 1",
    "packages/tsconfig/package.json": '{"name": "@acme/tsconfig"}',
    "packages/tsconfig/base.json": "not looked at: no tsconfig by its name",
    "packages/tsconfig/tsconfig.base.json": '{"compilerOptions": {"baseUrl": "../shared"}}',
    "packages/shared/clock.ts": "export const f = 1",
    "apps/site/tsconfig.json": '{"extends": "@acme/tsconfig/tsconfig.base.json"}',
    "apps/site/package.json": '{"name": "site", "imports": {"#db": "./server/db.ts", "#lib/*.js": "./server/*.ts"}}',
    "apps/site/server/db.ts": "export const f = 1",
    "apps/site/pages/home.ts": "",
}
SITE = "apps/site/pages/home.ts"
CASES = [
    (ALIASED, "src/main.ts", "@app/store", "src/app/store.ts"),
    (ALIASED, "packages/web/src/main.ts", "@app/store", "src/app/store.ts"),
    (ALIASED, "src/main.ts", "@app/schema", "generated/schema.ts"),
    (ALIASED, "src/main.ts", "@app/legacy/store", "old/store.ts"),
    (ALIASED, "src/main.ts", "config", "src/config/index.ts"),
    (ALIASED, "packages/web/src/main.ts", "src/plain", "src/plain.ts"),
    (ALIASED, "packages/own/main.ts", "~/src/plain", "src/plain.ts"),
    (ALIASED, "packages/own/main.ts", "@app/schema", None),
    (VITE, "main.js", "$lib/a", "library/a.js"),
    (VITE, "main.js", "$node/b", "node/b.js"),
    (JSCONFIG, "server/main.js", "api/users", "client/api/users.js"),
    (MONOREPO, SITE, "@acme/ui", "packages/ui/src/button.ts"),
    (MONOREPO, SITE, "@acme/ui/theme", "packages/ui/src/styles/theme.ts"),
    (MONOREPO, SITE, "@acme/ui/icons/star", "packages/ui/src/glyphs/star.ts"),
    (MONOREPO, SITE, "@acme/ui/button", "packages/ui/src/button.ts"),
    (MONOREPO, SITE, "util", "packages/util/lib/main.js"),
    (MONOREPO, SITE, "util/deep/thing.js", "packages/util/deep/thing.js"),
    (MONOREPO, SITE, "@acme/build", "packages/build/src/entry.ts"),
    (MONOREPO, SITE, "clock", "packages/shared/clock.ts"),
    (MONOREPO, SITE, "#db", "apps/site/server/db.ts"),
    (MONOREPO, SITE, "#lib/db.js", "apps/site/server/db.ts"),
    (MONOREPO, "packages/ui/src/button.ts", "#db", None),
    (MONOREPO, SITE, "@acme/nothing", None),
    (MONOREPO, SITE, "react", None),
]


@pytest.mark.parametrize(
    ("files", "importer", "module", "expected"), CASES, ids=[f"{case[2]} in {case[1]}" for case in CASES]
)
def test_modules_are_found_as_the_configuration_says(project, files, importer, module, expected):
    text = f"import {{ f }} from '{module}'"
    resolver = project({importer: text, **files}).resolver
    (what,) = outline("typescript", text).imports
    found = resolver.imported("typescript", importer, what)
    assert [each.file.path for each in found] == ([expected] if expected else [])


def test_what_is_changed_in_a_configuration_counts(project):
    text = "import { f } from '@x/a'"
    made = project({"tsconfig.json": "{}", "lib/a.ts": "export const f = 1", "main.ts": text})
    (what,) = outline("typescript", text).imports
    made.resolver.refresh()
    assert made.resolver.imported("typescript", "main.ts", what) == []
    made.write({"tsconfig.json": '{"compilerOptions": {"paths": {"@x/*": ["lib/*"]}}}'})
    made.resolver.refresh()
    assert [each.file.path for each in made.resolver.imported("typescript", "main.ts", what)] == ["lib/a.ts"]


def test_configurations_that_extend_each_other_end(project):
    loop = {"tsconfig.json": '{"extends": "./tsconfig.b.json"}', "tsconfig.b.json": '{"extends": "./tsconfig"}'}
    text = "import { f } from 'a'"
    (what,) = outline("typescript", text).imports
    assert project({"main.ts": text, **loop}).resolver.imported("typescript", "main.ts", what) == []


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(alphabet='a*/\\",:}{]#. \n', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet="a*/.,}#", max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)
KEYS = st.sampled_from(["compilerOptions", "extends", "references", "paths", "baseUrl", "name", "exports", "imports"])


@given(st.dictionaries(KEYS, JSON_VALUES | st.dictionaries(KEYS, JSON_VALUES, max_size=3)), st.text(max_size=20))
def test_whatever_stands_in_a_configuration_it_can_be_read(value, text):
    for path in ("tsconfig.json", "a/package.json"):
        assert decode_script_config(read_script_config(path, json.dumps(value)))
        read_script_config(path, text)


def test_of_a_configuration_what_is_needed_is_kept():
    assert decode_script_config(read_script_config("x/tsconfig.json", TSCONFIG)) == CompilerConfig(
        base_url=".",
        paths={"@app/*": ["./src/app/*", "./generated/*"], "@app/legacy/*": ["./old/*"],
               "config": ["./src/config/index.ts"]},
    )  # fmt: skip
