"""E-mail addresses as they stand in customer files."""

from __future__ import annotations

import pandas as pd
import pytest

from ml.identity.normalise.emails import normalise_emails

# delivered, normalised, key, is valid, issue
EXAMPLES = [
    ("ana.gil@gmail.com", "ana.gil@gmail.com", "anagil@gmail.com", True, None),
    ("Ana.Gil@GMAIL.com", "ana.gil@gmail.com", "anagil@gmail.com", True, None),
    ("ana.gil+tienda@gmail.com", "ana.gil+tienda@gmail.com", "anagil@gmail.com", True, None),
    ("anagil@googlemail.com", "anagil@googlemail.com", "anagil@gmail.com", True, None),
    ("  ana@uni.ac.uk ", "ana@uni.ac.uk", "ana@uni.ac.uk", True, None),
    ("ana.gil@telefonica.net", "ana.gil@telefonica.net", "ana.gil@telefonica.net", True, None),
    ("pepe_2@hotmail.es", "pepe_2@hotmail.es", "pepe_2@hotmail.es", True, None),
    ("p-g@sub.empresa.es", "p-g@sub.empresa.es", "p-g@sub.empresa.es", True, None),
    ("o'neil@x-y.com", "o'neil@x-y.com", "o'neil@x-y.com", True, None),
    ("ana@mail.com", "ana@mail.com", "ana@mail.com", True, None),
    ("ana@ymail.com", "ana@ymail.com", "ana@ymail.com", True, None),
    ("ana@hotmail.fr", "ana@hotmail.fr", "ana@hotmail.fr", True, None),
    ("ana@live.com", "ana@live.com", "ana@live.com", True, None),
    ("juan@logroño.es", "juan@logroño.es", "juan@logroño.es", True, None),
    ("<ana@x.org>", "ana@x.org", "ana@x.org", True, "mended"),
    ("Ana Gil <ana@x.org>", "ana@x.org", "ana@x.org", True, "mended"),
    ("mailto:ana@x.org", "ana@x.org", "ana@x.org", True, "mended"),
    ("e-mail: ana@x.org", "ana@x.org", "ana@x.org", True, "mended"),
    ("ana @x.org", "ana@x.org", "ana@x.org", True, "mended"),
    ("ana@gmail,com", "ana@gmail.com", "ana@gmail.com", True, "mended"),
    ("ana@x.org.", "ana@x.org", "ana@x.org", True, "mended"),
    ("ana(arroba)x.org", "ana@x.org", "ana@x.org", True, "mended"),
    ("ana@x.org; luis@y.org", "ana@x.org", "ana@x.org", True, "several_emails"),
    ("ana@x.org / luis@y.org", "ana@x.org", "ana@x.org", True, "several_emails"),
    ("ana@x.org luis@y.org", "ana@x.org", "ana@x.org", True, "several_emails"),
    ("ana@", "ana@", None, False, "invalid_email"),
    ("@gmail.com", "@gmail.com", None, False, "invalid_email"),
    ("ana", "ana", None, False, "invalid_email"),
    ("ana@gmail", "ana@gmail", None, False, "invalid_email"),
    ("ana@@gmail.com", "ana@@gmail.com", None, False, "invalid_email"),
    ("ana@gmail..com", "ana@gmail..com", None, False, "invalid_email"),
    (".ana@gmail.com", "ana@gmail.com", "ana@gmail.com", True, "mended"),
    ("ana..gil@gmail.com", "ana..gil@gmail.com", None, False, "invalid_email"),
    ("josé@gmail.com", "josé@gmail.com", None, False, "invalid_email"),
    ("600112233", "600112233", None, False, "invalid_email"),
    ("noexiste@noexiste.es", "noexiste@noexiste.es", None, False, "placeholder_email"),
    ("sin.email@tienda.es", "sin.email@tienda.es", None, False, "placeholder_email"),
    ("no@tiene.com", "no@tiene.com", None, False, "placeholder_email"),
    ("test1@gmail.com", "test1@gmail.com", None, False, "placeholder_email"),
    ("a@a.com", "a@a.com", None, False, "placeholder_email"),
    ("xxx@gmail.com", "xxx@gmail.com", None, False, "placeholder_email"),
    ("ana@example.com", "ana@example.com", None, False, "placeholder_email"),
    ("info@talleresgil.es", "info@talleresgil.es", None, True, "role_email"),
    ("atencion.cliente@x.org", "atencion.cliente@x.org", None, True, "role_email"),
    ("ventas@x.org", "ventas@x.org", None, True, "role_email"),
    ("pepe@gmial.com", "pepe@gmial.com", "pepe@gmail.com", True, "domain_typo"),
    ("pepe@gmai.com", "pepe@gmai.com", "pepe@gmail.com", True, "domain_typo"),
    ("pepe@hotmal.com", "pepe@hotmal.com", "pepe@hotmail.com", True, "domain_typo"),
    ("pepe@yaho.es", "pepe@yaho.es", "pepe@yahoo.es", True, "domain_typo"),
    ("pepe@hotmail.con", "pepe@hotmail.con", "pepe@hotmail.com", False, "domain_typo"),
    ("pepe@empresa.con", "pepe@empresa.con", "pepe@empresa.com", False, "domain_typo"),
    ("", None, None, None, None),
    ("-", None, None, None, None),
    (None, None, None, None, None),
]


@pytest.mark.parametrize(("delivered", "email", "key", "is_valid", "issue"), EXAMPLES)
def test_examples(delivered, email, key, is_valid, issue) -> None:
    row = normalise_emails(pd.Series([delivered], dtype="object")).iloc[0]
    found = [None if pd.isna(value) else value for value in row.drop("email_suggestion")]
    assert found == [email, key, is_valid, issue]


def test_a_misspelt_domain_is_suggested_not_changed() -> None:
    row = normalise_emails(pd.Series(["pepe@gmial.com"])).iloc[0]
    assert (row["email"], row["email_suggestion"]) == ("pepe@gmial.com", "pepe@gmail.com")
