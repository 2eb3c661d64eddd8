"""What of a command line or a URL is not for every eye: values that are secret by their names.

Whoever shows a command line to people, in a log or on a page, shows it masked; what is compared or
run is never what comes from here. A value is hidden to the end of its word, for nobody but the
program that reads it knows where else it ends. Rather too much is hidden than too little.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["HIDDEN", "is_secret", "masked_line", "masked_words", "without_user"]

HIDDEN = "***"
"""Stands for a value."""

_HINTS = (
    *("pass", "pwd", "secret", "token", "credential", "auth", "cookie", "session", "sessid"),
    *("signature", "jwt", "bearer", "key", "sig", "creds", "otp", "srf", "pin", "sid", "pw"),
    *("basic", "digest", "negotiate", "://", "%"),
)
"""One of them is in whatever has something to hide; cheap to look for."""

_ENCODINGS = 3
"""How often something may be percent-encoded: a value within a URL within another, and one more."""

_NAME = (
    r"passw|passphrase|passcode|pwd|secret(?!keysize)|token|credential|authoriz|cookie|"
    r"session_?id|sessid|signature|jwt|bearer|creds|[cx]srf|(?<![a-z])[ht]?otp(?![a-z])|"
    r"(?:pass|key|sig)(?![a-z])|(?<![a-z])pw(?![a-z])|(?:auth|session)\Z|\A-*(?:pin|sid)\Z"
)
"""Is in the name of a secret."""

_NOUN = (
    r"(?:passwor[dt]|passwd|passphrase|passcode|pass|pwd|secret|token|credentials?|authorization|"
    r"cookie|key|bearer)\d*\Z"
)
"""Ends a name that can be nothing but a secret's: ``tokens:app`` is an application in a module."""

_LETTERS = r"[\w.%\[\]-]"
"""Of names; in a form's, brackets and what is escaped."""

_USER = r"://[^/?#:\s]*:"
"""What is before a password in a URL."""

_SCHEMES = r"(?:basic|bearer|digest|negotiate)"
"""Stand before the secret in the header Authorization."""

_USER_ALONE = r"://([^/?#:@\s]+)@(?![^/?#\s]*@)"
"""Who asks for a URL, where there is no password; a token as often as a name."""


def is_secret(name: str) -> bool:
    """Whether what has this name is for nobody's eyes.

    >>> is_secret("DB_PASSWORD"), is_secret("HTTPS_SECRETKEYSIZE")
    (True, False)
    """
    return re.search(_NAME, name, re.IGNORECASE) is not None


def masked_words(words: Sequence[str]) -> list[str]:
    """The words of a command line, one for each, with what is secret as ``***``.

    ``name=value`` and ``name: value``, alone or behind other text in a word; ``--name value``; the
    password of a URL; all of it percent-encoded too.
    """
    text = "\n".join(words).lower()
    if not any(hint in text for hint in _HINTS):
        return list(words)  # nearly always, and the patterns take long to compile
    shown = []
    awaited = False
    for word in words:
        if awaited and word not in ("=", ":"):
            shown.append(HIDDEN)
            awaited = re.fullmatch(_SCHEMES, word, re.IGNORECASE) is not None
        else:
            shown.append(_within_marks(word))
            awaited = awaited or _announces(_decoded(word)[0].strip('"'))
    return shown


def masked_line(text: str) -> str:
    """A command line that is one text, as :func:`masked_words` shows its words.

    >>> masked_line('app.ini "db_password=x y" threads=3')
    'app.ini "db_password=***" threads=3'
    """
    # Blanks within quotation marks separate nothing; a mark behind a backslash is a letter.
    pieces = re.split(r'((?:\\"|"(?:\\"|[^"])*"?|[^\s"])+)', text)
    pieces[1::2] = masked_words(pieces[1::2])
    return "".join(pieces)


def without_user(url: str) -> str:
    """A requested URL without the name and the password that a proxy is told in it.

    >>> without_user("http://user:secret@host/path")
    'http://host/path'
    """
    return re.sub("//[^/?#]*@", "//", url, count=1)


def _within_marks(word: str) -> str:
    if len(word) > 1 and word[0] == word[-1] == '"':
        return f'"{_masked(word[1:-1])}"'
    return _masked(word)


def _masked(word: str) -> str:
    word = _without_user_alone(_without_password(word))
    begin = _secret_begin(word)
    plain, places = _decoded(word)
    encoded = _secret_begin(plain)
    if encoded is not None and (begin is None or places[encoded] < begin):
        begin = places[encoded]
    return word if begin is None else word[:begin] + HIDDEN


def _secret_begin(word: str) -> int | None:
    """Where the value of the first name of a secret in *word* begins, or what follows a scheme."""
    begins = _named_begin(word), _scheme_end(word)
    return min((begin for begin in begins if begin is not None), default=None)


def _scheme_end(word: str) -> int | None:
    match = re.search(rf"(?<!{_LETTERS}){_SCHEMES}\s+(?=\S)", word, re.IGNORECASE)
    return match.end() if match else None


def _named_begin(word: str) -> int | None:
    for match in re.finditer(f"{_LETTERS}+", word):
        name = match[0]
        if is_secret(name):
            # A blank or a bare colon may stand behind any word.
            is_clear = name.startswith("-") or re.search(_NOUN, name, re.IGNORECASE)
            behind = r"\s*[=:]\s*|\s+" if is_clear else r"\s*=\s*|\s*:\s+"
            value = re.compile(f"[\"')]*(?:{behind})(?=\\S)").match(word, match.end())
            if value is not None:
                return value.end()
    return None


def _without_password(word: str) -> str:
    """*word* without the password of a URL in it, which may hold any character."""
    at = max(word.rfind("@"), 0)
    match = re.search(_USER, word[:at])
    if match:
        word = word[: match.end()] + HIDDEN + word[at:]
    plain, places = _decoded(word)
    at = max(plain.rfind("@"), 0)
    for match in re.finditer(_USER, plain[:at]):
        begin = places[match.end()]
        # An escaped @ behind http://host:80/ is no password's end.
        if "%" in word[places[match.start()] : begin]:
            return word[:begin] + HIDDEN + word[places[at] :]
    return word


def _without_user_alone(word: str) -> str:
    plain, places = _decoded(word)
    for match in reversed(list(re.finditer(_USER_ALONE, plain))):
        word = word[: places[match.start(1)]] + HIDDEN + word[places[match.end(1)] :]
    return word


def _decoded(word: str) -> tuple[str, Sequence[int]]:
    """*word* without percent-encoding, and where each character, and the end, is in *word*."""
    places: Sequence[int] = range(len(word) + 1)
    for _ in range(_ENCODINGS):
        if "%" not in word:
            break
        word, places = _decoded_once(word, places)
    return word, places


def _decoded_once(word: str, places: Sequence[int]) -> tuple[str, Sequence[int]]:
    pieces: list[str] = []
    kept: list[int] = []
    begin = 0
    for match in re.finditer("%([0-9A-Fa-f]{2})", word):
        pieces += [word[begin : match.start()], chr(int(match[1], 16))]
        kept += places[begin : match.start() + 1]
        begin = match.end()
    return "".join([*pieces, word[begin:]]), [*kept, *places[begin:]]


def _announces(word: str) -> bool:
    """Whether the next word is a secret."""
    if re.fullmatch(r"[/-]*[\w.-]+", word):
        return is_secret(word) if word[0] == "-" else bool(re.search(_NOUN, word, re.IGNORECASE))
    end = rf"(?<!{_LETTERS})({_LETTERS}+)[\"')]*\s*[=:]\s*{_SCHEMES}?\Z"
    match = re.search(end, word, re.IGNORECASE)
    return match is not None and is_secret(match[1])
