"""Tables of resource types that the emulator, the checks and the tests share."""
