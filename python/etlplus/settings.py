"""The settings of the service. This module alone reads the environment.

A setting comes from, first to last: arguments, `ETLPLUS_NAME`, for secrets the file that
`ETLPLUS_NAME_FILE` names, a file `etlplus_name` in the folder that `ETLPLUS_SECRETS_DIR` names, the
TOML file that `ETLPLUS_CONFIG` names (else `etlplus/config.toml` in the user's or the machine's
configuration folder), the default.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import ByteSize, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from etlplus.domain.errors import InvalidInput
from etlplus.domain.queueing import QUEUE

PREFIX: Final = "ETLPLUS_"
DEFAULT_LISTEN: Final = "127.0.0.1:7433"
_LARGEST_PORT = 65535
_QUEUE_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_ANY_IPV4 = "0.0.0.0"  # noqa: S104 it is recognised here, not listened on
_ANY_IPV6 = "::"


def checkout() -> Path | None:
    """The checkout that this package runs from, if it does."""
    root = Path(__file__).resolve().parents[2]
    is_checkout = (root / "Cargo.toml").is_file() and (root / "proto" / "etlplus").is_dir()
    return root if is_checkout else None


def default_data_dir() -> Path:
    """Where state lives when nothing is set: in the checkout, else in the user's data folder."""
    root = checkout()
    if root is not None:
        return root / ".etlplus"
    home = os.environ.get("XDG_DATA_HOME", "")
    return (Path(home) if home else Path.home() / ".local" / "share") / "etlplus"


def visible_environment() -> Mapping[str, str]:
    """What `${env.NAME}` and `env:NAME` may see: all variables but the service's own."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def parse_listen(listen: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT` or `[IPV6]:PORT`. Raises ValueError."""
    host, colon, port = listen.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not host or (":" in host and not bracketed):
        raise ValueError("must be HOST:PORT, as in 127.0.0.1:7433 or [::1]:7433")
    if not (port.isascii() and port.isdigit() and int(port) <= _LARGEST_PORT):
        raise ValueError(f"{port!r} is not a port")
    return (host[1:-1] if bracketed else host), int(port)


class Settings(BaseSettings):
    """Every setting with its default. In the environment each is `ETLPLUS_` and its name."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, validate_default=True, env_ignore_empty=True
    )

    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Folder of the embedded database, work files, rejects and the stored token.",
    )
    database_url: SecretStr | None = Field(
        None, description="PostgreSQL 15 or newer to use; without one an embedded server is run."
    )
    listen: str = Field(DEFAULT_LISTEN, description="HOST:PORT of the gRPC server.")
    http_listen: str = Field(
        "", description="HOST:PORT of the HTTP server, for webhooks; there is none if empty."
    )
    http_most_per_minute: int = Field(
        600, ge=1, le=1_000_000, description="Requests to webhooks that one address may make."
    )
    insecure_plaintext: bool = Field(
        default=False, description="Allow listening and connecting without TLS beyond this machine."
    )
    tls_cert: Path | None = Field(None, description="PEM file with the certificate chain.")
    tls_key: Path | None = Field(None, description="PEM file with the certificate's private key.")
    tls_ca: Path | None = Field(
        None, description="PEM file with the authorities that clients trust; the system's if unset."
    )
    reflection: bool = Field(default=True, description="Serve the contract by reflection.")
    reflection_without_token: bool = Field(
        default=False, description="Answer reflection without a token."
    )
    max_message_bytes: ByteSize = Field(
        ByteSize(16 << 20), ge=1 << 16, le=1 << 30, description="The largest message that is read."
    )
    readiness_seconds: float = Field(
        0.0, ge=0, le=600, description="Time from not being healthy to closing, for balancers."
    )
    stop_grace_seconds: float = Field(
        10.0, ge=0, le=3600, description="Time that calls have to end when the server stops."
    )
    file_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        default_factory=lambda: (Path.cwd(),),
        min_length=1,
        description="Folders that pipelines may touch; relative paths start at the first.",
    )
    pipeline_secrets: Path | None = Field(
        None, description="Folder with a file for each secret that `${secret.NAME}` may name."
    )
    worker_slots: int = Field(2, ge=1, le=1024, description="Jobs that a worker runs at once.")
    queues: Annotated[tuple[str, ...], NoDecode] = Field(
        (QUEUE,),
        min_length=1,
        max_length=100,
        description="Names of the queues that a worker serves, joined by commas.",
    )
    lease_seconds: float = Field(
        30.0, ge=1, le=3600, description="Time after which a silent worker's job is given away."
    )
    job_retention_days: float = Field(
        90.0,
        ge=0,
        le=36500,
        description="Days after its end at which a job is deleted, with its rejects; never if 0.",
    )
    job_memory: ByteSize = Field(
        ByteSize(256 << 20), ge=16 << 20, description="Memory of a job that does not say its own."
    )
    undo_keep: int = Field(
        1, ge=0, le=1000, description="Earlier generations of a target kept for rollbacks."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="`auto` is `console` on a terminal and `json` elsewhere."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severe lines that are written."
    )
    server: str = Field("", description="HOST:PORT that commands speak to; `listen` if empty.")
    token: SecretStr | None = Field(
        None, description="Token of commands; without one the stored token is used."
    )

    @property
    def target(self) -> str:
        """Where commands find the server. A wildcard address is reached by loopback."""
        if self.server:
            return self.server
        host, port = parse_listen(self.listen)
        return {_ANY_IPV4: f"127.0.0.1:{port}", _ANY_IPV6: f"[::1]:{port}"}.get(host, self.listen)

    @property
    def token_file(self) -> Path:
        """Where the local user's token is kept, readable by that user alone."""
        return self.data_dir / "token"

    @field_validator("listen")
    @classmethod
    def _listen_is_an_address(cls, value: str) -> str:
        parse_listen(value)
        return value

    @field_validator("http_listen")
    @classmethod
    def _http_listen_is_an_address(cls, value: str) -> str:
        if value:
            parse_listen(value)
        return value

    @field_validator("queues", mode="before")
    @classmethod
    def _split_queues(cls, value: object) -> object:
        """Names are joined by commas in the environment."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("queues")
    @classmethod
    def _queues_are_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [name for name in value if not _QUEUE_NAME.fullmatch(name)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is not the name of a queue: a-z, 0-9, _ and -")
        return value

    @field_validator("file_roots", mode="before")
    @classmethod
    def _split_roots(cls, value: object) -> object:
        """Folders are joined by `:` in the environment, as in PATH."""
        return (
            [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value
        )

    @field_validator("data_dir", "tls_cert", "tls_key", "tls_ca", "pipeline_secrets")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().absolute()

    @field_validator("file_roots")
    @classmethod
    def _absolute_roots(cls, value: tuple[Path, ...]) -> tuple[Path, ...]:
        return tuple(root.expanduser().absolute() for root in value)

    @model_validator(mode="after")
    def _certificate_has_key(self) -> Settings:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key belong together: set both or neither")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 the library passes it by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The order in the module's description."""
        folder = os.environ.get(f"{PREFIX}SECRETS_DIR")
        sources = [init_settings, env_settings, _FileVariables(settings_cls)]
        if folder:
            sources.append(SecretsSettingsSource(settings_cls, secrets_dir=folder))
        toml = _config_file()
        if toml is not None:
            sources.append(TomlConfigSettingsSource(settings_cls, toml_file=toml))
        return tuple(sources)


class _FileVariables(PydanticBaseSettingsSource):
    """Secrets in files that variables ending in `_FILE` name."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The stripped content of the file, None when there is no such variable."""
        path = os.environ.get(f"{PREFIX}{field_name.upper()}_FILE")
        if not path or "SecretStr" not in str(field.annotation):
            return None, field_name, False
        return Path(path).read_text(encoding="utf-8").strip(), field_name, False

    def __call__(self) -> dict[str, Any]:
        found = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in found.items() if value is not None}


def _config_file() -> Path | None:
    named = os.environ.get(f"{PREFIX}CONFIG")
    if named:
        path = Path(named).expanduser()
        if not path.is_file():
            raise InvalidInput(
                f"there is no file {path}", place=f"{PREFIX}CONFIG", metadata={"path": str(path)}
            )
        return path
    home = os.environ.get("XDG_CONFIG_HOME", "")
    folders = (Path(home) if home else Path.home() / ".config", Path("/etc"))
    files = (folder / "etlplus" / "config.toml" for folder in folders)
    return next((path for path in files if path.is_file()), None)


def load(**overrides: object) -> Settings:
    """The settings as they are now; `overrides` win, those that are None do not count.

    Raises:
        InvalidInput: INVALID_ARGUMENT, naming each wrong setting, never its value.
    """
    given: dict[str, Any] = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        findings = [
            f"{_where(found['loc'])}: {found['msg'].removeprefix('Value error, ')}"
            for found in error.errors(include_input=False, include_url=False)
        ]
    except (OSError, ValueError) as error:
        # A secret file that cannot be read, TOML that does not parse.
        findings = [str(error)]
    raise InvalidInput(
        "; ".join(findings),
        hint=f"Set it as {PREFIX}NAME, in the file that {PREFIX}CONFIG names, or leave it out",
    )


def _where(location: tuple[int | str, ...]) -> str:
    return f"{PREFIX}{str(location[0]).upper()}" if location else "settings"
