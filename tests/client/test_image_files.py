"""The files that a command line names: which blobs they become, and what is refused."""

from pathlib import Path

import pytest

from client.errors import ClientError
from client.image_files import find_uploads


def test_names_of_blobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work/album/summer").mkdir(parents=True)
    for name in ("above.png", "work/cat 1.png", "work/album/b.png", "work/album/summer/a.png"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path / "work")

    def names(*paths: str) -> list[str]:
        return [upload.blob_name for upload in find_uploads(paths)]

    assert names("cat 1.png", "album/b.png") == ["cat 1.png", "album/b.png"]
    assert names("./cat 1.png") == ["cat 1.png"]
    assert names(str(tmp_path / "work/album/b.png"), "../above.png") == ["b.png", "above.png"]
    assert names("album") == ["album/b.png", "album/summer/a.png"]
    assert names("../work/album/") == ["album/b.png", "album/summer/a.png"]
    assert names(".") == ["work/album/b.png", "work/album/summer/a.png", "work/cat 1.png"]
    assert names() == []


def test_files_that_would_become_the_same_blob_are_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "cat.png").touch()
    with pytest.raises(ClientError, match=r"several files would become the same blob: cat\.png"):
        find_uploads([str(tmp_path / "a/cat.png"), str(tmp_path / "b/cat.png")])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match=r"there is no file '.*/my'; a name with spaces needs quotes of its own"):
        find_uploads([str(tmp_path / "my"), str(tmp_path / "cat.png")])
