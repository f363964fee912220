"""What each grammar's syntax tree calls definitions and imports, as data.

Grammars come compiled, each in its own wheel. Nothing is downloaded at run time. No other module of the package
`languages` imports tree-sitter.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from dataclasses import dataclass

import tree_sitter


@dataclass(frozen=True, slots=True)
class Grammar:
    """How to read the syntax trees of one grammar.

    - `package`, `function`: the wheel's module, and its function that returns the grammar.
    - `kinds`: from types of nodes that define something to what they define. A `class` or `module` has members. An
      `extension` adds members to the class that it names.
    - `imports`: types of nodes that import.
    - `transparent`: types of nodes whose children count as if they stood outside.
    - `self_name`: what comes before a field that a method assigns.
    """

    package: str
    kinds: Mapping[str, str]
    imports: frozenset[str]
    transparent: frozenset[str]
    function: str = "language"
    self_name: str = ""


def _kinds(**names: str) -> dict[str, str]:
    return {name: kind for kind, listed in names.items() for name in listed.split()}


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


_PYTHON = Grammar(
    "tree_sitter_python",
    _kinds(
        **{"class": "class_definition"}, function="function_definition", variable="assignment type_alias_statement"
    ),
    _set("import_statement import_from_statement"),
    _set("decorated_definition expression_statement if_statement elif_clause else_clause try_statement except_clause "
         "finally_clause for_statement block with_statement"),
    self_name="self",
)  # fmt: skip
_SCRIPT_KINDS = _kinds(
    **{"class": "class_declaration abstract_class_declaration interface_declaration enum_declaration internal_module"},
    function="function_declaration generator_function_declaration function_signature method_definition "
    "method_signature abstract_method_signature",
    variable="variable_declarator type_alias_declaration",
    field="public_field_definition field_definition property_signature enum_assignment property_identifier",
)
_SCRIPT_OPEN = _set(
    "export_statement lexical_declaration variable_declaration expression_statement ambient_declaration class_body "
    "interface_body enum_body statement_block if_statement"
)
_JAVASCRIPT = Grammar(
    "tree_sitter_javascript", _SCRIPT_KINDS, _set("import_statement export_statement"), _SCRIPT_OPEN, self_name="this"
)
_TYPESCRIPT = Grammar(
    "tree_sitter_typescript",
    _SCRIPT_KINDS,
    _set("import_statement export_statement"),
    _SCRIPT_OPEN,
    function="language_typescript",
    self_name="this",
)
_TSX = Grammar(
    "tree_sitter_typescript",
    _SCRIPT_KINDS,
    _set("import_statement export_statement"),
    _SCRIPT_OPEN,
    function="language_tsx",
    self_name="this",
)
_JAVA = Grammar(
    "tree_sitter_java",
    _kinds(
        **{"class": "class_declaration interface_declaration enum_declaration record_declaration "
                    "annotation_type_declaration"},
        function="method_declaration constructor_declaration",
        field="field_declaration enum_constant constant_declaration",
    ),
    _set("import_declaration"),
    _set("class_body interface_body enum_body enum_body_declarations"),
)  # fmt: skip
_C_OPEN = _set(
    "preproc_ifdef preproc_if preproc_else preproc_elif field_declaration_list enumerator_list declaration_list "
    "linkage_specification template_declaration"
)
_C = Grammar(
    "tree_sitter_c",
    _kinds(
        **{"class": "struct_specifier union_specifier enum_specifier type_definition"},
        function="function_definition preproc_function_def",
        variable="declaration preproc_def",
        field="field_declaration enumerator",
    ),
    _set("preproc_include"),
    _C_OPEN,
)
_CPP = Grammar(
    "tree_sitter_cpp",
    _kinds(
        **{"class": "class_specifier struct_specifier union_specifier enum_specifier type_definition"},
        module="namespace_definition",
        function="function_definition preproc_function_def",
        variable="declaration preproc_def alias_declaration",
        field="field_declaration enumerator",
    ),
    _set("preproc_include"),
    _C_OPEN,
)
_C_SHARP = Grammar(
    "tree_sitter_c_sharp",
    _kinds(
        **{"class": "class_declaration interface_declaration struct_declaration record_declaration enum_declaration "
                    "delegate_declaration"},
        function="method_declaration constructor_declaration local_function_statement",
        field="field_declaration property_declaration event_field_declaration enum_member_declaration",
    ),
    _set("using_directive"),
    _set("namespace_declaration file_scoped_namespace_declaration declaration_list enum_member_declaration_list"),
)  # fmt: skip
_GO = Grammar(
    "tree_sitter_go",
    _kinds(
        **{"class": "type_spec type_alias"},
        function="function_declaration",
        method="method_declaration",
        variable="const_spec var_spec",
        field="field_declaration method_elem",
    ),
    _set("import_spec"),
    _set("type_declaration const_declaration var_declaration var_spec_list struct_type interface_type "
         "field_declaration_list import_declaration import_spec_list"),
)  # fmt: skip
_RUST = Grammar(
    "tree_sitter_rust",
    _kinds(
        **{"class": "struct_item enum_item trait_item union_item"},
        module="mod_item",
        extension="impl_item",
        function="function_item function_signature_item macro_definition",
        variable="const_item static_item type_item",
        field="field_declaration enum_variant",
    ),
    _set("use_declaration"),
    _set("declaration_list field_declaration_list enum_variant_list foreign_mod_item"),
)
_RUBY = Grammar(
    "tree_sitter_ruby",
    _kinds(**{"class": "class"}, module="module", function="method singleton_method", variable="assignment"),
    _set("call"),
    _set("body_statement"),
    self_name="@",
)
_PHP = Grammar(
    "tree_sitter_php",
    _kinds(
        **{"class": "class_declaration interface_declaration trait_declaration enum_declaration"},
        function="function_definition method_declaration",
        variable="const_declaration",
        field="property_declaration enum_case",
    ),
    _set("namespace_use_declaration require_once_expression require_expression include_expression "
         "include_once_expression"),
    _set("declaration_list namespace_definition compound_statement expression_statement enum_declaration_list"),
    function="language_php",
)  # fmt: skip
_KOTLIN = Grammar(
    "tree_sitter_kotlin",
    _kinds(
        **{"class": "class_declaration object_declaration"},
        function="function_declaration secondary_constructor",
        variable="property_declaration type_alias",
        field="enum_entry",
    ),
    _set("import"),
    _set("class_body enum_class_body companion_object"),
)

# Types of nodes that grammars share.
IDENTIFIERS = frozenset(
    {
        *("identifier", "type_identifier", "field_identifier", "property_identifier", "private_property_identifier"),
        *("simple_identifier", "constant", "name", "namespace_identifier", "package_identifier"),
    }
)
# Fields and nodes that do not hold the name of a definition.
NAMELESS_FIELDS = frozenset({"type", "value", "parameters", "body", "right", "returns", "return_type", "result"})
NAMELESS_NODES = frozenset(
    {
        *("modifiers", "modifier", "visibility_modifier", "accessibility_modifier", "decorator", "attribute_list"),
        *("user_type", "nullable_type", "type_parameters", "storage_class_specifier", "type_qualifier"),
        *("primitive_type", "marker_annotation", "annotation", "attribute_item"),
    }
)
PATTERNS = frozenset({"pattern_list", "tuple_pattern", "list_pattern", "list_splat_pattern", "left_assignment_list"})
COMMENTS = frozenset({"comment", "line_comment", "block_comment", "multiline_comment"})
# Nodes around a definition, above which its documentation stands.
WRAPPERS = ("export_statement", "decorated_definition", "type_declaration", "template_declaration")


PIECE_BYTES = 4096  # a parser gets a text in pieces of this size
GRAMMARS: Mapping[str, Grammar] = {
    "python": _PYTHON,
    "javascript": _JAVASCRIPT,
    "typescript": _TYPESCRIPT,
    "tsx": _TSX,
    "java": _JAVA,
    "c": _C,
    "cpp": _CPP,
    "csharp": _C_SHARP,
    "go": _GO,
    "rust": _RUST,
    "ruby": _RUBY,
    "php": _PHP,
    "kotlin": _KOTLIN,
}


@functools.cache
def _language_of(name: str) -> tree_sitter.Language:
    grammar = GRAMMARS[name]
    return tree_sitter.Language(getattr(importlib.import_module(grammar.package), grammar.function)())


@functools.cache
def parser_of(name: str) -> tree_sitter.Parser:
    """A parser by the name of its grammar. Threads must not share one: the caller sees to that."""
    return tree_sitter.Parser(_language_of(name))


def count_errors(name: str, text: str) -> int:
    """The number of syntax errors in a text: what the grammar does not know, and what it misses.

    Any thread may call this: each call has a parser of its own.
    """
    content = text.encode("utf-8", "replace")
    # In pieces: parsing a whole text at once would let no other Python thread run meanwhile.
    tree = tree_sitter.Parser(_language_of(name)).parse(lambda offset, _: content[offset : offset + PIECE_BYTES])
    found, pending = 0, [tree.root_node]
    while pending:
        node = pending.pop()
        found += node.is_error or node.is_missing
        if node.has_error:
            pending += node.children
    return found
