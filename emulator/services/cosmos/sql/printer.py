"""The printer: syntax tree to text, in the form of Azure's gateway.

For every tree that the parser returns, `parse(to_sql(tree)) == tree`.
"""

import json

from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.keywords import is_plain_name


def to_sql(node: tree.Query | tree.Expression) -> str:
    """The text of a query or of an expression. Clauses are on lines of their own."""
    if isinstance(node, tree.Query):
        return _query(node, separator="\n")
    return _expression(node)


def _query(query: tree.Query, *, separator: str = " ") -> str:
    clauses = [_select(query.select)]
    if query.from_items:
        clauses.append("FROM " + " JOIN ".join(_from_item(from_item) for from_item in query.from_items))
    if query.where is not None:
        clauses.append(f"WHERE {_expression(query.where)}")
    if query.group_by:
        clauses.append(f"GROUP BY {_list(query.group_by)}")
    if query.order_by is not None:
        items = ", ".join(_order_item(item) for item in query.order_by.items)
        rank = "RANK " if query.order_by.rank else ""
        clauses.append(f"ORDER BY {rank}{items}")
    if query.offset_limit is not None:
        offset = _expression(query.offset_limit.offset)
        clauses.append(f"OFFSET {offset} LIMIT {_expression(query.offset_limit.limit)}")
    return separator.join(clauses)


def _select(select: tree.Select) -> str:
    words = ["SELECT"]
    if select.distinct:
        words.append("DISTINCT")
    if select.top is not None:
        words.append(f"TOP {_expression(select.top)}")
    match select.projection:
        case tree.SelectAll():
            words.append("*")
        case tree.SelectValue(expression):
            words.append(f"VALUE {_expression(expression)}")
        case tree.SelectList(items):
            words.append(", ".join(_select_item(item) for item in items))
    return " ".join(words)


def _select_item(item: tree.SelectItem) -> str:
    text = _expression(item.expression)
    if item.alias is None:
        return text
    return f"{text} AS {item.alias if is_plain_name(item.alias) else _string(item.alias)}"


def _from_item(from_item: tree.FromItem) -> str:
    if isinstance(from_item, tree.FromArray):
        return f"{from_item.alias} IN {_from_item(from_item.collection)}"
    if isinstance(from_item, tree.FromSubquery):
        text = f"({_query(from_item.query)})"
    else:
        text = from_item.root + "".join(_step(step) for step in from_item.path)
    if from_item.alias is None:
        return text
    return f"{text} AS {from_item.alias}"


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if is_plain_name(step):
        return f".{step}"
    return f"[{_string(step)}]"


def _order_item(item: tree.OrderItem) -> str:
    text = _expression(item.expression)
    if item.direction is None:
        return text
    return f"{text} {item.direction}"


def _list(expressions: tuple[tree.Expression, ...]) -> str:
    return ", ".join(_expression(expression) for expression in expressions)


def _expression(node: tree.Expression) -> str:
    match node:
        case tree.Constant(value):
            return json.dumps(value, ensure_ascii=False)
        case tree.UndefinedConstant():
            return "undefined"
        case tree.Parameter(text) | tree.Placeholder(text) | tree.Identifier(text):
            return text
        case tree.Property(parent, name):
            return f"{_parent(parent)}{_step(name)}"
        case tree.Element(parent, index):
            return f"{_parent(parent)}[{_expression(index)}]"
        case tree.ArrayCreation(items):
            return f"[{_list(items)}]"
        case tree.ObjectCreation(properties):
            return "{" + ", ".join(f"{_string(name)}: {_expression(value)}" for name, value in properties) + "}"
        case tree.FunctionCall(name, arguments):
            return f"{name}({_list(arguments)})"
        case tree.UserFunctionCall(name, arguments):
            return f"udf.{name}({_list(arguments)})"
        case tree.Subquery(operator, tree.Query() as query):
            return f"{operator}({_query(query)})"
        case _:
            return f"({_operation(node)})"


def _operation(node: tree.Expression) -> str:
    match node:
        case tree.Unary(operator, operand):
            return f"{operator} {_expression(operand)}"
        case tree.Binary(operator, left, right):
            return f"{_expression(left)} {operator} {_expression(right)}"
        case tree.Logical(operator, operands):
            return f" {operator} ".join(_expression(operand) for operand in operands)
        case tree.Conditional(condition, consequent, alternative):
            return f"{_expression(condition)} ? {_expression(consequent)} : {_expression(alternative)}"
        case tree.Between(operand, low, high, negated):
            negation = "NOT " if negated else ""
            return f"{_expression(operand)} {negation}BETWEEN {_expression(low)} AND {_expression(high)}"
        case tree.In(operand, choices, negated):
            negation = "NOT " if negated else ""
            return f"{_expression(operand)} {negation}IN ({_list(choices)})"
        case tree.Like(operand, pattern, escape, negated):
            negation = "NOT " if negated else ""
            text = f"{_expression(operand)} {negation}LIKE {_expression(pattern)}"
            if escape is None:
                return text
            return f"{text} ESCAPE {_string(escape)}"
        case _:
            raise AssertionError(node)


def _parent(node: tree.Expression) -> str:
    text = _expression(node)
    # A dot after digits would belong to the number.
    if isinstance(node, tree.Constant):
        return f"({text})"
    return text


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
