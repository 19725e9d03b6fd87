"""All built-in functions by name, and the names that Azure has and the emulator does not support."""

from emulator.services.cosmos.sql.functions import arrays, conversions, dates, mathematics, strings, type_tests
from emulator.services.cosmos.sql.functions.definition import Function

_DOCUMENTED: dict[str, Function] = {
    **arrays.FUNCTIONS,
    **conversions.FUNCTIONS,
    **dates.FUNCTIONS,
    **mathematics.FUNCTIONS,
    **strings.FUNCTIONS,
    **type_tests.FUNCTIONS,
}

# Other spellings that the service accepts:
# https://github.com/microsoft/vscode-cosmosdb (packages/nosql-language-service/src/completion/builtinFunctions.ts)
_SPELLINGS = {
    "IS_BOOLEAN": "IS_BOOL",
    "OBJECT_TO_ARRAY": "OBJECTTOARRAY",
    "SET_INTERSECT": "SETINTERSECT",
    "SET_UNION": "SETUNION",
    "STRING_EQUALS": "STRINGEQUALS",
    "STRING_JOIN": "STRINGJOIN",
    "STRING_SPLIT": "STRINGSPLIT",
    "STRING_TO_ARRAY": "STRINGTOARRAY",
    "STRING_TO_BOOLEAN": "STRINGTOBOOLEAN",
    "STRING_TO_NULL": "STRINGTONULL",
    "STRING_TO_NUMBER": "STRINGTONUMBER",
    "STRING_TO_OBJECT": "STRINGTOOBJECT",
    "TO_STRING": "TOSTRING",
}

FUNCTIONS: dict[str, Function] = _DOCUMENTED | {name: _DOCUMENTED[same] for name, same in _SPELLINGS.items()}
"""The functions that the emulator supports, by their names in upper case."""

UNSUPPORTED = frozenset(
    {
        *("AGO", "ARRAY_AVG", "ARRAY_MAX", "ARRAY_MEDIAN", "ARRAY_MIN", "ARRAY_SUM", "CONTAINS_ALL_CI"),
        *("CONTAINS_ALL_CS", "CONTAINS_ANY_CI", "CONTAINS_ANY_CS", "DATETIMEFORMAT", "DAY", "DOCUMENTID", "HASH"),
        *("INTMULTIPLY", "IS_DATETIME", "LASTSUBSTRINGAFTER", "LASTSUBSTRINGBEFORE", "MAKELIST", "MAKESET", "MONTH"),
        *("NOW", "NUMBERBIN", "RAND", "REGEXEXTRACT", "REGEXEXTRACTALL", "SETDIFFERENCE", "SETEQUAL"),
        *("SET_DIFFERENCE", "SET_EQUAL", "ST_AREA", "ST_DISTANCE", "ST_INTERSECTS", "ST_ISVALID"),
        *("ST_ISVALIDDETAILED", "ST_WITHIN", "SUBSTRINGAFTER", "SUBSTRINGBEFORE", "YEAR"),
    }
)
"""Functions that Azure has, and that a query is refused for with 501."""
