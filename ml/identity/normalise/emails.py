"""E-mail addresses: form, placeholders, shared role addresses, misspelt domains, the key to compare by.

Belongs here: what can be told from the address alone. Does not: whether several people use it.
"""

from __future__ import annotations

import re

import pandas as pd

from ml.identity.normalise.text import by_distinct, clean, is_empty, joined, settle

COLUMNS = {
    "email": "object",
    "email_key": "object",
    "email_suggestion": "object",
    "is_email_valid": "boolean",
    "email_issue": "object",
}
LOCAL = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
LABEL = r"[a-z0-9ñç](?:[a-z0-9ñç-]{0,61}[a-z0-9ñç])?"
ADDRESS = re.compile(rf"{LOCAL}@(?:{LABEL}\.)+[a-z]{{2,24}}")
IN_BRACKETS = re.compile(r"<([^<>@\s]+@[^<>@\s]+)>")
SEPARATOR = re.compile(r"\s*[;,/|]\s*|\s+")
LABEL_BEFORE = re.compile(r"^(?:mailto|e-?mail|correo(?: electronico| electrónico)?|mail)\s*:\s*")
AROUND = " .,;:'\"<>()[]"
PLACEHOLDER_LOCALS = frozenset(
    [
        "noexiste",
        "sinemail",
        "sincorreo",
        "sinmail",
        "nomail",
        "noemail",
        "nocorreo",
        "notiene",
        "notienemail",
        "notieneemail",
        "notienecorreo",
        "noconsta",
        "noaplica",
        "nodisponible",
        "nodispone",
        "nofacilita",
        "noquiere",
        "notengo",
        "nosabe",
        "nose",
        "notienen",
        "noaporta",
        "noaportado",
        "noinforma",
        "notrae",
        "nolotiene",
        "nodefinido",
        "desconocido",
        "unknown",
        "none",
        "null",
        "nan",
        "undefined",
        "test",
        "testing",
        "tests",
        "prueba",
        "pruebas",
        "asdf",
        "asdfg",
        "asdfasdf",
        "qwerty",
        "fake",
        "falso",
        "ejemplo",
        "example",
        "anonimo",
        "anonymous",
        "nobody",
        "noreply",
        "donotreply",
        "pendiente",
        "correo",
        "email",
        "mail",
        "emailcliente",
        "correocliente",
        "sindatos",
        "sin",
        "no",
        "nada",
        "ninguno",
        "vacio",
    ]
)
PLACEHOLDER_DOMAINS = frozenset(
    [
        "example.com",
        "example.org",
        "example.net",
        "example.es",
        "test.com",
        "test.es",
        "ejemplo.com",
        "ejemplo.es",
        "noemail.com",
        "nomail.com",
        "sinemail.com",
        "sincorreo.com",
        "sinmail.com",
        "nocorreo.com",
        "notiene.com",
        "notiene.es",
        "noexiste.com",
        "noexiste.es",
        "tiene.com",
        "no.com",
        "no.es",
        "prueba.com",
        "prueba.es",
        "email.invalid",
        "correo.invalid",
        "none.com",
        "a.com",
        "aa.com",
        "aaa.com",
        "a.es",
        "x.es",
        "xx.com",
        "xxx.com",
        "xxx.es",
        "asdf.com",
    ]
)
ROLE_LOCALS = frozenset(
    [
        "info",
        "ventas",
        "contacto",
        "contact",
        "admin",
        "administracion",
        "administrador",
        "comercial",
        "facturacion",
        "facturas",
        "pedidos",
        "compras",
        "contabilidad",
        "soporte",
        "atencioncliente",
        "atencionalcliente",
        "clientes",
        "cliente",
        "rrhh",
        "recepcion",
        "oficina",
        "oficinas",
        "gerencia",
        "direccion",
        "hola",
        "hello",
        "sales",
        "support",
        "office",
        "webmaster",
        "postmaster",
        "marketing",
        "tienda",
        "taller",
        "empresa",
        "despacho",
        "secretaria",
        "reservas",
        "booking",
        "restaurante",
        "hostmaster",
        "proveedores",
        "logistica",
        "almacen",
        "comunicacion",
        "prensa",
        "abuse",
        "root",
    ]
)
PROVIDERS = (
    "gmail",
    "hotmail",
    "yahoo",
    "outlook",
    "icloud",
    "movistar",
    "telefonica",
    "googlemail",
)
HOME_DOMAIN = {
    "gmail": "gmail.com", "hotmail": "hotmail.com", "yahoo": "yahoo.es", "outlook": "outlook.com",
    "icloud": "icloud.com", "movistar": "movistar.es", "telefonica": "telefonica.net",
    "googlemail": "googlemail.com",
}  # fmt: skip
# One letter away from a provider, but a provider of its own.
OWN_PROVIDERS = frozenset({"mail", "ymail", "email", "gmx", "fmail", "rmail"})
NO_SUCH_ENDING = {
    "con": "com", "comm": "com", "cpm": "com", "vom": "com", "coom": "com", "cmo": "com", "xom": "com",
    "ocm": "com", "conm": "com", "como": "com", "ccom": "com", "comn": "com", "ess": "es", "neet": "net",
}  # fmt: skip
# These exist, but not with the big providers.
UNLIKELY_ENDING = {"co": "com", "cm": "com", "om": "com", "cim": "com", "ed": "es", "e": "es"}


def normalise_emails(values: pd.Series) -> pd.DataFrame:
    """Normalise e-mail addresses.

    Returns
    -------
    pandas.DataFrame
        ``email`` (lower case, what was delivered when it is no address), ``email_key`` (without tags
        and the dots that Gmail ignores; missing for what identifies nobody), ``email_suggestion``,
        ``is_email_valid`` and ``email_issue``: invalid_email, placeholder_email, role_email,
        domain_typo, several_emails, mended.
    """
    return by_distinct(values, _normalise, COLUMNS)


def _normalise(text: str) -> tuple[str | None, str | None, str | None, bool | None, str | None]:
    written = (
        text.strip().lower()
        if text.isascii() and text.isprintable()
        else settle(clean(text), str.lower)
    )
    if is_empty(written):
        return None, None, None, None, None
    address, issue = (written, None) if ADDRESS.fullmatch(written) else _mend(written)
    local, _, domain = address.rpartition("@")
    if issue == "invalid_email" or len(address) > 254 or len(local) > 64 or ".." in domain:
        return address, None, None, False, "invalid_email"
    if _is_placeholder(local, domain):
        return address, None, None, False, joined(issue, "placeholder_email")
    suggested_domain, exists = _suggestion(domain)
    suggestion = f"{local}@{suggested_domain}" if suggested_domain else None
    typo = "domain_typo" if suggestion else None
    if local.replace(".", "").replace("-", "").replace("_", "") in ROLE_LOCALS:
        return address, None, suggestion, exists, joined(issue, "role_email", typo)
    return (
        address, _key(local, suggested_domain or domain), suggestion, exists, joined(issue, typo),
    )  # fmt: skip


def _mend(written: str) -> tuple[str, str]:
    """Return the address that stands in a text, or the text itself as invalid."""
    bracketed = IN_BRACKETS.search(written)
    if bracketed and ADDRESS.fullmatch(bracketed[1]):
        return bracketed[1], "mended"
    written_out = LABEL_BEFORE.sub("", written).replace("(arroba)", "@").replace("(at)", "@")
    if written_out.count("@") == 1:
        # one address: blanks and commas are slips of the keyboard
        squeezed = written_out.replace(" ", "").strip(AROUND).replace(",", ".")
        return (squeezed, "mended") if ADDRESS.fullmatch(squeezed) else (written, "invalid_email")
    parts = [part.strip(AROUND) for part in SEPARATOR.split(written_out)]
    addresses = [part for part in parts if ADDRESS.fullmatch(part)]
    if addresses:
        return addresses[0], "several_emails" if len(addresses) > 1 else "mended"
    return written, "invalid_email"


def _is_placeholder(local: str, domain: str) -> bool:
    bare = re.sub(r"[._-]", "", local)
    stem = bare.rstrip("0123456789")
    first = domain.split(".")[0]
    return (
        bare in PLACEHOLDER_LOCALS
        or (stem in PLACEHOLDER_LOCALS and len(stem) > 3)
        or domain in PLACEHOLDER_DOMAINS
        or domain.endswith((".invalid", ".test", ".local", ".localhost"))
        or (len(bare) >= 3 and len(set(bare)) == 1)
        or (len(set(bare)) <= 1 and len(set(first)) == 1)
    )


def _suggestion(domain: str) -> tuple[str | None, bool]:
    """Return the domain that was probably meant, and whether the written one can exist at all."""
    name, _, ending = domain.rpartition(".")
    meant_ending = NO_SUCH_ENDING.get(ending)
    exists = meant_ending is None
    if name in PROVIDERS:
        meant = meant_ending or UNLIKELY_ENDING.get(ending)
        return (f"{name}.{meant}" if meant else None), exists
    if "." not in name and name not in OWN_PROVIDERS:
        for provider in PROVIDERS:
            if _is_one_slip_away(name, provider):
                likely = meant_ending or UNLIKELY_ENDING.get(ending, ending)
                known = likely in ("com", "es", "net")
                return (f"{provider}.{likely}" if known else HOME_DOMAIN[provider]), exists
    return (f"{name}.{meant_ending}" if meant_ending else None), exists


def _is_one_slip_away(name: str, provider: str) -> bool:
    """Return whether one letter is missing, added, replaced or two neighbours are swapped."""
    if abs(len(name) - len(provider)) > 1 or name == provider or len(name) < 4:
        return False
    start = 0
    while start < min(len(name), len(provider)) and name[start] == provider[start]:
        start += 1
    rest, meant = name[start:], provider[start:]
    return (
        rest[1:] == meant[1:]
        or rest[1:] == meant
        or rest == meant[1:]
        or (rest[:2] == meant[:2][::-1] and rest[2:] == meant[2:])
    )


def _key(local: str, domain: str) -> str:
    local = local.split("+", 1)[0] or local
    if domain in ("gmail.com", "googlemail.com"):
        return f"{local.replace('.', '')}@gmail.com"
    return f"{local}@{domain}"
