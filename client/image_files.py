"""The files that a command line names."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from client.errors import ClientError
from client.image_store import Upload


def find_uploads(paths: Sequence[str]) -> list[Upload]:
    """Return the files that the arguments name; folders are searched.

    A relative path becomes the blob's name unchanged; of an absolute one only its last part does.

    Raises:
        ClientError: A file does not exist, or two files would become the same blob.
    """
    uploads = [upload for path in paths for upload in _expand(Path(path))]
    names = [upload.blob_name for upload in uploads]
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise ClientError(f"several files would become the same blob: {', '.join(duplicates)}")
    return uploads


def _expand(path: Path) -> Iterator[Upload]:
    if path.is_dir():
        for file in sorted(item for item in path.rglob("*") if item.is_file()):
            yield Upload(path=file, blob_name=f"{path.resolve().name}/{file.relative_to(path).as_posix()}")
    elif path.is_file():
        if path.is_absolute() or ".." in path.parts:
            yield Upload(path=path, blob_name=path.name)
        else:
            yield Upload(path=path, blob_name=path.as_posix())
    else:
        raise ClientError(
            f"there is no file {str(path)!r}; a name with spaces needs quotes of its own: IMAGES=\"'my cat.jpg' b.png\""
        )
