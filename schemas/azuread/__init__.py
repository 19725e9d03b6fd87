"""Resource types of Microsoft Entra ID, as the azuread provider names them."""
