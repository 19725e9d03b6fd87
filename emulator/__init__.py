"""An emulator of the Azure services that the program deploys, under Azure's own host names, on this machine."""
