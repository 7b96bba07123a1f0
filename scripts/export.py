"""Write the network of a finished run for other programs: python scripts/export.py RUN format=onnx."""

import sys

from da.cli.start import start


def main() -> int:
    """Export."""
    from da.cli.export import export

    return export(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(start(main))
