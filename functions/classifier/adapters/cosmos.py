"""Records and cached analyses in Cosmos DB."""

from typing import Any

from azure.core import MatchConditions
from azure.cosmos import ContainerProxy
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from classifier.models import Analysis
from classifier.ports import Superseded


def _read(container: ContainerProxy, item_id: str) -> dict[str, Any] | None:
    try:
        return dict(container.read_item(item_id, partition_key=item_id))
    except CosmosResourceNotFoundError:
        return None


class CosmosRecords:
    """`ports.Records` over the `images` container."""

    def __init__(self, container: ContainerProxy) -> None:
        self._container = container

    def get(self, record_id: str) -> dict[str, Any] | None:
        """As `ports.Records.get`."""
        return _read(self._container, record_id)

    def put(self, record: dict[str, Any], replacing: dict[str, Any] | None) -> None:
        """As `ports.Records.put`: created, or replaced under the ETag that was read, so no write is ever lost."""
        try:
            if replacing is None:
                self._container.create_item(record)
            else:
                self._container.replace_item(
                    record["id"], record, etag=replacing["_etag"], match_condition=MatchConditions.IfNotModified
                )
        except (CosmosResourceExistsError, CosmosAccessConditionFailedError, CosmosResourceNotFoundError) as error:
            raise Superseded(record["id"]) from error


class CosmosAnalyses:
    """`ports.Analyses` over the `analyses` container, whose items expire by themselves."""

    def __init__(self, container: ContainerProxy) -> None:
        self._container = container

    def get(self, key: str) -> Analysis | None:
        """As `ports.Analyses.get`."""
        item = _read(self._container, key)
        return None if item is None else Analysis.from_item(item)

    def put(self, key: str, analysis: Analysis) -> None:
        """As `ports.Analyses.put`."""
        try:
            self._container.create_item(analysis.to_item(key))
        except CosmosResourceExistsError:
            return  # the same picture, analysed twice at the same time
