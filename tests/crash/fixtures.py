"""The shared runs as fixtures: a test module imports those that it looks at."""

from __future__ import annotations

import pytest

from tests.crash.shared import Made, first_run, one_edited, renamed_deleted_added


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The first run on the corpus."""
    return first_run(tmp_path_factory)


@pytest.fixture(scope="session")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The run after one document was edited and one damaged."""
    return one_edited(tmp_path_factory)


@pytest.fixture(scope="session")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The run after one document was moved, one deleted and one added."""
    return renamed_deleted_added(tmp_path_factory)
