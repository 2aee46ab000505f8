"""The benchmark: Asbru beside plain proxies and other gateways, on one machine, in one run.

`python -m bench` measures and writes results; `python -m bench.micro` counts instructions per call;
`python -m bench.report` prints a result file and fills the table of the README. No test asserts a figure.
"""
