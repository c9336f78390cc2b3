"""What the people do: buying, browsing, driving, asking, answering campaigns.

Each module plants one behaviour with its parameters; the order they run in is `simulation.engine`.
"""
