"""The mutations still apply to the code as it is; ``tools/mutations.py`` checks that they are caught."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tools.mutations import README, ROOT, Mutation, load, update_table

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("mutation", load(), ids=lambda mutation: mutation.name)
def test_a_mutation_applies_and_its_test_exists(mutation: Mutation, tmp_path: Path):
    target = tmp_path / mutation.file
    target.parent.mkdir(parents=True)
    shutil.copy(ROOT / mutation.file, target)
    mutation.apply(tmp_path)
    compile(target.read_text(encoding="utf-8"), mutation.file, "exec")
    file, _, name = mutation.test.partition("::")
    assert f"def {name.partition('[')[0]}(" in (ROOT / file).read_text(encoding="utf-8")


def test_each_mutation_has_its_own_name():
    assert not [name for name, count in Counter(each.name for each in load()).items() if count > 1]


def test_a_mutation_that_no_longer_applies_is_reported(tmp_path: Path):
    (tmp_path / "file.py").write_text("a = 1\nb = 1\n")
    for old, count in (("2", 0), ("1", 2)):
        with pytest.raises(ValueError, match=f"'{old}' occurs {count} times in file.py"):
            Mutation("some", "file.py", old, "3", "").apply(tmp_path)


def test_table_of_mutations_is_up_to_date():
    text = README.read_text(encoding="utf-8")
    assert update_table(text) == text, "python tools/mutations.py --write"
