"""Vision models of Microsoft Foundry: chat completions about one image, on the packaged models."""
