"""Champion of purchases and value on any transaction log, beside naive forecasts and BTYD models.

Reading a file, printing tables. The models are in `ml.lifetime_value`.
"""
