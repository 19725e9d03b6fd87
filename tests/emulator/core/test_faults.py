"""The faults file: probabilities, outages, and what is wrong with a file that is not valid."""

from pathlib import Path

import pytest

from emulator.core.faults import Faults, FaultsError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "faults.json"


def test_faults_happen_with_the_probability_in_the_file(file: Path) -> None:
    faults = Faults(file)
    assert not any(faults.should_fail("throttled") for _ in range(100))
    file.write_text('{"throttled": 1.0}')
    assert all(faults.should_fail("throttled") for _ in range(100))
    assert not faults.should_fail("failing")
    assert not faults.should_fail("termsNotAccepted")


def test_a_service_is_unavailable_while_the_file_names_it(file: Path) -> None:
    faults = Faults(file)
    assert not faults.is_unavailable("vision")
    file.write_text('{"outages": ["vision", "cosmos"]}')
    assert faults.is_unavailable("vision")
    assert not faults.is_unavailable("blob")
    file.unlink()
    assert not faults.is_unavailable("vision")


def test_an_analysis_takes_a_second_unless_the_file_says_otherwise(file: Path) -> None:
    faults = Faults(file)
    assert faults.analysis_seconds() == 1
    file.write_text('{"operationLost": 1}')
    assert (faults.analysis_seconds(), faults.should_fail("operationLost")) == (1, True)
    file.write_text('{"analysisSeconds": 30.5}')
    assert (faults.analysis_seconds(), faults.should_fail("operationFailed")) == (30.5, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"outages": ["storage"]}', r"Invalid enum value 'storage' .* \(outages: blob, cosmos, eventgrid, identity,"),
        (b'{"outages": "blob"}', r"Expected `array`, got `str` - at `\$.outages`"),
        (b'{"throtled": 0.5}', "unknown field `throtled`"),
        (b'{"analysisSeconds": -1}', r"Expected `float` >= 0.0 - at `\$.analysisSeconds`"),
        (b'{"throttled": 20}', r"Expected `float` <= 1.0 - at `\$.throttled`"),
        (b"", "Input data was truncated"),
        (b'{"\xff": 0}', "codec can't decode byte 0xff"),
    ],
)
def test_a_file_that_is_not_valid_is_refused_with_the_reason_each_time(file: Path, text: bytes, message: str) -> None:
    file.write_bytes(text)
    faults = Faults(file)
    for _ in range(2):
        with pytest.raises(FaultsError, match=f"faults.json: .*{message}"):
            faults.is_unavailable("blob")
    with pytest.raises(FaultsError, match=message):
        faults.should_fail("throttled")
