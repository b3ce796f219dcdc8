"""Images that runs kept: only the scored ones, and only inside their runs."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bench.errors import InputError
from bench.report.denoised_images import shown_images
from bench.store.layout import image_folder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.runs import Tiny


def test_images_are_those_that_were_scored(trained: Tiny):
    store, test = trained.context.store, trained.context.test_images[0]
    scores = store.scores()
    found = shown_images(scores, store.root, lambda _: test, count=3)
    assert [image.image.name for image in found] == [image.name for image in test]
    for image in found:
        assert list(image.denoised) == list(dict.fromkeys(scores["method"]))
        for method, denoised in image.denoised.items():
            (line,) = scores[(scores["method"] == method) & (scores["image"] == image.image.name)].to_dict(
                "records"
            )
            error = ((denoised.pixels.astype(float) - image.clean) ** 2).mean()
            # 16 bits move a PSNR by less than this.
            assert -10 * math.log10(error) == pytest.approx(line["psnr"], abs=1e-3)
            assert (denoised.psnr, denoised.ssim) == (line["psnr"], line["ssim"])
    assert len(shown_images(scores, store.root, lambda _: test, count=1)) == 1


def test_another_image_of_the_same_name_is_refused(trained: Tiny):
    store, test = trained.context.store, trained.context.test_images[0]
    flipped = tuple(replace(image, pixels=image.pixels[::-1].copy()) for image in test)
    with pytest.raises(InputError, match=r"0\.png is not the image that was scored"):
        shown_images(store.scores(), store.root, lambda _: replace(test, images=flipped), count=3)


@pytest.mark.parametrize("column", ["key", "images"])
@pytest.mark.parametrize("name", ["..", "../kept", "/etc", "a\0", ""])
def test_scores_never_lead_to_images_outside_their_run(trained: Tiny, column, name):
    store, test = trained.context.store, trained.context.test_images[0]
    with pytest.raises(InputError, match=r"^(run|image set '.*'): "):
        shown_images(store.scores().assign(**{column: name}), store.root, lambda _: test, count=3)


def test_an_image_that_links_out_of_its_run_is_refused(trained: Tiny, tmp_path: Path):
    store, test = trained.context.store, trained.context.test_images[0]
    root = tmp_path / "copied"
    shutil.copytree(store.root, root)
    kept = image_folder(root / store.keys()[0], "gaussian:25", "test") / "0.png"
    kept.rename(tmp_path / "secret.png")
    kept.symlink_to(tmp_path / "secret.png")
    with pytest.raises(InputError, match=r"test/0\.png: leads to .*/secret\.png, outside of"):
        shown_images(store.scores(), root, lambda _: test, count=3)


def test_a_folder_of_runs_may_be_a_link(trained: Tiny, tmp_path: Path):
    store, test = trained.context.store, trained.context.test_images[0]
    (tmp_path / "linked").symlink_to(store.root)
    assert shown_images(store.scores(), tmp_path / "linked", lambda _: test, count=3)
