"""The Python API: the clients `Kling` and `AsyncKling`, and `parse_callback`.

Programs import these names from `kling_cli`, which loads them when they are touched.
"""
