"""Image sets that cannot be used together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bench.errors import InputError

if TYPE_CHECKING:
    from tests.support.runs import Tiny


def test_training_images_among_the_test_images_are_refused(tiny: Tiny) -> None:
    leaking = replace(tiny, context=replace(tiny.context, test_images=(tiny.context.training_images,)))
    with pytest.raises(InputError, match=r"0\.png"):
        leaking.launch()


def test_two_test_sets_of_one_name_are_refused(tiny: Tiny) -> None:
    twice = replace(tiny, context=replace(tiny.context, test_images=2 * tiny.context.test_images))
    with pytest.raises(InputError, match=r"2 test sets are called 'test'"):
        twice.launch()


def test_a_training_set_needs_a_name_of_its_own(tiny: Tiny) -> None:
    tiny.launch()
    images = tiny.context.training_images
    for changes, said in (
        ({"images": images.images[:2]}, r"trained on other images that are also called 'train'"),
        ({"name": "bsd400"}, r"with the name of the registered set 'bsd400', but different"),
    ):
        other = replace(tiny, context=replace(tiny.context, training_images=replace(images, **changes)))
        with pytest.raises(InputError, match=said):
            other.launch()
    assert tiny.launch() == ["stored"]
