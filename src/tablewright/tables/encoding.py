"""Between a frame of the user's values and the float matrix that generators learn.

A `Matrix` has one float column per modelled column: numbers, dates and spans as they are
(dates and times as days or microseconds), the values of discrete columns and texts as codes
0, 1, ..., and NaN for a missing value. Identifiers and constants are not in it.
"""
