import pytest

from tests.context.projects import Project


@pytest.fixture
def project(tmp_path):
    """Make a project of files by path."""
    made = []

    def project(files):
        made.append(Project(tmp_path, files))
        return made[-1]

    yield project
    for each in made:
        each.close()
