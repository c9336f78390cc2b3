"""Names of people born abroad, by origin: a short list each, with the weight of the origin.

Spanish and Latin American names share INE's lists, see `name_lists`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Origin:
    """An origin; without names of its own it draws from the Spanish lists."""

    name: str
    weight: float
    has_two_surnames: bool
    female: tuple[str, ...] = ()
    male: tuple[str, ...] = ()
    surnames: tuple[str, ...] = ()


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ORIGINS: Final = (
    Origin("Latin America", 0.46, has_two_surnames=True),
    Origin(
        "Morocco",
        0.15,
        has_two_surnames=False,
        female=_words("Fatima Khadija Aicha Naima Malika Hanan Samira Rachida Karima Nadia Salma"),
        male=_words(
            "Mohamed Ahmed Youssef Hassan Said Rachid Mustapha Abdelkader Omar Hamid Karim"
        ),
        surnames=(
            *_words(
                "Alaoui Benali Bouzid Chaoui Haddad Idrissi Tahiri Ziani Amrani Lahlou Bennani"
            ),
            "El Amrani",
            "El Idrissi",
            "El Moussaoui",
            "Ben Ahmed",
        ),
    ),
    Origin(
        "Romania",
        0.12,
        has_two_surnames=False,
        female=_words(
            "Maria Elena Ioana Mihaela Andreea Daniela Cristina Alina Gabriela Florentina"
        ),
        male=_words("Vasile Ion Gheorghe Constantin Alexandru Mihai Adrian Florin Ionut Marian"),
        surnames=_words(
            "Popescu Ionescu Popa Pop Radu Dumitru Stan Stoica Gheorghe Matei Ciobanu Rusu Munteanu"
        ),
    ),
    Origin(
        "United Kingdom",
        0.08,
        has_two_surnames=False,
        female=_words("Susan Margaret Patricia Linda Karen Sarah Emma Jane Christine Elizabeth"),
        male=_words("John David Michael Peter Robert Paul Stephen Andrew James William Brian"),
        surnames=_words(
            "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson O'Neill"
        ),
    ),
    Origin(
        "Italy",
        0.06,
        has_two_surnames=False,
        female=_words("Giulia Francesca Chiara Federica Valentina Silvia Elisa Paola Martina"),
        male=_words("Marco Andrea Alessandro Luca Giuseppe Matteo Stefano Davide Roberto"),
        surnames=_words("Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Greco Conti"),
    ),
    Origin(
        "China",
        0.05,
        has_two_surnames=False,
        female=_words("Li Xiao Yan Mei Hong Ling Yu Na Jing Xia"),
        male=_words("Wei Jun Jian Ming Hao Bin Lei Feng Qiang Yong"),
        surnames=_words("Wang Chen Lin Zhang Li Xu Wu Zhou Ye Liu Jin Xia"),
    ),
    Origin(
        "Ukraine",
        0.04,
        has_two_surnames=False,
        female=_words("Oksana Olena Natalia Svitlana Iryna Tetiana Halyna Olha Mariia"),
        male=_words("Oleksandr Serhii Volodymyr Andrii Mykola Ivan Vasyl Yurii Ihor"),
        surnames=_words(
            "Shevchenko Kovalenko Bondarenko Tkachenko Melnyk Boyko Kravchenko Savchuk"
        ),
    ),
    Origin(
        "Germany and France",
        0.04,
        has_two_surnames=False,
        female=_words("Anna Claudia Petra Sabine Monika Marie Sophie Isabelle Nathalie Ursula"),
        male=_words("Thomas Michael Hans Peter Klaus Pierre Philippe Jean Michel Jürgen"),
        surnames=_words(
            "Müller Schmidt Schneider Fischer Weber Martin Bernard Dubois Moreau Meyer"
        ),
    ),
)
