"""Names that nothing binds, and the lines that would import them."""

import time

import pytest

from lsp_server.actions.imports import import_hole, imports_name, known_import, unbound_names
from lsp_server.actions.source import Source
from tests.actions.cases import filled, source_with_cursor

UNBOUND = {
    "a module": ("python", "x = ‸json.loads(y)\n\ny = 1\n", ["json"]),
    "a function and a class": ("python", "@‸dataclass\nclass A(Base): pass\n", ["dataclass"]),
    "a base class": ("python", "class A(‸Base): pass\n", ["Base"]),
    "an annotation": ("python", "def f(p: ‸Path) -> Any: pass\n", ["Path", "Any"]),
    "an annotated parameter is bound, its type is not": ("python", "def f(p: Path):\n    return p, ‸Path\n", ["Path"]),
    "an exception": ("python", "try:\n    pass\nexcept ‸Broken as error:\n    print(error)\n", ["Broken"]),
    "in a template string": ("javascript", "const x = ‸`a${path.sep}b`\n", ["path"]),
    "a prefix of a string is no name": ("python", "x = ‸f'a' + rb\"b\"\n", []),
    "an apostrophe in a comment hides nothing": ("javascript", "// don't\nconst x = ‸path // don't\n", ["path"]),
    "javascript": ("javascript", "const x = ‸path.join(a, b)\nlet a, b\n", ["path"]),
    "a component's function": ("typescriptreact", "const [x, setX] = ‸useState(0)\n", ["useState"]),
    "an argument": ("typescript", "f(‸fs)\nfunction f(x: Stats) { return x }\n", ["fs"]),
    "a component, not its tag's words": (
        "typescriptreact",
        "const p = ‸<section className='a'>Hello dear world <Card disabled>{theme}</Card></section>\n",
        ["Card", "theme"],
    ),
    "a type's argument": ("typescript", "const m = new Map<string, ‸Stats>()\n", ["Stats"]),
    "what a type parameter extends": ("typescript", "function f<T extends ‸Base>(x: T) { return x }\n", ["Base"]),
    "an argument of a call with types": ("typescript", "const x = ‸f<Stats>(y)\nfunction f() {}\n", ["Stats", "y"]),
    "a value in an object": ("typescript", "f(‸{ a: b })\nfunction f() {}\n", ["b"]),
    "behind a type's argument": ("typescript", "class B {}\nclass A extends B<B> implements ‸C {}\n", ["C"]),
    "compared": ("javascript", "const x = ‸count > limit\n", ["count", "limit"]),
    "behind a keyword": ("typescript", "const x = ‸{} satisfies Stats\n", ["Stats"]),
    "an expression around a tag": ("javascriptreact", "const x = ‸ok && <b>yes</b>\n", ["ok"]),
}
BOUND = {
    "an import": ("python", "import json\n‸json.loads()\n"),
    "one of several": ("python", "from a import b, c as d\n‸b, d\n"),
    "in brackets, over lines": ("python", "from a import (\n    b,\n    c,\n)\n‸b(c)\n"),
    "an assignment": ("python", "x = y = 1\na, (b, *c) = x\n‸print(x, y, a, b, c)\n"),
    "a parameter": ("python", "def f(a, /, b: int = 1, *c, d=(1, 2), **e):\n    ‸return a, b, c, d, e\n"),
    "a lambda": ("python", "‸f = lambda a, *b: (a, b)\n"),
    "a loop": ("python", "for i, (j, k) in []:\n    ‸print(i, j, k)\n"),
    "a comprehension": ("python", "‸print([a for a in [] for b in a if b])\n"),
    "with": ("python", "with open('x') as f:\n    ‸f.read()\n"),
    "a walrus": ("python", "if (m := 1):\n    ‸print(m)\n"),
    "a pattern": ("python", "match 1:\n    case [a, b]:\n        ‸print(a, b)\n"),
    "strings and comments": ("python", '‸print(\'json\', """os""")  # sys\n'),
    "attributes and keywords": ("python", "x = 1\n‸x.json(path=1)\n"),
    "an import line itself": ("python", "‸import json\n"),
    "a definition below": ("python", "‸f(A)\ndef f(x): pass\nclass A: pass\n"),
    "destructured": ("javascript", "const { a, b: c, ...d } = {}\n‸console.log(a, c, d)\n"),
    "required": ("javascript", "const fs = require('fs')\n‸fs.read()\n"),
    "imported": ("typescript", "import a, { b as c } from 'x'\nimport * as d from 'y'\n‸a(c, d)\n"),
    "arrows": ("typescript", "const f = (a: number, { b }) => ‸a + b\nconst g = c => c\n"),
    "methods": ("typescript", "class A {\n  f(a, b = 1) {\n    ‸return a + b\n  }\n}\n"),
    "templates and comments": ("javascript", "‸f(`x ${1}`) // fs\nfunction f() {}\n"),
    "words between tags": ("javascriptreact", "const p = ‸<p>Hello dear world</p>\n"),
    "a word between tags": ("javascriptreact", "const p = ‸<b>Hello</b>\n"),
    "words on a line of their own": ("typescriptreact", "const p = (\n  <p>\n    ‸Hello dear world\n  </p>)\n"),
    "a word on a line of its own": ("typescriptreact", "const p = (\n  <p>\n    ‸Hello\n  </p>)\n"),
    "words around an expression": ("typescriptreact", "let n\nconst p = ‸<p>Hello {n} of them</p>\n"),
    "tags": ("javascriptreact", "const p = ‸<section><hr/><main hidden></main></section>\n"),
    "renamed where it is taken apart": ("typescript", "function f({ a: b }: P) {\n  ‸return b\n}\n"),
    "renamed in an arrow's parameters": ("typescript", "const f = (x, { a: b, c: d = 1 }) => ‸b + d\n"),
    "a function's type parameter": (
        "typescript",
        "function f<T, U extends T = T>(x: T): U {\n  ‸return x as U as T\n}\n",
    ),
    "a class's": ("typescript", "class A<T> extends B<T> {\n  ‸x!: T\n}\n"),
    "an interface's": ("typescript", "interface A<K, V = K> {\n  ‸x(k: K): V\n}\n"),
    "a type's": ("typescript", "type A<const T> = ‸T[] | readonly T[]\n"),
    "an arrow's": ("typescript", "const f = <T,>(x: T): T => ‸x as T\n"),
    "a method's": ("typescript", "class A {\n  f<T>(x: T) {\n    ‸return x as T\n  }\n}\n"),
    "an inferred type": ("typescript", "type A<X> = X extends (infer U)[] ? ‸U : never\n"),
    "a method, where it is": ("typescript", "class A {\n  ‸static async f<T>(x: T): Promise<T> {}\n}\n"),
    "a key of a mapped type": ("typescript", "type A<X> = { [K in keyof X]: ‸X[K] }\n"),
    "a type parameter of Python": ("python", "def f[T, *U](x: T) -> T:\n    ‸y: T = x\n    return U\n"),
    "a class's of Python": ("python", "class A[T]:\n    ‸x: T\n"),
    "a language that is not read": ("go", "‸fmt.Println()\n"),
}


@pytest.mark.parametrize("case", UNBOUND)
def test_a_name_that_nothing_binds(case):
    language_id, text, names = UNBOUND[case]
    source, start, _ = source_with_cursor(text, language_id)
    assert unbound_names(source, start.line) == names


@pytest.mark.parametrize("case", BOUND)
def test_a_name_that_something_binds(case):
    language_id, text = BOUND[case]
    source, start, _ = source_with_cursor(text, language_id)
    assert unbound_names(source, start.line) == []


PLACES = {
    "not in a string": (
        "python",
        'import os\nSAMPLE = """\nimport sys\nimport json\n"""\n',
        'import os\nNEW\nSAMPLE = """\nimport sys\nimport json\n"""\n',
    ),
    "not in a string, without other imports": (
        "python",
        'SAMPLE = """\nimport sys\nimport json\n"""\n',
        'NEW\nSAMPLE = """\nimport sys\nimport json\n"""\n',
    ),
    "not in a docstring's example": (
        "python",
        '"""Do.\n\nimport json\nprint(1)\n"""\n\nx = 1\n',
        '"""Do.\n\nimport json\nprint(1)\n"""\n\nNEW\nx = 1\n',
    ),
    "not in a comment": (
        "javascript",
        "import a from 'a'\n/*\nimport b from 'b'\n*/\nf()\n",
        "import a from 'a'\nNEW\n/*\nimport b from 'b'\n*/\nf()\n",
    ),
    "not in a template": (
        "javascript",
        "const t = `\nimport b from 'b'\n`\n",
        "NEW\nconst t = `\nimport b from 'b'\n`\n",
    ),
    "behind a directive": ("typescriptreact", '"use client";\nf()\n', '"use client";\nNEW\nf()\n'),
    "behind several": ("javascript", "'use strict'\n'use client'\n\nf()\n", "'use strict'\n'use client'\n\nNEW\nf()\n"),
    "behind a comment and a directive": (
        "javascript",
        "// a\n\n'use server'; // why\n\n// of f\nf()\n",
        "// a\n\n'use server'; // why\n\nNEW\n// of f\nf()\n",
    ),
    "behind imports and a directive": (
        "typescriptreact",
        '"use client";\nimport { useState } from "react";\nf()\n',
        '"use client";\nimport { useState } from "react";\nNEW\nf()\n',
    ),
    "comments with code between them": (
        "javascript",
        "/* a */ const y = 1;\nf()\n/* d */\ng()\n",
        "NEW\n/* a */ const y = 1;\nf()\n/* d */\ng()\n",
    ),
    "not behind a late import": (
        "python",
        "import os\nimport re\n\nfrom a import b\n\nx = json.y\nfrom x import y  # noqa: E402\n",
        "import os\nimport re\n\nfrom a import b\nNEW\n\nx = json.y\nfrom x import y  # noqa: E402\n",
    ),
    "comments between imports": (
        "python",
        "import os  # (\n# Ours:\nimport re\n# of x\nx = 1\n",
        "import os  # (\n# Ours:\nimport re\nNEW\n# of x\nx = 1\n",
    ),
    "an import that is a call": (
        "javascript",
        'import("x").then(f)\nimport.meta.x()\n',
        'NEW\nimport("x").then(f)\nimport.meta.x()\n',
    ),
    "an import over lines": (
        "typescript",
        "import a,\n  { b }\n  from 'x'\nimport c from\n  'y'\nf()\n",
        "import a,\n  { b }\n  from 'x'\nimport c from\n  'y'\nNEW\nf()\n",
    ),
    "a backslash": ("python", "import a, \\\n    b\nx\n", "import a, \\\n    b\nNEW\nx\n"),
    "a bracket in a comment": (
        "python",
        "from a import (  # :)\n    b,\n)\nx\n",
        "from a import (  # :)\n    b,\n)\nNEW\nx\n",
    ),
    "a string that begins a statement": ("python", '"""a\nb""".split()\n', 'NEW\n"""a\nb""".split()\n'),
    "a licence": ("python", "# Licence\n# of x\n\n# of y\ny = 1\n", "# Licence\n# of x\n\nNEW\n# of y\ny = 1\n"),
    "a comment right above the code, at the top": ("python", "# coding: x\ny = 1\n", "# coding: x\nNEW\ny = 1\n"),
    "a shebang": ("javascript", "#!/usr/bin/env node\nf()\n", "#!/usr/bin/env node\nNEW\nf()\n"),
    "blank lines at the top": ("python", "\n\nx = 1\n", "NEW\n\n\nx = 1\n"),
    "only a docstring": ("python", '"""Doc."""\n', '"""Doc."""\nNEW\n'),
    "not in a comment behind an import": (
        "javascript",
        "import a from 'a' /* of\na */\nf()\n",
        "import a from 'a' /* of\na */\nNEW\nf()\n",
    ),
    "not in a string behind an import": (
        "python",
        "import a; S = '''\nx\n'''\ny = 1\n",
        "import a; S = '''\nx\n'''\nNEW\ny = 1\n",
    ),
    "an import in a function": ("python", "def f():\n    import x\n", "NEW\ndef f():\n    import x\n"),
}


@pytest.mark.parametrize("case", PLACES)
def test_an_import_goes_where_it_is_one(case):
    language_id, text, wanted = PLACES[case]
    source = Source(language_id, tuple(text.split("\n")))
    assert filled(source, import_hole(source), "NEW") == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x = json.y\n\nimport late\n", "NEW\nx = json.y\n\nimport late\n"),
        ("x = a.json\n\nimport late\njson.y\n", "x = a.json\n\nimport late\nNEW\njson.y\n"),
        ("A = 'json'\nimport late\njson.y\n", "A = 'json'\nimport late\nNEW\njson.y\n"),
        ("import os\nimport re\njson.y\n", "import os\nimport re\nNEW\njson.y\n"),
    ],
)
def test_an_import_goes_above_each_use_of_its_name(text, wanted):
    source = Source("python", tuple(text.split("\n")))
    assert filled(source, import_hole(source, "json"), "NEW") == wanted


@pytest.mark.parametrize(
    ("language_id", "text", "wanted"),
    [
        ("python", "import os\nimport re\n\nx\n", "import os\nimport re\nNEW\n\nx\n"),
        ("python", "from a import (\n    b,\n)\nx\n", "from a import (\n    b,\n)\nNEW\nx\n"),
        ("python", '#!/bin/x\n"""Doc.\n\nMore."""\n\nx = 1\n', '#!/bin/x\n"""Doc.\n\nMore."""\n\nNEW\nx = 1\n'),
        ("python", "x = 1\n", "NEW\nx = 1\n"),
        ("python", "", "NEW\n"),
        ("javascript", "// a\n'use strict';\nf()\n", "// a\n'use strict';\nNEW\nf()\n"),
        ("typescript", "import {\n  a,\n} from 'x'\nf()\n", "import {\n  a,\n} from 'x'\nNEW\nf()\n"),
    ],
)
def test_where_an_import_goes(language_id, text, wanted):
    source = Source(language_id, tuple(text.split("\n")))
    assert filled(source, import_hole(source), "NEW") == wanted


OTHERS = [
    "import numpy as np\nfrom a.b import c, D\nfrom .here import E\n",
    "from a.b import D\nimport numpy as np\n    import F\n",
    "from z import D\n",
    'EXAMPLE = """\nimport nothing\n"""\n',
]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("np", "import numpy as np"),
        ("numpy", ""),
        ("D", "from a.b import D"),
        ("E", ""),
        ("F", ""),
        ("json", "import json"),
        ("nothing", ""),
    ],
)
def test_what_other_files_write_is_known(name, line):
    assert known_import(Source("python", ("",)), name, OTHERS) == line


@pytest.mark.parametrize(
    ("language_id", "line", "name", "binds"),
    [
        ("python", "from a import b", "b", True),
        ("python", "from a import b as c", "b", False),
        ("python", "from a import b as c", "c", True),
        ("python", "import a.b as c", "c", True),
        ("python", "from a import bc", "b", False),
        ("typescript", "import { a, b } from 'x'", "b", True),
        ("typescript", "import { a as b } from 'x'", "a", False),
        ("javascript", "const x = require('y')", "x", True),
        ("javascript", "import 'x'", "x", False),
    ],
)
def test_which_lines_import_a_name(language_id, line, name, binds):
    assert imports_name(Source(language_id, ("",)), line, name) is binds


@pytest.mark.parametrize(("language_id", "text"), [("python", "x = 1\nx = ‸["), ("typescript", "let x\nx = ‸[")])
@pytest.mark.parametrize("is_bound", [False, True])
def test_a_line_with_many_names_takes_little_time(language_id, text, is_bound):
    names = [f"name_{number}" for number in range(2000)]
    bound = "".join(f"{name} = 1\n" for name in names) if is_bound else ""
    source, start, _ = source_with_cursor(bound + text + ", ".join(names) + "]\n", language_id)
    begun = time.process_time()
    found = unbound_names(source, start.line, 3)
    assert time.process_time() - begun < 0.5
    assert bool(found) is not is_bound


def test_a_long_line_takes_little_time():
    source = Source("javascript", ("x=" + "f(a,b);" * 20_000 + "g(h)",))
    begun = time.process_time()
    unbound_names(source, 0, 3)
    assert time.process_time() - begun < 3
