from itertools import permutations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from da.data.image_folder import ImageFolder
from da.data.pacs import CLASSES, SHA256, Pacs
from da.data.validity import check_task
from da.errors import ConfigError, DataError

COUNTS = {"art_painting": 2048, "cartoon": 2344, "photo": 1670, "sketch": 3929}
# ours: logistic regression (C = 30) on unit rows of the whole photo domain; no published table
FROM_PHOTO = {"art_painting": 51.6, "cartoon": 23.1, "sketch": 28.3}


@pytest.fixture
def pacs(real_data, monkeypatch):
    monkeypatch.setenv("DA_DATA_DIR", str(real_data))
    return real_data / "pacs"


@pytest.mark.data
def test_logistic_regression_gives_the_known_row(pacs):
    tasks = {target: Pacs(target=target, validation_fraction=0).load() for target in FROM_PHOTO}
    source = tasks["sketch"].sources[0].train
    model = LogisticRegression(C=30, max_iter=1000).fit(source.x, source.y)
    found = {target: 100 * model.score(task.target.test.x, task.target.test.y) for target, task in tasks.items()}
    assert found == pytest.approx(FROM_PHOTO, abs=0.2)  # of the solver's tolerance


@pytest.mark.data
def test_every_pair_is_a_task(pacs):
    for source, target in permutations(COUNTS, 2):
        task = Pacs(source=source, target=target).load()
        check_task(task)
        assert (task.name, task.transductive, task.classes) == (f"{source}->{target}", True, CLASSES)
        assert len(task.sources[0].train) + len(task.sources[0].test) == COUNTS[source]
        assert len(task.sources[0].test) == round(0.1 * COUNTS[source])
        assert task.target.train is task.target.test
        assert len(task.target.test) == COUNTS[target]


@pytest.mark.data
def test_leaving_one_out_keeps_the_sources_apart(pacs):
    sources = [name for name in COUNTS if name != "sketch"]
    task = Pacs(source=sources, target="sketch", validation_fraction=0).load()
    check_task(task)
    assert [(s.train.name, len(s.train)) for s in task.sources] == [(name, COUNTS[name]) for name in sources]
    np.testing.assert_allclose(np.linalg.norm(task.sources[0].train.x, axis=1), 1)


@pytest.mark.data
def test_the_image_folder_reads_the_images_in_the_order_of_the_features(pacs):
    images = ImageFolder(root="pacs/pacs_112.zip", source="photo", target="sketch", size=8, validation_fraction=0)
    task, features = images.load(), Pacs(source="photo", validation_fraction=0).load()
    check_task(task)
    assert task.classes == CLASSES
    np.testing.assert_array_equal(task.sources[0].train.y, features.sources[0].train.y)


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ({"source": "art"}, r"data\.source='art' is unknown"),
        ({"source": ["photo", "sketch"], "target": "sketch"}, "holds the target 'sketch'"),
        ({"normalize": "L2"}, r"data\.normalize='L2' is unknown"),
    ],
)
def test_bad_keywords(keywords, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Pacs(**keywords).load()


def test_missing_files(monkeypatch, tmp_path):
    monkeypatch.setenv("DA_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match=r"pacs/squeezenet512/photo_squeezenet512\.npz.*DA_DATA_DIR="):
        Pacs().load()
    assert set(SHA256) == set(COUNTS)
