from __future__ import annotations

import base64
import gzip
import json
import random
import struct
from pathlib import Path

import pytest

from iiswsgi.deploy import nrbf
from iiswsgi.deploy.provider import LIBRARY, MAX_OBJECT, MAX_TEXT, ProviderOptions, decode, encode
from iiswsgi.errors import DeployError

VECTORS = Path(__file__).parents[3] / "shared/samples/provider-options-vectors.json"


def vectors():
    if not VECTORS.is_file():
        reason = "the sample values, shared/samples, do not lie beside this checkout"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason))]
    read = json.loads(VECTORS.read_text(encoding="utf-8"))
    return [pytest.param(v, id=f"{number}-{v['provider']}") for number, v in enumerate(read)]


def expected(vector):
    settings = tuple(map(tuple, vector["settings"]))
    return ProviderOptions(vector["provider"], vector["path"], settings, vector["library"])


def uncompressed(text):
    return gzip.decompress(base64.b64decode(text))


@pytest.mark.parametrize("vector", vectors())
def test_a_real_value_is_read(vector):
    assert decode(vector["base64"]) == expected(vector)


@pytest.mark.parametrize("vector", vectors())
def test_a_real_value_is_written_byte_for_byte(vector):
    ours = encode(expected(vector))
    assert uncompressed(ours) == bytes.fromhex(vector["nrbf_hex"]) == uncompressed(vector["base64"])


COMMAND = ProviderOptions(
    "runCommand",
    "%SystemDrive%\\Python\\python.exe -m iiswsgi & exit",
    (("waitAttempts", "10"), ("successReturnCodes", "0x0")),
)
EXACT = bytes.fromhex(
    "0001000000ffffffff0100000000000000"  # header: root 1, header -1, version 1.0
    "0c02000000" "5b" + LIBRARY.encode().hex() +  # library 2
    "0501000000" "32" + nrbf.CLASS.encode().hex() + "04000000"  # class, four members
    "0c" + b"providerName".hex() + "04" + b"path".hex() +
    "05" + b"names".hex() + "06" + b"values".hex() +
    "01010606" "02000000"
    "0603000000" "01" + b"p".hex() + "0604000000" "01" + b"q".hex() +
    "0905000000" "0906000000"
    "1105000000" "01000000" "0607000000" "01" + b"n".hex() +
    "1106000000" "01000000" "0608000000" "01" + b"v".hex() +
    "0b"
)  # fmt: skip


def test_the_bytes_are_those_of_the_format():
    assert uncompressed(encode(ProviderOptions("p", "q", (("n", "v"),)))) == EXACT


def test_the_header_is_the_one_that_dotnet_writes():
    assert base64.b64decode(encode(COMMAND))[:10] == b"\x1f\x8b\x08\0\0\0\0\0\x04\0"


@pytest.mark.parametrize(
    "options",
    [
        COMMAND,
        ProviderOptions("iisApp", "Umläute und 日本語", ()),
        ProviderOptions("", "", (("", ""),)),
        *(ProviderOptions("runCommand", "x" * n) for n in (127, 128, 16383, 16384, 65536)),
        ProviderOptions("runCommand", "x", tuple((f"n{i}", str(i)) for i in range(256))),
        ProviderOptions("iisApp", "x", (), "Microsoft.Web.Deployment, Version=8.0.0.0"),
    ],
    ids=lambda options: f"{options.path[:12]}-{len(options.path)}-{len(options.settings)}",
)
def test_what_is_written_is_read_again(options):
    assert decode(encode(options)) == options


@pytest.mark.parametrize(
    "options",
    [
        ProviderOptions("runCommand", "x" * 65537),
        ProviderOptions("runCommand", "x", (("n", "v" * 65537),)),
        ProviderOptions("runCommand", "x", (("n", "v"),) * 257),
    ],
)
def test_what_is_too_long_is_not_written(options):
    with pytest.raises(DeployError, match=r"IISWSGI-D05.*runCommand"):
        encode(options)


def packed(data):
    return base64.b64encode(gzip.compress(data)).decode("ascii")


def after_members(rest):
    """A stream whose two strings are the usual ones and whose arrays are up to the test."""
    return packed(EXACT[: EXACT.index(bytes.fromhex("1105000000"))] + rest)


def array(number, count, *elements):
    return b"\x11" + struct.pack("<ii", number, count) + b"".join(elements)


def string(number, text):
    return b"\x06" + struct.pack("<i", number) + bytes((len(text),)) + text


def test_nulls_and_repeated_strings_are_read_though_no_writer_is_known_to_make_them():
    names = array(5, 4, string(7, b"a"), b"\x0a", b"\x0d\x02")
    values = array(6, 4, b"\x09" + struct.pack("<i", 7), b"\x0e" + struct.pack("<i", 3))
    assert decode(after_members(names + values + b"\x0b")).settings == (("a", "a"), *[("", "")] * 3)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cannot be read"),
        ("!", "cannot be read"),
        ("ä", "cannot be read"),
        (base64.b64encode(b"no gzip").decode(), "cannot be read"),
        (packed(b""), "ends in the middle"),
        (packed(b"x" * 500), "does not begin"),
        (packed(EXACT.replace(b"Microsoft.Web", b"Microsoft.Bad")), "Microsoft.Bad"),
        (packed(EXACT.replace(b"values", b"valuez")), "class"),
        (packed(EXACT + b"x"), "follows its end"),
        (base64.b64encode(gzip.compress(EXACT) + b"x").decode(), "does not end"),
        (base64.b64encode(gzip.compress(EXACT)[:-1]).decode(), "does not end"),
        ("A" * (MAX_TEXT + 1), "characters"),
        (packed(bytes(MAX_OBJECT + 1)), "more than"),
        (after_members(b"\x0b"), "no array"),
        (after_members(array(5, 0) + array(6, 1, string(7, b"v")) + b"\x0b"), "0 names for 1"),
        (after_members(array(5, -1)), "-1 items"),
        (after_members(array(5, 2**31 - 1)), "items"),
        (after_members(array(5, 2, b"\x0e" + struct.pack("<i", 2**31 - 1))), "nulls"),
        (after_members(array(5, 2, b"\x0d\x00")), "nulls"),
        (after_members(array(5, 1, b"\x09" + struct.pack("<i", 5)) + array(6, 0) + b"\x0b"), "5"),
        (after_members(array(5, 1, b"\x0b")), "type 11"),
        (after_members(array(5, 1, b"\x63")), "type 99"),
        (after_members(b"\x0a"), "between"),
        (after_members(array(5, 1, b"\x06\x07\0\0\0\xff\xff\xff\xff\xff\xff")), "more than"),
        (after_members(array(5, 1, b"\x06\x07\0\0\0\x80\x80\x80\x80\x80\x80\x80")), "more than"),
        (after_members(array(5, 1, string(7, b"\xff"))), "UTF-8"),
    ],
)
def test_what_is_no_such_value_is_refused_in_a_sentence(text, says):
    with pytest.raises(DeployError, match=f"IISWSGI-D04.*{says}"):
        decode(text)


def test_a_value_cut_anywhere_is_refused():
    for length in range(len(EXACT)):
        with pytest.raises(DeployError, match="IISWSGI-D04"):
            decode(packed(EXACT[:length]))


def test_damaged_values_are_refused_or_read_but_nothing_else_happens():
    chance = random.Random(1)
    for _ in range(500):
        data = bytearray(EXACT)
        data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            decode(packed(bytes(data)))
        except DeployError:
            continue
