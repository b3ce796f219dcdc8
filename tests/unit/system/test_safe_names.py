import pytest

from bench.errors import InputError
from bench.system.safe_names import LONGEST_NAME, require_name, visible
from tests.support.control_characters import CONTROL_CHARACTERS

PLAIN = ["a.png", "test_001.png", "Küste 3.tif", "写真\u3000一.png", "at 3\u202fPM.png", "👩\u200d🔬.png"]
PLAIN += ["<b>&amp;.png", "-x", "...", "a.."]


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_name_is_accepted_as_it_is(name):
    require_name(name, of="image")
    assert visible(name) == name


@pytest.mark.parametrize("steering", CONTROL_CHARACTERS)
def test_control_characters_are_refused_and_shown_as_escapes(steering):
    name = f"a{steering}b.png"
    assert visible(name).isprintable()
    assert visible(name).startswith("a\\")
    assert visible(name).encode("ascii").decode("unicode_escape") == name
    with pytest.raises(InputError, match="image: the name 'a") as refused:
        require_name(name, of="image")
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("name", ["", ".", "..", "../a.png", "/etc/passwd", "a/b.png", "..\\a.png"])
def test_a_name_that_leads_to_another_folder_is_refused(name):
    with pytest.raises(InputError, match="image: "):
        require_name(name, of="image")


def test_a_name_may_be_as_long_as_file_systems_take():
    require_name("é" * (LONGEST_NAME // 2), of="image")
    with pytest.raises(InputError, match="image: a name of 256 bytes; allowed: 255"):
        require_name("é" * (LONGEST_NAME // 2 + 1), of="image")


def test_some_characters_may_be_kept():
    assert visible("a\nb\x1b", keep="\n") == "a\nb\\x1b"
