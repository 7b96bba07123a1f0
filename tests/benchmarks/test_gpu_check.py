"""The check of a GPU goes its whole way on the CPU."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "performance" / "gpu_check.py"


@pytest.fixture
def gpu_check(monkeypatch):
    """The script as a module, of one method."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec = importlib.util.spec_from_file_location("gpu_check", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "deep", lambda: ["dann"])
    return module


def test_what_differs_is_named(gpu_check, monkeypatch):
    header, *rows = gpu_check.equality("cpu")
    assert [row[:2] for row in rows] == [("dann", "float64"), ("dann", "float32")]
    assert all(row[2:] == ("0.0e+00", "0.0e+00", "0.0e+00", "") for row in rows)
    assert len(header) == 6
    whole = gpu_check.trained

    def off(name, device, dtype):
        terms, gradients, weights = whole(name, "cpu", dtype)
        return terms, [1.01 * g for g in gradients] if device == "elsewhere" else gradients, weights

    monkeypatch.setattr(gpu_check, "trained", off)
    assert [row[3:] for row in list(gpu_check.equality("elsewhere"))[1:]] == [
        ("1.0e-02", "0.0e+00", "above 1e-08"),
        ("1.0e-02", "0.0e+00", "above 0.001"),
    ]


def test_precisions_and_costs_have_a_row_a_method(gpu_check, monkeypatch):
    monkeypatch.setattr(gpu_check.step_cost, "compared", lambda: ["dann"])
    header, row = gpu_check.precisions("cpu")
    assert header == ("method", "bf16-mixed", "")
    assert row[0] == "dann"
    assert row[-1] == ""
    assert all(0.0 < float(cell) < 0.1 for cell in row[1:-1])
    header, row = gpu_check.costs("cpu", 1)
    assert header == ("method", "B=4+4")
    assert float(row[1]) > 0.0


def test_a_part_that_breaks_is_said_and_does_not_end_the_page(gpu_check):
    def rows():
        yield ("method", "")
        yield ("dann", "a|b")
        raise RuntimeError("out of memory")

    part = gpu_check.section("Title", "Note.", rows)
    assert part.startswith("## Title\n\nNote.\n\n| method |  |\n| --- | --- |\n| dann | a\\|b |\n")
    assert "Ended early: RuntimeError: out of memory" in part


@pytest.mark.slow
def test_the_page_is_written_without_a_gpu(gpu_check, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(gpu_check.step_cost, "compared", lambda: ["dann"])
    monkeypatch.setattr(
        sys, "argv", ["gpu_check.py", "--device", "cpu", "--rounds", "1", f"--output={tmp_path / 'p.md'}"]
    )
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    try:
        gpu_check.main()
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before
    page = (tmp_path / "p.md").read_text(encoding="utf-8")
    assert page.count("## ") == 5
    assert "Ended early" not in page
    assert "| coral | equal to 1e-6 |" in page
    assert page.rstrip().endswith(capsys.readouterr().out.rstrip()[-40:])
