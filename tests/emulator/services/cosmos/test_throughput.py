"""429 beyond a container's RU/s, when the faults file asks for it."""

import json
from pathlib import Path

import pytest
from azure.cosmos.exceptions import CosmosHttpResponseError

from emulator.core.faults import Faults
from emulator.core.resource_store import Resource
from emulator.services.cosmos.items.errors import CosmosError
from emulator.services.cosmos.throughput import Throughput
from tests.emulator.services.cosmos.conftest import CosmosAccount


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def container(**options: object) -> Resource:
    return Resource(id="/c", type="t", inputs={"options": options}, outputs={})


AUTOSCALE = container(autoscaleSettings={"maxThroughput": 1000})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    path = tmp_path / "faults.json"
    path.write_text(json.dumps({"cosmosThroughput": True}))
    return Faults(path)


def refusal(throughput: Throughput, resource: Resource, partition: int = 0) -> CosmosError:
    with pytest.raises(CosmosError) as raised:
        throughput.admit(resource, partition)
    return raised.value


def test_nothing_is_limited_by_default(tmp_path: Path, clock: Clock) -> None:
    throughput = Throughput(Faults(tmp_path / "none"), clock, 1)
    throughput.spend(AUTOSCALE, 0, 1_000_000)
    throughput.admit(AUTOSCALE, 0)


@pytest.mark.parametrize("resource", [AUTOSCALE, container(throughput=1000)])
def test_a_partition_has_its_part_of_the_throughput(faults: Faults, clock: Clock, resource: Resource) -> None:
    throughput = Throughput(faults, clock, 2)
    throughput.spend(resource, 0, 499)
    throughput.admit(resource, 0)
    throughput.spend(resource, 0, 251)
    error = refusal(throughput, resource)
    assert (error.status, error.code, error.sub_status) == (429, "TooManyRequests", 3200)
    assert "Request rate is large" in str(error)
    assert error.headers == {"x-ms-retry-after-ms": "501", "x-ms-request-charge": "0.38"}
    throughput.admit(resource, 1)


def test_a_request_succeeds_after_the_time_that_it_was_told(faults: Faults, clock: Clock) -> None:
    throughput = Throughput(faults, clock, 1)
    throughput.spend(AUTOSCALE, 0, 3000)
    milliseconds = int(refusal(throughput, AUTOSCALE).headers["x-ms-retry-after-ms"])
    assert milliseconds == 2001
    clock.now += 1.9
    refusal(throughput, AUTOSCALE)
    clock.now += 0.101
    throughput.admit(AUTOSCALE, 0)


def test_a_container_without_throughput_of_its_own_is_not_limited(faults: Faults, clock: Clock) -> None:
    throughput = Throughput(faults, clock, 1)
    throughput.spend(container(), 0, 1_000_000)
    throughput.admit(container(), 0)


@pytest.fixture
def partitions() -> int:
    return 1


@pytest.fixture
def now() -> Clock:
    """Stands still, so that nothing makes up for what was used."""
    return Clock()


def test_throughput_is_limited_if_the_faults_file_says_so(account: CosmosAccount, faults_file: Path) -> None:
    account.add_container("images", options={"autoscaleSettings": {"maxThroughput": 1000}})
    with account.client(retry_total=0) as client:
        images = client.get_database_client("pipeline").get_container_client("images")
        images.create_item({"id": "0", "text": "x" * 200_000})
        assert len(list(images.query_items("SELECT * FROM c", partition_key="0"))) == 1
        faults_file.write_text(json.dumps({"cosmosThroughput": True}))
        images.create_item({"id": "1", "text": "x" * 200_000})
        with pytest.raises(CosmosHttpResponseError, match="Request rate is large") as raised:
            list(images.query_items("SELECT * FROM c", partition_key="0"))
        assert (raised.value.status_code, raised.value.sub_status) == (429, 3200)
        with pytest.raises(CosmosHttpResponseError, match="Request rate is large"):
            images.create_item({"id": "2"})
