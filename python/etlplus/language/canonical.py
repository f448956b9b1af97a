"""The one form of a definition's bytes, so that equal definitions have equal bytes and hashes."""

from __future__ import annotations

import hashlib

from google.protobuf.message import DecodeError

from etlplus.domain.errors import InvalidInput
from etlplus.v1 import plan_pb2


def encode(spec: plan_pb2.PipelineSpec) -> bytes:
    """Return the canonical bytes: maps in the order of their keys, no unknown fields."""
    copy = plan_pb2.PipelineSpec()
    copy.CopyFrom(spec)
    copy.DiscardUnknownFields()
    return copy.SerializeToString(deterministic=True)


def decode(data: bytes) -> plan_pb2.PipelineSpec:
    """Return the definition that bytes hold.

    Raises:
        InvalidInput: The bytes are no PipelineSpec (SPEC_INVALID).
    """
    try:
        return plan_pb2.PipelineSpec.FromString(data)
    except DecodeError as error:
        raise InvalidInput(
            "The stored definition is damaged", code="SPEC_INVALID", place="spec"
        ) from error


def content_hash(data: bytes) -> str:
    """Return the SHA-256 of canonical bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
