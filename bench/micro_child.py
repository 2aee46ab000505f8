"""The process that `bench.micro` counts: `python -m bench.micro_child SCENARIO N` runs it N times."""

import sys

from bench.scenarios import SCENARIOS


def main() -> int:
    """Builds the scenario, repeats its call, and does nothing else."""
    call = SCENARIOS[sys.argv[1]]()
    for _ in range(int(sys.argv[2])):
        call()
    return 0


if __name__ == "__main__":
    sys.exit(main())
