"""Put the person's page together: facts in, one self-contained HTML text out, in every language.

Belongs here: which sections in which order. Does not: what a section says (`narrative`, `profile`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestration.lib.audit.page import page_environment
from orchestration.lib.audit.words import LANGUAGES, Words
from orchestration.lib.errors import ConfigurationError
from orchestration.lib.privacy.person_export import narrative
from orchestration.lib.privacy.person_export.facts import PersonFacts
from orchestration.lib.privacy.person_export.parts import PageSection
from orchestration.lib.privacy.person_export.profile import profile_section

HERE: Final = Path(__file__).parent
TEMPLATE: Final = "page.html.j2"
SECTIONS: Final[tuple[Callable[[PersonFacts, Words], PageSection], ...]] = (
    narrative.identity_section,
    narrative.household_section,
    narrative.consents_section,
    narrative.purchases_section,
    narrative.messages_section,
    narrative.service_section,
    narrative.vehicles_section,
    profile_section,
    narrative.plan_section,
    narrative.sources_section,
    narrative.purposes_section,
    narrative.retention_section,
    narrative.rights_section,
)


@dataclass(frozen=True)
class Edition:
    """The page in one language."""

    language: str
    title: str
    subtitle: str
    figures: tuple[tuple[str, str], ...]
    sections: tuple[PageSection, ...]
    words: Words


def _edition(facts: PersonFacts, language: str) -> Edition:
    words = Words(language, facts.currency, HERE / "texts")
    records = [record for subject in facts.subjects for record in subject.records]
    holdings = facts.holdings.values()
    return Edition(
        language,
        words("page.title"),
        words(
            "page.subtitle",
            controller=facts.controller or words("page.controller"),
            day=words.day(facts.as_of),
            issued=words.day(facts.issued_at.date()),
        ),
        (
            (words("page.records"), words.number(len(records))),
            (words("page.systems"), words.number(len({system for system, _ in records}))),
            (words("page.tables"), words.number(len(facts.holdings))),
            (words("page.rows"), words.number(sum(len(each.rows) for each in holdings))),
        ),
        tuple(section(facts, words) for section in SECTIONS),
        words,
    )


def render_page(facts: PersonFacts, language: str) -> str:
    """Return the page with every language; ``language`` is the one that opens.

    Raises
    ------
    ConfigurationError
        When the language is unknown.
    """
    if language not in LANGUAGES:
        raise ConfigurationError(
            f"--language is '{language}'; choose {' or '.join(sorted(LANGUAGES))}."
        )
    # The style is the audit's: one look for all pages.
    environment = page_environment(HERE)
    editions = [_edition(facts, name) for name in LANGUAGES]
    opened = next(edition for edition in editions if edition.language == language)
    return environment.get_template(TEMPLATE).render(editions=editions, opened=opened)
