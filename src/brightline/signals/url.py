"""Addresses as signals: one spelling for each, kept as its digest (docs/urls.md).

An address is parsed and written again by the URL standard (https://url.spec.whatwg.org, by Ada),
which settles white space, letter case of scheme and host, IDNA, ways of writing an IP address,
backslashes, dot segments, and what is percent-encoded. On top of it come rules of our own, so that
spellings of the same address that the standard keeps apart meet:

- `http` becomes `https`, and the ports 80 and 443 of both go;
- user name, password and fragment go; so does a dot at the end of the host;
- percent-encoding has upper-case digits, unreserved characters are not encoded (RFC 3986, 6.2.2),
  and a percent sign that encodes nothing is encoded itself;
- parameters that only track visitors go (`TRACKING`), and a query that is empty then;
- slashes at the end of the path go, but for the path `/`.

Everything else, the order of parameters and the letter case of path and query, tells addresses
apart.
"""

from __future__ import annotations

import hashlib
import re

from ada_url import URL

#: names of parameters, in lower case, that say where a visitor came from and nothing of the page
TRACKING = frozenset(
    (
        *("dclid", "fbclid", "gbraid", "gclid", "gclsrc", "igshid", "li_fat_id", "mc_cid"),
        *("mc_eid", "mkt_tok", "msclkid", "oly_anon_id", "oly_enc_id", "ttclid", "twclid"),
        *("vero_id", "wbraid", "yclid", "_hsenc", "_hsmi", "__hssc", "__hstc", "__hsfp"),
    )
)
#: whatever begins so is one of them too
TRACKING_PREFIX = "utm_"

#: the longest text that is looked at, in characters; longer ones are no addresses
LONGEST = 65_536

#: scheme, user and password, host, port, path, query of what the standard wrote
_PARTS = re.compile(
    r"([a-z][a-z0-9+.-]*)://(?:[^/?#@]*@)?([^/?#@:\[\]]+|\[[0-9a-f:.]+\])(?::([0-9]+))?"
    r"([^?#]*)(?:\?([^#]*))?(?:#.*)?",
    re.DOTALL,
)
# escapes as they are in normal spellings: upper-case, of characters that are not unreserved
_SETTLED = r"%(?:[0189A-F][0-9A-F]|2[0-9A-CF]|3[A-F]|40|5[B-E]|60|7[B-DF])"
_BEGIN = rf"(?:[A-Za-z0-9_~!$&()*+,;=:@-]|{_SETTLED})"
_PATH = rf"(?:[A-Za-z0-9._~!$&()*+,;=:@-]|{_SETTLED})"
_QUERY = rf"(?:[A-Za-z0-9._~!$&()*+,;=:@/-]|{_SETTLED})"
#: most addresses as they are: nothing that the standard or the rules would write otherwise, but
#: for the scheme, slashes at the end, and an empty path. Host, path, query.
_PLAIN = re.compile(
    rf"https?(://(?:(?!xn--)[a-z0-9-]++\.)++[a-z]{{2,}}+)((?:/{_BEGIN}{_PATH}*+)*+)/?(?:\?({_QUERY}++))?"
)
#: the same without slashes at the end, for engines that look neither ahead nor behind (RE2): all
#: that it matches is normal, with `https` for `http`, unless `COLUMN_UNSURE` matches too
COLUMN_PLAIN = (
    rf"\Ahttps?://(?:[a-z0-9-]+\.)+[a-z]{{2,}}(?:/|(?:/{_BEGIN}{_PATH}*)+)(?:\?{_QUERY}+)?\z"
)
#: what an address that `COLUMN_PLAIN` matches may hold so that it is not normal, in any case
COLUMN_UNSURE = "|".join(["xn--", *sorted(TRACKING | {TRACKING_PREFIX})])
#: what a query with a tracking parameter holds somewhere
_MAYBE_TRACKING = re.compile("|".join(sorted(TRACKING | {TRACKING_PREFIX})), re.IGNORECASE)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_WEB = frozenset(("http", "https"))
_WEB_PORTS = frozenset(("80", "443"))
#: these name no host from which anything could be fetched
_NO_ADDRESS = frozenset(("about", "blob", "data", "file", "javascript", "mailto"))


def _escaped(found: re.Match[str]) -> str:
    digits = found.group(1)
    if digits is None:
        return "%25"
    character = chr(int(digits, 16))
    return character if character in _UNRESERVED else f"%{digits.upper()}"


def _is_tracking(parameter: str) -> bool:
    name = parameter.partition("=")[0].lower()
    return name in TRACKING or name.startswith(TRACKING_PREFIX)


def _kept(query: str | None) -> str:
    """A query without what only tracks, with its question mark, or nothing."""
    if not query:
        return ""
    if _MAYBE_TRACKING.search(query) is None:
        return f"?{query}"
    left = "&".join(p for p in query.split("&") if not _is_tracking(p))
    return f"?{left}" if left else ""


def _written(text: str) -> str | None:
    """As the standard writes it, or None where it is no address by the standard."""
    try:
        return URL(text).href
    except ValueError:  # also of text that is no Unicode, and has no UTF-8
        return None


def normalise_url(text: str) -> str | None:
    """The normal spelling, or None where the text is no absolute address with a host.

    Takes any text and raises nothing. The normal spelling of a normal spelling is itself.
    """
    if len(text) > LONGEST:
        return None
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        host, path, query = plain.groups()
        return f"https{host}{path or '/'}{_kept(query)}"
    return _parsed(text)


def _parsed(text: str) -> str | None:
    """`normalise_url` by way of the standard's parser."""
    written = _written(text)
    parts = _PARTS.fullmatch(written) if written is not None else None
    if parts is None:
        return None
    scheme, host, port, path, query = parts.groups()
    if scheme in _NO_ADDRESS:
        return None
    if host.endswith("."):
        return _without_dot(scheme, host, port, path, query)
    if scheme in _WEB:
        scheme = "https"
        port = None if port in _WEB_PORTS else port
    if "%" in path:
        path = _ESCAPE.sub(_escaped, path)
    normal = f"{scheme}://{host}"
    if port is not None:
        normal += f":{port}"
    normal += path.rstrip("/") or "/"
    if query is not None and "%" in query:
        query = _ESCAPE.sub(_escaped, query)
    return normal + _kept(query)


def _without_dot(
    scheme: str, host: str, port: str | None, path: str, query: str | None
) -> str | None:
    """The same without dots at the end of the host, which then may be an address of numbers."""
    host = host.rstrip(".")
    if not host:
        return None
    port = f":{port}" if port is not None else ""
    query = f"?{query}" if query is not None else ""
    return _parsed(f"{scheme}://{host}{port}{path}{query}")


def url_digest(text: str) -> bytes | None:
    """SHA-256 of the normal spelling, or None where the text is no absolute address."""
    normal = normalise_url(text)
    return None if normal is None else hashlib.sha256(normal.encode()).digest()
