"""Put the audit together: facts of the published warehouse in, one self-contained HTML file out.

Belongs here: which sections in which order, and the file. Does not: what a section says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from orchestration.lib.audit.advice import main_findings, next_steps_section
from orchestration.lib.audit.customer_sections import (
    abandonment_section,
    pareto_section,
    reachability_section,
    segmentation_section,
)
from orchestration.lib.audit.data_sections import duplicates_section, quality_section
from orchestration.lib.audit.facts import Facts, read_facts
from orchestration.lib.audit.parts import Section, first
from orchestration.lib.audit.purchase_sections import purchase_section, qualification_section
from orchestration.lib.audit.words import LANGUAGES, Words
from orchestration.lib.connection import open_published
from orchestration.lib.errors import ConfigurationError, InputError

TEMPLATE: Final = "page.html.j2"
SECTIONS: Final[tuple[Callable[[Facts, Words], Section], ...]] = (
    quality_section,
    duplicates_section,
    segmentation_section,
    abandonment_section,
    purchase_section,
    pareto_section,
    qualification_section,
    reachability_section,
)


@dataclass(frozen=True)
class Edition:
    """The audit in one language."""

    language: str
    title: str
    subtitle: str
    figures: tuple[tuple[str, str], ...]
    findings: tuple[str, ...]
    sections: tuple[Section, ...]
    words: Words


def edition_of(facts: Facts, language: str) -> Edition:
    """Write the audit in one language."""
    base = first(facts["base"])
    if base is None:
        raise InputError(
            "The published warehouse has no orders and customers to audit. Run `cadencia run` first."
        )
    words = Words(language, base["reporting_currency"])
    described = tuple(section(facts, words) for section in SECTIONS)
    systems = words.listed(base["source_systems"].split(","))
    figures = (
        ("customers", words.people(base["customers"])),
        ("source_records", words.people(base["source_records"])),
        ("orders", words.number(base["orders"])),
        ("net_amount", words.amount(base["net_amount"])),
    )
    return Edition(
        language=language,
        title=words("page.title"),
        subtitle=words(
            "page.subtitle",
            day=words.day(base["as_of_date"]),
            first_day=words.day(base["first_day"]),
            last_day=words.day(base["last_day"]),
            systems=systems,
        ),
        figures=tuple((words(f"page.{name}"), value) for name, value in figures),
        findings=main_findings(described),
        sections=(*described, next_steps_section(facts, words)),
        words=words,
    )


def page_environment(*folders: Path) -> Environment:
    """Return the environment of a page's templates: those of ``folders``, then the house's style."""
    return Environment(
        loader=FileSystemLoader([*folders, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_audit(facts: Facts, language: str) -> str:
    """Return the page with every language; ``language`` is the one that opens.

    Raises
    ------
    ConfigurationError
        When the language is unknown.
    """
    if language not in LANGUAGES:
        raise ConfigurationError(
            f"There is no audit in the language '{language}'; choose {' or '.join(LANGUAGES)}."
        )
    environment = page_environment()
    environment.filters["drawn"] = Markup
    editions = [edition_of(facts, name) for name in LANGUAGES]
    opened = next(edition for edition in editions if edition.language == language)
    return environment.get_template(TEMPLATE).render(editions=editions, opened=opened)


def write_audit(crm_file: Path, target: Path, language: str) -> Path:
    """Write the audit of the published warehouse to a file and return its path.

    Raises
    ------
    ConfigurationError
        When nothing is published, or the file can't be written.
    """
    with open_published(crm_file) as connection:
        facts = read_facts(connection)
    page = render_audit(facts, language)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"The audit can't be written to {target}: {error.strerror}. Choose another --out."
        ) from None
    return target
