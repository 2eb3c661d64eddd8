"""Names of files in a package."""

from __future__ import annotations

import pytest

from iiswsgi.deploy.entries import MAX_NAME, fault_of, first_clash

GOOD = ["a", "app/web.config", "app/größe (2) [x]+{y}.txt", "a/.hidden", "CONSOLE.txt", "x" * 300]
BAD = {
    "": "0 characters",
    "x" * (MAX_NAME + 1): "characters",
    "../up": "no plain path",
    "a/../b": "no plain path",
    "/absolute": "no plain path",
    "a//b": "no plain path",
    "a/./b": "no plain path",
    "folder/": "no plain path",
    "C:/windows/x": "':'",
    "a\\b": "'\\\\'",
    "what?.txt": "'?'",
    "nul\0byte": "'\\x00'",
    "stream.txt:hidden": "':'",
    "dot.": "ends in '.'",
    "blank /x": "ends in ' '",
    "a/nul.txt": "device",
    "COM1": "device",
    "aux .log": "device",
    "lpt\N{SUPERSCRIPT TWO}.txt": "device",
    "caf\udce9": "no letters",
}


@pytest.mark.parametrize("name", GOOD)
def test_good_names(name):
    assert fault_of(name) == ""


@pytest.mark.parametrize("name", BAD, ids=lambda name: repr(name[:20]))
def test_bad_names_and_why(name):
    assert BAD[name] in fault_of(name)


@pytest.mark.parametrize(
    ("names", "clash"),
    [
        (["a", "b", "a/b"], ("a", "a/b")),
        (["a/x", "b/x"], None),
        (["Read.me", "READ.ME"], ("Read.me", "READ.ME")),
        (["same", "same"], ("same", "same")),
        (["Lib/a.py", "lib"], ("lib", "Lib/a.py")),
        (["Größe", "GRÖßE"], ("Größe", "GRÖßE")),
        (["straße", "strasse"], None),
    ],
)
def test_names_that_are_one_file_on_windows(names, clash):
    assert first_clash(names) == clash
