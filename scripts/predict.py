"""Predict new samples with the model of a finished run: python scripts/predict.py RUN data=new.csv."""

import sys

from da.cli.start import start


def main() -> int:
    """Predict."""
    from da.cli.predict import predict

    return predict(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(start(main))
