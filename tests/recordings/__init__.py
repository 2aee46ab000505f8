"""The recordings harness: recorded provider traffic as upstream, as requests and as streams to cut.

Run by `make recordings` (tools/recordings.py), not by pytest. Data is read from ASBRU_RECORDINGS, else from
`../shared/recordings`; it is never copied into the tree.
"""
