"""A TCP proxy of our own between two processes, whose connections meet the rules of the `network` seam.

It runs as a process of its own: `python -m chaos_test.network CONFIG RUN_DIR NAME=PORT=HOST:PORT ...`.
"""
