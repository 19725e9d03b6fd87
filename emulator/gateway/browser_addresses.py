"""Addresses for a browser, as other processes get them from the daemon."""

import urllib.request

# Path of the server of addresses, which takes a text and answers with the same text for a browser.
ADDRESSES_PATH = "/addresses"
_TIMEOUT_SECONDS = 30


def map_for_browser(text: str, port: int) -> str:
    """The text with addresses that a browser on this machine can open in the place of Azure's host names.

    Args:
        text: Any text.
        port: Port of the daemon's server of addresses.

    Raises:
        OSError: The daemon does not answer.
    """
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{ADDRESSES_PATH}",
        data=text.encode(),
        headers={"Content-Type": "text/plain; charset=utf-8"},
        method="POST",
    )
    # The emulator's own proxy refuses addresses of this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
        return response.read().decode()
