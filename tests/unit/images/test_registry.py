"""The registered sets: their counts, what is left out, and where they are downloaded from."""

import subprocess
import sys

from bench.images.registry import REGISTRY
from bench.runs.recipes import RECIPES


def test_registered_sets_are_complete():
    counts = {name: (entry.count, entry.channels) for name, entry in REGISTRY.items()}
    assert counts == {
        "embedded-train": (7, 1),
        "embedded-test": (3, 1),
        "embedded-colour-train": (3, 3),
        "embedded-colour-test": (2, 3),
        "bsd400": (399, 1),
        "bsd400-tune": (359, 1),
        "bsd400-held": (40, 1),
        "bsd400+starfish": (400, 1),
        "cbsd432": (431, 3),
        "cbsd432+starfish": (432, 3),
        "set12": (12, 1),
        "bsd68": (68, 1),
        "cbsd68": (68, 3),
        "kodak24": (24, 3),
    }


def test_starfish_is_left_out_with_a_note():
    for name, file in (("bsd400", "test_020.png"), ("cbsd432", "12003.jpg")):
        assert file not in REGISTRY[name].fingerprints
        assert f"without {file}" in REGISTRY[name].note
        assert file in REGISTRY[f"{name}+starfish"].fingerprints
        assert f"with {file}" in REGISTRY[f"{name}+starfish"].note


def test_settings_are_chosen_on_a_part_of_the_training_set_alone():
    whole, tune, held = (
        set(REGISTRY[name].fingerprints) for name in ("bsd400", "bsd400-tune", "bsd400-held")
    )
    assert tune | held == whole
    assert not tune & held
    assert (RECIPES["tuning"].train, *RECIPES["tuning"].test) == ("bsd400-tune", "bsd400-held")


def test_addresses_are_pinned_at_a_commit():
    for entry in REGISTRY.values():
        if entry.base_url:
            assert all(
                url.split("/")[5].isalnum() and len(url.split("/")[5]) == 40 for url in entry.urls.values()
            )
    urls = REGISTRY["cbsd432+starfish"].urls
    splits = [url.split("/")[-2] for url in urls.values()]
    assert {split: splits.count(split) for split in splits} == {"train": 200, "test": 200, "val": 32}
    assert urls["12003.jpg"].endswith("BSDS500/data/images/train/12003.jpg")


def test_registry_decodes_nothing():
    code = (
        "import sys; from bench.images.registry import REGISTRY; "
        "[entry.count for entry in REGISTRY.values()]; "
        "print([name for name in ('torch', 'datasets', 'skimage', 'numpy', 'PIL') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_embedded_train_and_test_share_no_image():
    for kind in ("embedded", "embedded-colour"):
        train, test = (REGISTRY[f"{kind}-{part}"].fingerprints for part in ("train", "test"))
        assert not set(train.values()) & set(test.values())
        assert not set(train) & set(test)
