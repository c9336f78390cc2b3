"""What the group sells and where: articles, products, vehicles, stores, dealers, web pages.

Facts of the offer, the same for every size of market; buying is `simulation.behaviour`.
"""
