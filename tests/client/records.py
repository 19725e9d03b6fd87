"""Records of images, as far as the client reads them."""

CAT = {
    "id": "x",
    "status": "classified",
    "blob": {"etag": "0x1"},
    "category": {"name": "Egyptian cat", "confidence": 0.754},
    "caption": {"text": "a cat", "confidence": 0.9},
    "read": [{"text": "one"}, {"text": "two"}, {"text": "three"}, {"text": "four"}],
}
REJECTED = {
    "status": "rejected",
    "blob": {"etag": "0x1"},
    "reason": {"code": "TooSmall", "sentence": "Each side must be at least 50 pixels."},
}
