"""One worker: waitress with strict parsing, two lanes, limits and a drain.

The only package that knows waitress. It uses some of its inner workings (the map of the loop, the
channel's buffers), hence the upper bound of its version.
"""
