"""The API app: uploads, records, lists and search, for signed-in users."""
