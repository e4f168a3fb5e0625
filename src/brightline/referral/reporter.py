"""Who reports: the file in which a service describes itself.

jurisdictions = ["US"]            # whose clocks run; ISO 3166-1 alpha-2
role = "hosting"                  # hosting, dataset, police or telecom

[esp]
name = "Example Datasets"
platform = "example.org"          # optional, as are the next three
company_template = "…"
terms_of_service = "…"
legal_url = "https://…"

[reporting_person]
first_name = "…"
last_name = "…"
email = "…"                       # or several: ["…", "…"]
phone = "…"                       # optional, likewise

[contact_person]                  # optional, the same fields

[dataset]                         # optional: what was audited
name = "…"
url = "https://…"
description = "…"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from brightline.referral.errors import ReferralError

ROLES = ("hosting", "dataset", "police", "telecom")

#: characters that the fields of the service hold at most
_NAME, _EMAIL, _PHONE, _PLATFORM, _URL, _TEXT = 100, 255, 50, 256, 2083, 3000


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the hotline can write to or call."""

    first_name: str | None = None
    last_name: str | None = None
    email: tuple[str, ...] = ()
    phone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reporter:
    """The service that reports, its people, its jurisdictions, and the dataset."""

    name: str
    reporting_person: Person
    contact_person: Person | None = None
    platform: str | None = None
    company_template: str | None = None
    terms_of_service: str | None = None
    legal_url: str | None = None
    jurisdictions: tuple[str, ...] = ()
    role: str = "dataset"
    dataset: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Reporter:
        """What `to_json` gave, after JSON has made lists of its tuples."""
        contact = document["contact_person"]
        return cls(
            name=document["name"],
            reporting_person=_person_of(document["reporting_person"]),
            contact_person=None if contact is None else _person_of(contact),
            platform=document["platform"],
            company_template=document["company_template"],
            terms_of_service=document["terms_of_service"],
            legal_url=document["legal_url"],
            jurisdictions=tuple(document["jurisdictions"]),
            role=document["role"],
            dataset=tuple((key, value) for key, value in document["dataset"]),
        )


def read_reporter(path: Path) -> Reporter:
    """Read and check the file; ReferralError names the field that cannot be used."""
    try:
        document = tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise ReferralError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise ReferralError(f"{path} is not TOML: {error}") from None
    return _Reader(path).reporter(document)


def checked_jurisdictions(codes: tuple[str, ...]) -> tuple[str, ...]:
    """Country codes in capitals, each once; ReferralError for what is not two letters."""
    found = []
    for code in codes:
        if not re.fullmatch("[A-Za-z]{2}", code):
            raise ReferralError("a jurisdiction is a country code of two letters, such as US")
        found.append(code.upper())
    return tuple(dict.fromkeys(found))


def _person_of(document: Mapping[str, Any]) -> Person:
    return Person(
        document["first_name"],
        document["last_name"],
        tuple(document["email"]),
        tuple(document["phone"]),
    )


class _Reader:
    """Checks fields, and knows in whose name to complain."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def reporter(self, document: dict[str, Any]) -> Reporter:
        known = {"esp", "reporting_person", "contact_person", "dataset", "jurisdictions", "role"}
        self._only(document, known, "")
        esp = self._table(document, "esp", required=True)
        self._only(
            esp, {"name", "platform", "company_template", "terms_of_service", "legal_url"}, "esp."
        )
        name = self._text(esp, "esp.name", _EMAIL)
        if name is None:
            raise self._wrong("esp.name", "is missing")
        role = document.get("role", "dataset")
        if role not in ROLES:
            raise self._wrong("role", f"must be one of {', '.join(ROLES)}")
        codes = document.get("jurisdictions", [])
        if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
            raise self._wrong("jurisdictions", 'must be a list such as ["US"]')
        person = self._person(document, "reporting_person")
        if person is None or not person.email:
            raise self._wrong("reporting_person.email", "is missing: who can be written to?")
        return Reporter(
            name=name,
            reporting_person=person,
            contact_person=self._person(document, "contact_person"),
            platform=self._text(esp, "esp.platform", _PLATFORM),
            company_template=self._text(esp, "esp.company_template", _TEXT),
            terms_of_service=self._text(esp, "esp.terms_of_service", _TEXT),
            legal_url=self._text(esp, "esp.legal_url", _URL),
            jurisdictions=checked_jurisdictions(tuple(codes)),
            role=role,
            dataset=self._dataset(document),
        )

    def _dataset(self, document: dict[str, Any]) -> tuple[tuple[str, str], ...]:
        table = self._table(document, "dataset")
        self._only(table, {"name", "url", "description"}, "dataset.")
        found = []
        for key in ("name", "url", "description"):
            value = self._text(table, f"dataset.{key}", _TEXT)
            if value is not None:
                found.append((key, value))
        return tuple(found)

    def _person(self, document: dict[str, Any], where: str) -> Person | None:
        if where not in document:
            return None
        table = self._table(document, where)
        self._only(table, {"first_name", "last_name", "email", "phone"}, f"{where}.")
        return Person(
            self._text(table, f"{where}.first_name", _NAME),
            self._text(table, f"{where}.last_name", _NAME),
            self._texts(table, f"{where}.email", _EMAIL),
            self._texts(table, f"{where}.phone", _PHONE),
        )

    def _table(self, document: dict[str, Any], key: str, required: bool = False) -> dict[str, Any]:
        table = document.get(key, {})
        if not isinstance(table, dict) or (required and key not in document):
            raise self._wrong(key, "must be a table")
        return table

    def _only(self, table: dict[str, Any], known: set[str], where: str) -> None:
        for key in table:
            if key not in known:
                raise self._wrong(f"{where}{key}", "is not a field of this file")

    def _text(self, table: dict[str, Any], where: str, most: int) -> str | None:
        value = table.get(where.rpartition(".")[2])
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(where, "must be text, and not empty")
        if len(value) > most:
            raise self._wrong(where, f"is longer than {most} characters")
        return value.strip()

    def _texts(self, table: dict[str, Any], where: str, most: int) -> tuple[str, ...]:
        key = where.rpartition(".")[2]
        values = table.get(key, [])
        if isinstance(values, str):
            values = [values]
        if not isinstance(values, list):
            raise self._wrong(where, "must be text or a list of texts")
        found = (self._text({key: value}, where, most) for value in values)
        return tuple(value for value in found if value is not None)

    def _wrong(self, where: str, what: str) -> ReferralError:
        return ReferralError(
            f"{self._path}: {where} {what}; see `brightline referral draft --help`"
        )
