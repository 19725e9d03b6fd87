"""Results of analyses: fields that the packaged models fill, without confidences, and the text of an image."""

from collections.abc import Sequence
from typing import Any

from emulator.services.content_understanding.definitions import Definition, Field
from emulator.services.content_understanding.image_file import ImageFile
from emulator.services.foundry.image_tokens import image_tokens, text_tokens
from emulator.services.vision.model_client import ImageDescription, Line, Point, choose_category

# https://learn.microsoft.com/azure/ai-services/content-understanding/concepts/guardrails
_FILTERED = {
    "code": "HarmfulContentFiltered",
    "message": "Fields were filtered because content of category `Violence` was detected with severity `High`.",
    "target": "Result.Contents[0]",
}
# As in a recording of the service: https://github.com/Azure/azure-sdk-assets (js/sdk/contentunderstanding,
# recording_should_analyze_an_image_from_url_using_prebuiltimagesearch).
_IMAGE = {"markdown": "![image](pages/1)\n", "pages": [{"pageNumber": 1, "spans": []}]}
# https://learn.microsoft.com/azure/ai-services/content-understanding/pricing-explainer
_CONTEXTUALIZATION_TOKENS = 1_000


def describe_fields(definition: Definition, file: ImageFile, description: ImageDescription) -> dict[str, Any]:
    """Return `result` and `usage` of an operation with a definition of the user's."""
    fields = {name: _field(name, field, description) for name, field in definition.fields.items()}
    answer_characters = sum(len(str(value)) for value in fields.values())
    prompt_characters = sum(len(field.description) for field in definition.fields.values())
    tokens = {
        f"{definition.models.completion}-input": image_tokens(description) + text_tokens(prompt_characters),
        f"{definition.models.completion}-output": text_tokens(answer_characters),
    }
    return {
        "result": {"warnings": [], "contents": [{**_content(file), **_IMAGE, "fields": fields}]},
        "usage": {"contextualizationTokens": _CONTEXTUALIZATION_TOKENS, "tokens": tokens},
    }


def filter_fields(outcome: dict[str, Any]) -> dict[str, Any]:
    """Return the result of `describe_fields` after a content filter has removed the fields."""
    content = {key: value for key, value in outcome["result"]["contents"][0].items() if key != "fields"}
    return {**outcome, "result": {"warnings": [_FILTERED], "contents": [{**content, "fields": {}}]}}


def describe_text(file: ImageFile, description: ImageDescription) -> dict[str, Any]:
    """Return `result` and `usage` of an operation with `prebuilt-read`."""
    lines: list[dict[str, Any]] = []
    words: list[dict[str, Any]] = []
    markdown = ""
    for line in description.lines:
        lines.append(
            {"content": line.text, "span": _span(markdown, line.text), "source": _source(line.bounding_polygon)}
        )
        words += _words(line, len(markdown))
        markdown += f"{line.text}\n"
    page = {
        "pageNumber": 1,
        "width": file.width,
        "height": file.height,
        "spans": [{"offset": 0, "length": len(markdown)}],
        "words": words,
        "lines": lines,
    }
    return {
        "result": {"warnings": [], "contents": [{**_content(file), "markdown": markdown, "pages": [page]}]},
        "usage": {"documentPagesBasic": 1},
    }


def _content(file: ImageFile) -> dict[str, Any]:
    return {
        "path": "input1",
        "mimeType": file.media_type,
        "kind": "document",
        "startPageNumber": 1,
        "endPageNumber": 1,
        "unit": "pixel",
    }


def _field(name: str, field: Field, description: ImageDescription) -> dict[str, Any]:
    match name:
        case "caption":
            return _string(description.caption)
        case "tags":
            return {"type": "array", "valueArray": [_string(tag) for tag in description.tags]}
        case _:
            return _string(choose_category(field.enum or (), description.tags))


def _string(value: str) -> dict[str, str]:
    return {"type": "string", "valueString": value}


def _words(line: Line, offset: int) -> list[dict[str, Any]]:
    words: list[dict[str, Any]] = []
    position = 0
    for word in line.words:
        position = line.text.index(word.text, position)
        words.append(
            {
                "content": word.text,
                "span": {"offset": offset + position, "length": len(word.text)},
                "confidence": word.confidence,
                "source": _source(word.bounding_polygon),
            }
        )
        position += len(word.text)
    return words


def _span(before: str, text: str) -> dict[str, int]:
    return {"offset": len(before), "length": len(text)}


def _source(polygon: Sequence[Point]) -> str:
    """Return a position on the only page: `D(1,x1,y1,…)`."""
    return f"D(1,{','.join(f'{value:g}' for point in polygon for value in (point.x, point.y))})"
