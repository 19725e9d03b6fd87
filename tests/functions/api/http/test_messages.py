"""What a request and a response have by default."""

from image_api.http.messages import Request, Response


def test_a_request_has_only_what_it_was_made_with_and_an_id_of_its_own() -> None:
    first, second = Request(method="GET"), Request(method="GET")
    assert (first.path_parameters, first.query, first.headers, first.body) == ({}, {}, {}, b"")
    assert first.id != second.id


def test_a_response_is_json_without_a_body() -> None:
    response = Response(status=204)
    assert (response.body, response.content_type, response.headers) == (b"", "application/json", {})
