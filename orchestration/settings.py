"""Typed settings from the environment (prefix ``CADENCIA_``) and the folders that follow from them.

Belongs here: every knob of a deployment. Does not: constants of a model (in `ml`) or of a source (its yml).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from orchestration.lib.errors import ConfigurationError

PROJECT_ROOT = Path(__file__).resolve().parents[1]
DBT_PROJECT_DIR = PROJECT_ROOT / "dbt_project"

# `--sources demo`: the systems of the simulated group.
DEMO = "demo"
DEMO_SYSTEMS = (
    "erp",
    "ecommerce",
    "pos",
    "dms",
    "mailing",
    "web",
    "contact_center",
    "forms",
    "market",
)
# Read in every run, whichever systems it names: what people decide about the data of the others, and
# who must not be contacted.
ALWAYS_READ = ("steward", "suppression")


class Settings(BaseSettings):
    """Settings of one deployment; each field is the environment variable ``CADENCIA_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="CADENCIA_", frozen=True, extra="ignore")

    home: Path = PROJECT_ROOT / "data"
    sources: Annotated[tuple[str, ...], NoDecode] = DEMO_SYSTEMS
    threads: int = Field(default=2, ge=1)
    memory_limit: str = "6GB"
    keep_published: int = Field(default=5, ge=1)
    schedule: str = "0 5 * * *"
    sensor_settle_seconds: int = Field(default=30, ge=0)
    failure_webhook: SecretStr = SecretStr("")
    pseudonym_key: SecretStr = SecretStr("")
    holdout_key: SecretStr = SecretStr("")
    minimum_group_size: int = Field(default=5, ge=0)
    controller: str = ""
    privacy_contact: str = ""
    margin_share: float = Field(default=1.0, gt=0, le=1)
    annual_discount_rate: float = Field(default=0.10, ge=0, lt=1)
    max_contacts_per_7d: int = Field(default=2, ge=1)
    max_contacts_per_30d: int = Field(default=6, ge=1)
    universal_holdout_share: float = Field(default=0.05, ge=0, lt=1)
    play_holdout_share: float = Field(default=0.10, ge=0, lt=1)
    # LOPDGDD art. 7: whoever is under 14 is never contacted, whatever is set here.
    minimum_contact_age: int = Field(default=18, ge=14, le=30)

    @field_validator("sources", mode="before")
    @classmethod
    def _split_sources(cls, value: object) -> object:
        if isinstance(value, str):
            value = tuple(name.strip() for name in value.split(",") if name.strip())
        if isinstance(value, tuple | list) and DEMO in value:
            expanded = [
                system for name in value for system in (DEMO_SYSTEMS if name == DEMO else (name,))
            ]
            return tuple(dict.fromkeys(expanded))
        return value

    @model_validator(mode="after")
    def _caps_grow_with_the_period(self) -> Settings:
        if self.max_contacts_per_30d < self.max_contacts_per_7d:
            raise ValueError(
                "MAX_CONTACTS_PER_30D is below MAX_CONTACTS_PER_7D, which could then never be reached"
            )
        return self

    @field_validator("home")
    @classmethod
    def _absolute_home(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @property
    def landing_dir(self) -> Path:
        """Folder where files are dropped: ``landing/<system>/``."""
        return self.home / "landing"

    @property
    def simulated_truth_dir(self) -> Path:
        """Folder of what was planted in the demo's files: apart from them, for nothing may read it."""
        return self.home / "simulation" / "truth"

    @property
    def warehouse_dir(self) -> Path:
        """Folder of the published warehouse and of the working copies."""
        return self.home / "warehouse"

    @property
    def quarantine_dir(self) -> Path:
        """Folder of the rejects of runs that were stopped: ``quarantine/<run>/``."""
        return self.home / "quarantine"

    @property
    def keys_dir(self) -> Path:
        """Folder of generated keys, outside the warehouse so that a copy of one lacks the other."""
        return self.home / "keys"

    @property
    def dagster_home(self) -> Path:
        """``DAGSTER_HOME``: run and event storage shared by the CLI and the UI."""
        return self.home / "dagster"


def get_settings() -> Settings:
    """Read the settings from the environment.

    Raises
    ------
    ConfigurationError
        When a variable can't be read; the sentence names it.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"CADENCIA_{'_'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
            for problem in error.errors(include_input=False)
        )
        raise ConfigurationError(
            f"The environment has settings that can't be used: {problems}. Correct or unset them."
        ) from None
