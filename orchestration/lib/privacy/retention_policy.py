"""How long what is kept: `retention.yml` and a deployment's own periods, as frozen objects.

Belongs here: reading and checking the policy, and what it says of a date. Does not: deleting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from orchestration.lib.errors import ConfigurationError

POLICY_FILE = Path(__file__).with_name("retention.yml")
LANGUAGES = ("en", "es")


@dataclass(frozen=True)
class RetentionClass:
    """A period and its reason; ``days`` None keeps."""

    name: str
    days: int | None
    titles: Mapping[str, str]
    bases: Mapping[str, str]

    def cut(self, as_of: date) -> date | None:
        """Return the first day that is kept; None when all is."""
        return None if self.days is None else as_of - timedelta(days=self.days)


@dataclass(frozen=True)
class RetentionRule:
    """Which rows of a table a period deletes; those of which ``keeps`` (SQL) is true stay."""

    schema: str
    table: str
    retention_class: RetentionClass
    time: str
    whole: tuple[str, ...] = ()
    until_superseded_by: tuple[str, ...] = ()
    keeps: str = ""

    @property
    def name(self) -> str:
        """``schema.table``."""
        return f"{self.schema}.{self.table}"


@dataclass(frozen=True)
class RetentionPolicy:
    """All classes, the rules, and what is kept without a rule: (pattern, class)."""

    classes: Mapping[str, RetentionClass]
    rules: tuple[RetentionRule, ...]
    kept: tuple[tuple[str, str], ...]

    def class_of(self, schema: str, table: str) -> RetentionClass | None:
        """Return the class of a table that Python or a source writes; None when nobody decided."""
        name = f"{schema}.{table}"
        for rule in self.rules:
            if rule.name == name:
                return rule.retention_class
        for pattern, class_name in self.kept:
            if fnmatchcase(name, pattern):
                return self.classes[class_name]
        return None

    def undecided(self, tables: Iterable[tuple[str, str]]) -> list[str]:
        """Return those of the tables (with personal data) for which there is no decision."""
        return sorted({f"{s}.{t}" for s, t in tables if self.class_of(s, t) is None})


def override_file(home: Path) -> Path:
    """Return where a deployment sets its own periods."""
    return home / "privacy" / "retention.yml"


def load_policy(home: Path) -> RetentionPolicy:
    """Return the policy with the deployment's own periods.

    Raises
    ------
    ConfigurationError
        When the deployment's file names an unknown class or a period that is none.
    """
    document = yaml.safe_load(POLICY_FILE.read_text(encoding="utf-8"))
    days = {name: each["days"] for name, each in document["classes"].items()}
    days |= _own_days(override_file(home), days)
    classes = {
        name: RetentionClass(name, days[name], each["title"], each["basis"])
        for name, each in document["classes"].items()
    }
    return RetentionPolicy(
        classes,
        tuple(_rule(rule, classes) for rule in document["rules"]),
        tuple((each["table"], each["class"]) for each in document["kept"]),
    )


def _rule(rule: Mapping[str, Any], classes: Mapping[str, RetentionClass]) -> RetentionRule:
    schema, _, table = rule["table"].partition(".")
    return RetentionRule(
        schema,
        table,
        classes[rule["class"]],
        rule["time"],
        tuple(rule.get("whole", ())),
        tuple(rule.get("until_superseded_by", ())),
        rule.get("keeps", ""),
    )


def _own_days(path: Path, known: Mapping[str, int | None]) -> dict[str, int | None]:
    if not path.exists():
        return {}
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        own = {name: each["days"] for name, each in document["classes"].items()}
    except (yaml.YAMLError, TypeError, KeyError, AttributeError):
        raise ConfigurationError(
            f"{path} can't be read as retention periods. Write `classes: {{web: {{days: 180}}}}`."
        ) from None
    for name, days in own.items():
        is_period = days is None or (type(days) is int and days >= 1)
        if name not in known or not is_period:
            raise ConfigurationError(
                f"{path}: the class '{name}' with days {days!r} is none. Classes are "
                f"{', '.join(known)}; days are a whole number from 1, or null to keep."
            )
    return own
