"""Is a document what the schema says? Problems name elements, never what stands in them."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree.ElementTree import Element

from brightline.lists.feeds.safe_xml import XmlError, parse_xml
from brightline.referral import times
from brightline.referral.documents import REPORTED
from brightline.referral.errors import InvalidReportError, ReferralError

ROOTS = ("report", "fileDetails")
_SCHEMA = "schema/cybertipline.xsd"


@dataclass(frozen=True, slots=True)
class Problem:
    """Where a document is not what the schema says, as a path of element names, and how."""

    element: str
    what: str

    def __str__(self) -> str:
        return f"{self.element}: {self.what}"


class Schema:
    """A compiled schema: this project's, or one from a file."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled

    def problems(self, document: bytes, now: datetime) -> tuple[Problem, ...]:
        """What is wrong with a `<report>` or `<fileDetails>`, in document order.

        Besides the schema: a time in the future, and what no file that is only supplemental
        may carry. `now` is aware.
        """
        try:
            root = parse_xml(document)
        except XmlError as error:
            return (Problem("document", str(error)),)
        if root.tag not in ROOTS:
            return (Problem(_plain(root.tag), f"is not {' or '.join(ROOTS)}"),)
        found = [_problem(error) for error in self._compiled.iter_errors(root)]
        found += _rules(root, now)
        return tuple(dict.fromkeys(found))


@functools.cache
def own_schema() -> Schema:
    """The schema that is shipped; compiled once a process."""
    text = resources.files("brightline.referral").joinpath(_SCHEMA).read_text("utf-8")
    return Schema(_xmlschema().XMLSchema(text))


def read_schema(path: Path) -> Schema:
    """A schema from a file, such as the one that the service offers.

    Nothing that it refers to is fetched from the network. Raises ReferralError if it cannot
    be read, is no XML Schema 1.0, refers to one that is not there, or is not of these documents.
    """
    xmlschema = _xmlschema()
    if not path.is_file():
        raise ReferralError(f"cannot read the schema {path}: there is no such file")
    try:
        with warnings.catch_warnings():
            # a schema of which a part is missing would refuse, or let through, for no reason
            warnings.simplefilter("error")
            compiled = xmlschema.XMLSchema(str(path.resolve()), allow="local", defuse="always")
    except (xmlschema.XMLSchemaIncludeWarning, xmlschema.XMLSchemaImportWarning):
        raise ReferralError(
            f"{path} refers to another schema that is not beside it; download that one too"
        ) from None
    except (xmlschema.XMLSchemaException, OSError, SyntaxError, ValueError) as error:
        raise ReferralError(
            f"{path} cannot be used as an XML schema ({type(error).__name__}); download it anew"
        ) from None
    missing = [name for name in ROOTS if name not in compiled.maps.elements]
    if missing:
        raise ReferralError(
            f"{path} does not declare {' and '.join(missing)} (outside any namespace): it is of "
            "other documents, or of a version that this program does not write"
        )
    return Schema(compiled)


def check(schema: Schema, documents: Sequence[tuple[str, bytes]], now: datetime) -> None:
    """Raise InvalidReportError, naming document and element, if any of them has a problem."""
    for name, document in documents:
        problems = schema.problems(document, now)
        if problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise InvalidReportError(f"{name} does not validate: {problems[0]}{more}")


def _problem(error: Any) -> Problem:
    """The library's error without the values that its own text would show."""
    where = _path(error)
    if isinstance(error, _xmlschema().validators.XMLSchemaChildrenValidationError):
        expected = _expected(error)
        tag = error.invalid_tag
        if tag is not None:
            wish = f"; expected {' or '.join(expected[:4])}" if expected else ""
            return Problem(f"{where}/{_plain(str(tag))}", f"does not belong here{wish}")
        if expected:
            return Problem(f"{where}/{expected[0]}", "is missing")
        return Problem(where, "does not have the elements that it must have")
    reason = str(error.reason or "")
    if "attribute" in reason:
        return Problem(where, "has an attribute that is unknown, missing, or of a wrong value")
    if "character data" in reason:
        return Problem(where, "holds text where only elements may stand")
    if "child" in reason:
        return Problem(where, "holds elements where none may stand")
    return Problem(where, "its value is not one that the schema allows")


def _expected(error: Any) -> list[str]:
    """Names of the elements that could stand where the error is."""
    particles = error.expected or ()
    if not isinstance(particles, (list, tuple)):
        particles = (particles,)
    names = (getattr(particle, "name", particle) for particle in particles)
    return [_plain(str(name)) for name in names if name]


def _path(error: Any) -> str:
    path = str(error.path or "")
    steps = [_plain(step) for step in path.split("/") if step]
    return "/".join(steps) or _plain(str(getattr(error.elem, "tag", "document")))


def _plain(name: str) -> str:
    """A name without its namespace, shortened: names in a foreign document may be anything."""
    plain = name.rpartition("}")[2]
    return "".join(c for c in plain if c.isalnum() or c in "_-.[]:")[:64] or "document"


def _rules(root: Element, now: datetime) -> list[Problem]:
    """What a schema cannot say."""
    found = []
    for path in ("incidentSummary/incidentDateTime", "uploadedToEspTimestamp"):
        text = root.findtext(path)
        if text is None:
            continue
        try:
            times.past(times.parse(text), now, "it")
        except ReferralError as error:
            found.append(Problem(f"{root.tag}/{path}", str(error)))
    if root.tag == "fileDetails" and (root.findtext("fileRelevance") or REPORTED) != REPORTED:
        found += [
            Problem(f"fileDetails/{path}", "is not for a supplemental file")
            for path in ("industryClassification", "potentialMeme", "fileAnnotations/potentialMeme")
            if root.find(path) is not None
        ]
    return found


def _xmlschema() -> ModuleType:
    """The library, which only those who refer need."""
    try:
        import xmlschema
    except ImportError:
        raise ReferralError(
            "validating needs xmlschema, which is not installed; pip install 'brightline[referral]'"
        ) from None
    module: ModuleType = xmlschema
    return module
