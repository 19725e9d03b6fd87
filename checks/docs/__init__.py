"""Generated parts of the documents: written by `make docs`, and compared by a test.

`registry` has the name of each part and the function that generates it; `blocks` replaces the parts of a document.
The functions are in `architecture`, `role_assignments`, `operations`, `commands`, `record_schema` and `record_example`.
That of the settings is in `infra.config.reference`.
"""
