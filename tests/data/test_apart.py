"""A domain is not adapted to itself: by name, by file however it is spelt, or by content."""

from pathlib import Path

import numpy as np
import pytest
from processes import finished

from da.config import catalog
from da.config.compose import compose, expand
from da.config.validate import validate
from da.data.apart import keep, kept
from da.data.splits import same_inputs
from da.errors import ConfigError, DataError, Incompatible

PAIRED = [n for n, e in catalog.entries("data").items() if {"source", "target"} <= set(e.config)]


def test_what_is_kept_lasts_as_long_as_its_key() -> None:
    from da.data.apart import _KEPT

    before = len(_KEPT)
    key = keep(np.arange(3))
    assert kept(key).tolist() == [0, 1, 2]
    del key
    assert len(_KEPT) == before


@pytest.mark.parametrize("name", PAIRED)
def test_the_same_domain_as_source_and_target_is_refused_before_anything_is_read(name: str) -> None:
    value = catalog.named("data", name).config["source"] or "a"
    method = "soft_transfer" if name.endswith("hetero") else "unadapted"
    same = ["data=" + name, f"method={method}", f"data.source={value}", f"data.target={value}"]
    if name == "office_caltech10_hetero":
        validate(compose(same))  # another feature space of the same domain is a task
        same.append("data.target_features=surf")
    with pytest.raises(Incompatible, match=f"data={name}: data.source and data.target are both '{value}'; name two"):
        validate(compose(same))


def test_a_target_among_several_sources_is_refused() -> None:
    with pytest.raises(Incompatible, match=r"data.source holds the target 'photo'; leave it out"):
        validate(compose(["data=pacs", "method=unadapted", "data.source=[sketch,photo]", "data.target=photo"]))


def test_of_all_pairs_those_of_a_domain_with_itself_are_left_out_with_the_reason() -> None:
    pairs = ["method=unadapted", "data=office_caltech10", "data.source=amazon,dslr", "data.target=amazon,dslr"]
    found = expand(pairs, multirun=True)
    assert [(p.config["data"]["source"], p.config["data"]["target"]) for p in found.plans] == [("amazon", "dslr"), ("dslr", "amazon")]  # fmt: skip
    assert [reason.split(": ")[1] for reason in found.refused] == [
        f"data.source and data.target are both '{name}'; name two different domains." for name in ("amazon", "dslr")
    ]
    with pytest.raises(ConfigError, match="are both 'amazon'"):
        expand([*pairs[:2], "data.source=amazon", "data.target=amazon"], multirun=True)


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        np.savez(tmp_path / f"{name}.npz", x=rng.normal(size=(90, 4)), label=rng.integers(3, size=90))
    (tmp_path / "link.npz").symlink_to(tmp_path / "a.npz")
    (tmp_path / "copy.npz").write_bytes((tmp_path / "a.npz").read_bytes())
    table = np.load(tmp_path / "a.npz")
    order = rng.permutation(90)
    np.savez(tmp_path / "shuffled.npz", x=table["x"][order], label=table["label"][order])
    return tmp_path


def options(tables: Path, source: str, target: str, *more: str) -> list[str]:
    files = [f"data.source={tables / source}", f"data.target={tables / target}"]
    return ["data=features", "method=unadapted", *files, *more]


@pytest.mark.parametrize(("source", "target"), [("a.npz", "a.npz"), ("a.npz", "link.npz"), ("./a.npz", "a.npz")])
def test_one_file_under_two_spellings_is_one_file(tables, source, target) -> None:
    with pytest.raises(Incompatible, match="name two different domains"):
        validate(compose(options(tables, source, target)))


def test_a_file_to_report_on_is_neither_a_source_nor_the_target(tables) -> None:
    for test, message in (("a.npz", "is a source as well"), ("b.npz", "set data.test_fraction=0")):
        with pytest.raises(Incompatible, match=message):
            validate(compose(options(tables, "a.npz", "b.npz", f"data.target_test={tables / test}")))


def test_files_that_are_missing_are_told_of_when_they_are_read(tables) -> None:
    validate(compose(options(tables, "no.npz", "b.npz")))


@pytest.mark.parametrize("target", ["copy.npz", "shuffled.npz"])
def test_equal_content_is_refused_when_it_is_read(tables, target) -> None:
    plan = validate(compose(options(tables, "a.npz", target)))
    with pytest.raises(DataError, match=r"The source 'a' and the target '\w+' hold the same inputs"):
        catalog.build(plan.config["data"], where="data").load()


def test_equal_images_are_refused_when_they_are_read(tmp_path) -> None:
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for k in range(4):
        picture = image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        for domain in ("a", "b"):
            (tmp_path / domain / str(k % 2)).mkdir(parents=True, exist_ok=True)
            picture.save(tmp_path / domain / str(k % 2) / f"{k}.png")
    node = {
        "_target_": "da.data.image_folder.ImageFolder",
        "root": str(tmp_path),
        "source": "a",
        "target": "b",
        "size": 8,
    }
    with pytest.raises(DataError, match="'a' and the target 'b' hold the same inputs"):
        catalog.build(node).load()


def test_different_samples_are_not_the_same() -> None:
    eye = np.eye(4)
    assert same_inputs(eye, eye[::-1])
    assert not same_inputs(eye, eye[[0, 0, 1, 2]])
    assert not same_inputs(eye, np.full((4, 4), 0.25)), "though every row has the same sum"
    assert not same_inputs(eye, np.eye(5))
    assert same_inputs(eye.astype(np.uint8), eye)


def test_a_single_run_is_refused_with_code_2_and_leaves_no_record(tables, root) -> None:
    out = tables / "runs"
    done = finished(root / "scripts" / "train.py", *options(tables, "a.npz", "a.npz", f"output={out}"), cwd=root)
    assert (done.returncode, out.exists()) == (2, False)
    assert "name two different domains" in done.stderr
