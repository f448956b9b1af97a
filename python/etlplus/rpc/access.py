"""Who may call which method: the one table, read from the contract when the server is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from etlplus.domain.errors import Bug
from etlplus.v1 import options_pb2

# Declared as a plain field, which the types of options do not take as an extension.
_REQUIRES: Any = options_pb2.requires


class Rule(Enum):
    """What a method asks of its caller."""

    ANYONE = "anyone"
    AUTHENTICATED = "authenticated"
    PERMITTED = "permitted"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Permission:
    """A right: a verb on a kind of resource."""

    verb: str
    resource: str


HEALTH_METHODS: Final = (
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/List",
    "/grpc.health.v1.Health/Watch",
)
REFLECTION_METHODS: Final = (
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
)


class Access:
    """The rules of every method that is served. A method that it does not know is denied.

    Methods are compared whole, never by a part of their name.
    """

    def __init__(
        self, services: Iterable[ServiceDescriptor], *, reflection_without_token: bool = False
    ) -> None:
        reflection = Rule.ANYONE if reflection_without_token else Rule.AUTHENTICATED
        self._rules: dict[str, Rule] = {
            **dict.fromkeys(HEALTH_METHODS, Rule.ANYONE),
            **dict.fromkeys(REFLECTION_METHODS, reflection),
        }
        needs: dict[str, Permission] = {}
        for service in services:
            for method in service.methods:
                name = f"/{service.full_name}/{method.name}"
                requires = _requires(method)
                needs[name] = Permission(requires.verb, requires.resource)
                any_principal = requires.any_principal
                self._rules[name] = Rule.AUTHENTICATED if any_principal else Rule.PERMITTED
        self._needs: Mapping[str, Permission] = MappingProxyType(needs)

    def rule(self, method: str) -> Rule:
        """What a method, as in `/etlplus.v1.JobService/GetJob`, asks of its caller."""
        return self._rules.get(method, Rule.DENIED)

    def permission(self, method: str) -> Permission:
        """The right that a method of the contract needs."""
        return self._needs[method]


def _requires(method: MethodDescriptor) -> options_pb2.Requires:
    options = method.GetOptions()
    if not options.HasExtension(_REQUIRES):
        raise Bug(
            f"{method.full_name} does not say what it requires",
            place=method.full_name,
            hint="Give the method the option (etlplus.v1.requires)",
        )
    requires: options_pb2.Requires = options.Extensions[_REQUIRES]
    if not (requires.verb and requires.resource):
        raise Bug(f"{method.full_name} requires no verb or no resource", place=method.full_name)
    return requires
