from __future__ import annotations

import gc
import sys

import pytest
from records import unlabelled

from da.errors import UsageError
from da.results import frame, store

pytestmark = [
    pytest.mark.usefixtures("of_this_code"),
    pytest.mark.versions,
    pytest.mark.filterwarnings("ignore:skipped 2 unreadable records"),  # of the folder below; one test looks at it
]

pandas = pytest.importorskip("pandas")


@pytest.fixture
def folder(tmp_path, keep, finished, failed):
    for seed, accuracy in enumerate((60.0, 64.0)):
        keep(f"digits/dann/seed{seed}", finished(seed=seed, accuracy=accuracy, keys={"weight": 0.5}))
    keep("digits/coral/seed0", finished("coral", keys={"sizes": [1, 2]}, code={"source": "two"}))
    keep("digits/coral/seed1", failed("coral", seed=1))
    keep("digits/half", "{")
    keep("digits/other", finished().to_json() | {"schema": 999})
    return tmp_path


def test_a_folder_may_be_named_by_a_word(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    pandas.testing.assert_frame_equal(
        frame.collect(folder.name).drop(columns="directory"), frame.collect(folder).drop(columns="directory")
    )
    with pytest.raises(UsageError, match="The folder nowhere is not there"):
        frame.collect("nowhere")


def test_every_run_is_a_row_with_its_configuration_and_figures(folder):
    whole = frame.collect(folder)
    assert whole[["method", "seed", "status"]].values.tolist() == [
        ["coral", 0, "finished"],
        ["dann", 0, "finished"],
        ["dann", 1, "finished"],
        ["coral", 1, "failed"],  # it never came to a task
    ]
    assert whole["config.method.weight"].tolist()[1:3] == [0.5, 0.5]
    assert whole["config.method.sizes"][0] == "[1, 2]"
    assert whole["figure.last"].tolist()[:3] == [50.0, 60.0, 64.0]
    assert whole["figure.oracle_accuracy"][2] == 66.0
    assert whole["seconds.train"][2] == 3.0
    assert whole["error"][3] == "It broke."
    assert whole["directory"][0] == str(folder / "digits/coral/seed0")
    assert list(whole.columns[:5]) == ["data", "task", "method", "seed", "status"]


def test_collecting_finds_what_the_store_finds(folder):
    assert len(frame.collect(folder)) == len(store.load(folder))
    assert sorted(frame.frame(store.load(folder))["figure.last"].dropna()) == [50.0, 60.0, 64.0]


def test_records_that_cannot_be_read_are_counted_and_the_first_is_named(folder):
    with pytest.warns(UserWarning, match=r"skipped 2 unreadable records, such as this\. The record of .*digits/half"):
        frame.collect(folder)


def test_groups_are_means_over_finished_seeds(folder):
    made = frame.grouped(frame.collect(folder))
    assert made.loc[("digits", "digits->sensor", "dann")].tolist() == pytest.approx([62.0, 8**0.5, 2])
    assert made.loc[("digits", "digits->sensor", "coral"), "count"] == 1


def test_every_rule_has_its_own_score_beside_the_figure(tmp_path):
    unlabelled(tmp_path, "coral", {"last": [1, 2], "infomax": [0.5, 0.25]})
    unlabelled(tmp_path, "dann", {"last": [1, 2]})
    whole = frame.collect(tmp_path)
    assert whole["score.infomax"].tolist()[0] == 0.5
    assert whole["score.infomax"].isna().tolist() == [False, True]
    assert whole["score.last"].tolist() == [2.0, 2.0]
    assert not [column for column in whole if column.startswith("figure.")]  # without target labels


def test_scores_stand_between_figures_and_seconds(tmp_path, keep, finished):
    content = finished().to_json()
    content["selection"]["entropy"]["score"] = -0.5
    keep("a", content)
    whole = frame.collect(tmp_path)
    columns = [column.partition(".")[0] for column in whole]
    assert columns.index("figure") < columns.index("score") < columns.index("seconds")
    assert (whole["score.entropy"][0], whole["figure.entropy"][0]) == (-0.5, 49.0)


def test_a_folder_that_is_not_there_is_an_error_in_a_sentence(tmp_path):
    with pytest.raises(UsageError, match=r"The folder .*nowhere is not there; name the one .* output=FOLDER"):
        frame.collect(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"The folder .*file is a file"):
        frame.collect(tmp_path / "file")


def test_an_empty_folder_is_an_empty_frame_and_the_collector_stays_on(tmp_path):
    assert len(frame.collect(tmp_path)) == 0
    assert gc.isenabled()


@pytest.mark.parametrize("suffix", frame.SUFFIXES)
def test_frames_are_written_by_suffix(folder, suffix):
    whole = frame.collect(folder)
    file = frame.write(whole, folder / "new" / f"runs{suffix}")
    read = pandas.read_csv(file) if suffix == ".csv" else pandas.read_parquet(file)
    assert list(read.columns) == list(whole.columns)
    assert read["figure.last"].tolist()[:3] == [50.0, 60.0, 64.0]


def test_parquet_takes_keys_that_are_numbers_in_one_run_and_words_in_another(tmp_path, finished):
    whole = frame.frame([finished(keys={"k": 5}), finished(seed=1, keys={"k": "auto"}), finished("coral")])
    read = pandas.read_parquet(frame.write(whole, tmp_path / "runs.parquet"))
    assert read["config.method.k"].dropna().tolist() == ["5", "auto"]


def test_what_cannot_be_written_is_said(folder, monkeypatch):
    with pytest.raises(UsageError, match=r"suffix '.xlsx'.*\.csv or \.parquet"):
        frame.write(frame.collect(folder), folder / "runs.xlsx")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match=r"da\[formats\]"):
        frame.collect(folder)


def test_cells_that_a_spreadsheet_would_run_get_an_apostrophe(tmp_path):
    whole = pandas.DataFrame(
        {"label": ["=1+1", "@x", "+a", "-b", "plain", ""], "figure": [-1.5, 2.0, 3.0, 4.0, 5.0, 6.0]}
    )
    text = frame.write(whole, tmp_path / "a.csv").read_text().splitlines()
    assert text[1:] == ["'=1+1,-1.5", "'@x,2.0", "'+a,3.0", "'-b,4.0", "plain,5.0", ",6.0"]
    assert pandas.read_parquet(frame.write(whole, tmp_path / "a.parquet")).label.tolist() == [*whole.label]
