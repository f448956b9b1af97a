"""The pipeline language: reads definitions, says what is wrong, lowers them to plans."""

from etlplus.language.canonical import content_hash
from etlplus.language.check import Parsed, parse
from etlplus.language.lowering import lower, runtime
from etlplus.language.render import as_dict, render

__all__ = ["Parsed", "as_dict", "content_hash", "lower", "parse", "render", "runtime"]
