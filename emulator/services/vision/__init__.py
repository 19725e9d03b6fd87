"""Image Analysis on small real models whose weights ship in packages."""
