"""Estimate of a month's cost from settings, sizes and list prices.

    meters        the meters that the stack is billed by, named as Azure's Retail Prices API names them
    price_list    prices of a region: rows of prices/*.json, and what a quantity costs by their tiers
    workload      what the estimate depends on, and its adapter from the stack's settings
    vision, compute, storage, operations    quantities by meter, with the assumptions behind them
    estimate      line items and totals, low and high
    levers        what other settings would save

docs/decisions/0039 has the assumptions and their sources, docs/cost.md a calculation by hand.
"""
