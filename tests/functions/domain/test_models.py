"""The data types of the pipeline."""

from classifier.domain.models import Analysis


def test_an_analysis_is_an_item_and_comes_back_out_of_it() -> None:
    analysis = Analysis(analyzer="a", api_version="1", model_version="m", findings={"tags": [1]}, exclusive=True)
    item = analysis.to_item("key")
    assert item == {
        "id": "key",
        "schemaVersion": 1,
        "analyzer": "a",
        "apiVersion": "1",
        "modelVersion": "m",
        "findings": {"tags": [1]},
        "exclusive": True,
    }
    assert Analysis.from_item(item) == analysis
    assert Analysis(analyzer="a", api_version="1", model_version="m", findings={}).exclusive is False
