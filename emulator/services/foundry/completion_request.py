"""The body of a chat completion about one image."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from emulator.services.foundry.errors import invalid, unsupported

# The first bytes of the formats: https://learn.microsoft.com/azure/foundry/openai/how-to/gpt-with-vision
_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
_UNSUPPORTED_IMAGE = (
    "You uploaded an unsupported image. Please make sure your image has of one the following formats: ['png', 'jpeg',"
    " 'gif', 'webp']."
)


class JsonSchema(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`json_schema` of the response format."""

    name: str
    schema: dict[str, Any]
    strict: bool = False


class _ResponseFormat(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    type: str
    json_schema: JsonSchema | None = None


class _ImageUrl(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class _Content(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    type: Literal["text", "image_url"]
    text: str = ""
    image_url: _ImageUrl | None = None


class _Message(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    role: Literal["system", "developer", "user"]
    content: str | tuple[_Content, ...]


class CompletionRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The supported part of a request; `model` is the name of a deployment."""

    model: str
    messages: Annotated[tuple[_Message, ...], Meta(min_length=1)]
    response_format: _ResponseFormat
    max_completion_tokens: Annotated[int, Meta(ge=1)]
    reasoning_effort: Literal["none", "low", "medium", "high"] = "medium"

    @property
    def schema(self) -> JsonSchema:
        """The schema that the answer must follow. Raises CompletionError if there is none, or none that is strict."""
        schema = self.response_format.json_schema
        if self.response_format.type != "json_schema" or schema is None or not schema.strict:
            raise unsupported("answers without a strict JSON schema")
        return schema

    @property
    def text_characters(self) -> int:
        """The length of all texts of the prompt."""
        return sum(len(text) for message in self.messages for text in _texts(message.content))

    def image(self) -> bytes:
        """The content of the only image. Raises CompletionError."""
        urls = [
            content.image_url.url
            for message in self.messages
            if not isinstance(message.content, str)
            for content in message.content
            if content.image_url is not None
        ]
        if len(urls) != 1:
            raise unsupported(f"{len(urls)} images in a request, only one")
        return _decode(urls[0])


def parse_request(body: bytes) -> CompletionRequest:
    """Parse a body. Raises CompletionError for what is wrong, or not supported."""
    try:
        return msgspec.json.decode(body, type=CompletionRequest)
    except msgspec.ValidationError as error:
        raise unsupported(f"this request: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise invalid(f"We could not parse the JSON body of your request: {error}") from error


def _texts(content: str | Sequence[_Content]) -> list[str]:
    return [content] if isinstance(content, str) else [item.text for item in content]


def _decode(url: str) -> bytes:
    header, _, encoded = url.partition(",")
    if not header.startswith("data:image/") or not header.endswith(";base64"):
        raise unsupported("images as URLs, only as data URLs in Base64")
    try:
        content = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise invalid("Invalid base64 image_url.", param="messages", code="invalid_base64") from error
    is_webp = content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    if not content.startswith(_STARTS) and not is_webp:
        raise invalid(_UNSUPPORTED_IMAGE, param="messages", code="invalid_image_format")
    return content
