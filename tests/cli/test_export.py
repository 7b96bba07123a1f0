"""scripts/export.py: a deep run in, a network for other programs out."""

import json

import numpy as np
import pytest
import torch

import da
from da.cli.export import export

pytestmark = pytest.mark.versions

DEEP = ("method=dann", "trainer.max_epochs=1", "steps_per_epoch=2")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    rng = np.random.default_rng(0)
    for name, shift in (("a", 0.0), ("b", 2.0)):
        lines = [f"{u + shift:.3f},{v:.3f},{k % 2}\n" for k, (u, v) in enumerate(rng.normal(size=(40, 2)))]
        (home / f"{name}.csv").write_text("u,v,label\n" + "".join(lines))
    return home


@pytest.fixture
def run(home, monkeypatch):
    monkeypatch.chdir(home)
    data = ("data=features", "data.source=a.csv", "data.target=b.csv", "data.standardize=true", "output=runs")
    return lambda *words: da.run(*data, "trainer.enable_progress_bar=false", *words).directory


def test_a_network_for_pytorch_answers_as_the_model(run, tmp_path, capsys):
    directory = run(*DEEP)
    file = tmp_path / "network.pt2"
    assert export([str(directory), f"output={file}"]) == 0
    assert "logits agree within" in capsys.readouterr().out
    beside = json.loads((tmp_path / "network.pt2.json").read_text())
    assert (beside["classes"], beside["columns"], beside["shape"]) == (["0", "1"], ["u", "v"], [2])
    x = np.array([[0.3, -1.0], [2.0, 0.5], [3.0, 0.0]])
    prepared = (x - beside["subtract"]) / beside["divide"]
    logits = torch.export.load(file).module()(torch.from_numpy(prepared).float()).detach().numpy()
    model = da.load(directory)
    np.testing.assert_allclose(logits, model.answer(model.read(x))[1], atol=1e-5)


def test_onnx_answers_as_the_model_or_names_what_is_missing(run, tmp_path, capsys):
    file = tmp_path / "network.onnx"
    code = export([str(run(*DEEP)), "format=onnx", f"output={file}"])
    said = capsys.readouterr()
    try:
        import onnxruntime
        import onnxscript  # noqa: F401 - PyTorch's exporter needs it
    except ImportError:
        assert code == 2
        assert 'pip install "da[export]"' in said.err
        return
    assert code == 0, said.err
    model = da.load(run(*DEEP))
    x = np.random.default_rng(1).normal(size=(5, 2)).astype(np.float32)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    prepared = model.inputs.prepare(x).astype(np.float32)
    np.testing.assert_allclose(session.run(None, {"x": prepared})[0], model.answer(model.read(x))[1], atol=1e-5)


def test_a_network_that_differs_is_not_kept(run, tmp_path, capsys, monkeypatch):
    import da.engine.export

    directory = run(*DEEP)

    def wrong(network, x, file):
        """A network that was exported for one number of samples alone."""
        file.touch()
        return lambda part: network(part).detach().numpy() + float(len(part) != len(x))

    monkeypatch.setattr(da.engine.export, "_torch", wrong)
    file = tmp_path / "network.pt2"
    assert export([str(directory), f"output={file}"]) == 2
    assert "differs from the run's by 1 " in capsys.readouterr().err
    assert not file.exists()


def test_what_cannot_be_exported_is_said(run, capsys):
    for words, message in (
        ([str(run("method=coral"))], "coral is closed-form and no network"),
        ([str(run(*DEEP)), "format=tflite"], "There is no format=tflite"),
        ([str(run(*DEEP)), "output=runs"], "output=runs is a folder"),
        ([str(run(*DEEP)), f"output={run(*DEEP)}/model.safetensors"], "name another file"),
        ([str(run(*DEEP)), "fromat=onnx"], "no key 'fromat'; did you mean 'format'"),
        ([], ""),
    ):
        assert export(words) == 2
        assert message in capsys.readouterr().err
