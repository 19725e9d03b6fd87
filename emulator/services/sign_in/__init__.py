"""Emulated sign-in of Microsoft Entra ID: an OpenID provider with the authorization code flow for browsers."""
