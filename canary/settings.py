"""The only reader of environment and config file: canary.toml and CANARY_… into one typed object."""

import os
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from canary.errors import CanaryError, OutsideError
from canary.store import views
from canary.store.database import Store
from canary.store.spool import Spool
from canary.store.vault import Vault
from canary.trace.judge import Terms
from canary.trace.law import Law

PREFIX = "CANARY_"
# A provider hangs up after 15 seconds: long before, a server stops waiting for the database and uses the spool.
SERVING_PATIENCE = 4


def config_path() -> Path:
    """Where the config file is looked for: CANARY_CONFIG, else canary.toml in the working folder."""
    return Path(os.environ.get("CANARY_CONFIG", "canary.toml")).absolute()


class SecretFiles(PydanticBaseSettingsSource):
    """Reads CANARY_<KEY>_FILE: the value is the content of that file, as Docker and systemd secrets are."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The stripped content of the file the environment names for this field, or None."""
        variable = f"{PREFIX}{field_name.upper()}_FILE"
        path = os.environ.get(variable)
        if path is None:
            return None, field_name, False
        try:
            return Path(path).read_text().strip(), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            raise CanaryError(f"{variable}: cannot read {path}: {error}", "check the path") from error

    def __call__(self) -> dict[str, Any]:
        """All fields that have a file."""
        found = {name: self.get_field_value(f, name)[0] for name, f in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


class Settings(BaseSettings):
    """Every key there is; config/canary.example.toml explains each."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    database_url: str = ""
    key: SecretStr = SecretStr("")
    public_url: str = ""
    twilio_auth_token: SecretStr = SecretStr("")
    twilio_account_sid: str = ""
    twilio_api_url: str = ""
    twilio_voice_fallback_url: str = ""
    twilio_shared_keys: SecretStr = SecretStr("")
    smsgate_key: SecretStr = SecretStr("")
    smsgate_api_url: str = ""
    smsgate_login: SecretStr = SecretStr("")
    smsforwarder_secret: SecretStr = SecretStr("")
    smsforwarder_basic: SecretStr = SecretStr("")
    smsforwarder_phones: dict[str, str] = Field(default_factory=dict)
    kannel_basic: SecretStr = SecretStr("")
    sims: dict[str, str] = Field(default_factory=dict)
    bind: str = "127.0.0.1:8000"
    workers: int = Field(2, ge=1, le=64)
    alpha: float = Field(0.001, gt=0, lt=0.5)
    copies_planned: int = Field(100, ge=1)
    law: Law = Law.EXCLUSIVE
    canaries_per_copy: int = Field(12, ge=1)
    check: bool = False
    hit_rate: float = Field(0.5, gt=0, le=1)
    window_days: int = Field(180, ge=1)
    quarantine_days: int = Field(28, ge=0)
    cooling_days: int = Field(90, ge=0)
    control_share: float = Field(0.1, gt=0, lt=1)
    exclude_token: SecretStr = SecretStr("")
    exclude_per_hour: int = Field(30, ge=1)
    exclude_per_day: int = Field(200, ge=1)
    voice_language: Literal["zh", "en"] = "zh"
    voice_calls_per_caller: int = Field(5, ge=1)
    voice_calls_per_day: int = Field(200, ge=1)
    transcriber: Literal["none", "provider", "local", "sherpa-onnx"] = "none"
    transcriber_command: str = ""
    transcriber_model: str = ""
    transcriber_model_kind: Literal["sense-voice", "paraformer", "whisper"] = "sense-voice"
    media_max_mb: int = Field(32, ge=1, le=256)
    media_delete: bool = False
    spool_folder: str = "spool"
    digest_folder: str = "digests"
    quiet_days: float = Field(7, gt=0)
    phone_battery_percent: int = Field(20, ge=0, le=100)
    phone_quiet_hours: float = Field(6, gt=0)
    alert_email_url: SecretStr = SecretStr("")
    alert_email_from: str = ""
    alert_email_to: str = ""
    alert_slack_url: SecretStr = SecretStr("")
    alert_teams_url: SecretStr = SecretStr("")
    alert_webhook_url: SecretStr = SecretStr("")
    alert_webhook_secret: SecretStr = SecretStr("")
    alert_syslog: str = ""
    alert_again_hours: float = Field(24, ge=0)
    heartbeat_url: SecretStr = SecretStr("")
    drill_from: str = ""
    drill_wait_seconds: float = Field(45, ge=0)
    lease_seconds: float = Field(60, ge=2)
    deliveries_every_seconds: float = Field(120, ge=1)
    reconcile_days: int = Field(3, ge=2)
    reconcile_every_seconds: float = Field(3600, ge=1)
    media_every_seconds: float = Field(600, ge=1)
    verdicts_every_seconds: float = Field(900, ge=1)
    numbers_every_seconds: float = Field(3600, ge=1)
    digest_every_seconds: float = Field(86400, ge=1)
    drift_every_seconds: float = Field(21600, ge=1)
    alerts_every_seconds: float = Field(60, ge=1)
    phones_every_seconds: float = Field(900, ge=1)
    drill_every_seconds: float = Field(86400, ge=1)
    clock_file: str = ""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over secret files over canary.toml."""
        toml = TomlConfigSettingsSource(settings_cls, toml_file=config_path())
        return init_settings, env_settings, SecretFiles(settings_cls), toml

    @property
    def terms(self) -> Terms:
        """On what terms copies are judged."""
        return Terms(self.alpha, self.copies_planned, self.hit_rate)

    @property
    def folder(self) -> Path:
        """The folder of the config file: database, key and digests live here unless told otherwise."""
        return config_path().parent

    @property
    def key_file(self) -> Path:
        """Where `canary init` writes the key when none is given by the environment."""
        return self.folder / "canary.key"

    @cached_property
    def url(self) -> str:
        """The database URL; SQLite beside the config by default."""
        return self.database_url or f"sqlite:///{self.folder / 'canary.sqlite3'}"

    def secret(self) -> str:
        """The master key(s), comma-separated, newest first. Raises CanaryError when there is none."""
        if given := self.key.get_secret_value():
            return given
        try:
            return self.key_file.read_text().strip()
        except (IsADirectoryError, PermissionError, UnicodeDecodeError) as error:
            raise CanaryError(f"{self.key_file.name}: cannot be read: {error}", "restore it from your safe") from error
        except FileNotFoundError:
            raise CanaryError(
                f"no key: neither CANARY_KEY nor {self.key_file.name} beside the config",
                "run `canary init` for a new registry, or restore the key from your safe",
            ) from None

    def store(self) -> Store:
        """The registry these settings point at, checked to be migrated and opened by this key."""
        store = Store(self.url, Vault(self.secret()))
        store.check()
        if self.clock_file:
            _only_simulated(store)
        return store

    def serving_store(self) -> Store:
        """The registry for a server: also while the database is away, for requests then wait in the spool."""
        store = Store(self.url, Vault(self.secret()), SERVING_PATIENCE)
        try:
            store.check()
        except OutsideError:
            if self.clock_file:
                raise
            return store
        if self.clock_file:
            _only_simulated(store)
        return store

    def spool(self) -> Spool:
        """Where raw requests wait while the database cannot take them."""
        return Spool(self.folder / self.spool_folder, Vault(self.secret()))

    def now(self) -> datetime:
        """The time in UTC. A simulated registry (see `demo`) reads its clock from `clock_file`."""
        if not self.clock_file:
            return datetime.now(UTC)
        return datetime.fromisoformat(Path(self.clock_file).read_text().strip())


def _only_simulated(store: Store) -> None:
    # Whoever could set the clock of a real registry could move a contact before or after a hand-over.
    with store.reading() as session:
        if not views.simulated(session):
            raise CanaryError("clock_file is set, but this registry is a real one", "remove clock_file")


def load() -> Settings:
    """The settings in force. Raises CanaryError naming every wrong key."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'config'}: {e['msg']}" for e in error.errors())
        raise CanaryError(f"settings: {wrong}", f"see config/canary.example.toml; read {config_path()}") from error
    except ValueError as error:  # tomllib.TOMLDecodeError
        raise CanaryError(f"{config_path()}: not valid TOML: {error}", "fix the line it names") from error


def confine(folder: Path) -> None:
    """Make this process and its children see only `folder`'s canary.toml: a demo must never touch a real
    registry that the environment points at."""
    for name in [n for n in os.environ if n.startswith(PREFIX)]:
        del os.environ[name]
    os.environ["CANARY_CONFIG"] = str(folder / "canary.toml")
