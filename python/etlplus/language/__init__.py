"""The pipeline language: reads definitions, says what is wrong, lowers them to plans."""

from etlplus.language.canonical import content_hash
from etlplus.language.check import Parsed, parse
from etlplus.language.jsonschema import json_schema, json_schema_text
from etlplus.language.lowering import lower, runtime
from etlplus.language.port import PipelineLanguage
from etlplus.language.render import as_dict, render
from etlplus.language.writer import to_yaml

__all__ = [
    "Parsed",
    "PipelineLanguage",
    "as_dict",
    "content_hash",
    "json_schema",
    "json_schema_text",
    "lower",
    "parse",
    "render",
    "runtime",
    "to_yaml",
]
