"""Text files as people have them: read right, or said plainly."""

import gzip
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from da.data.readers import read_table
from da.errors import DataError


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def test_labels_are_read_once_as_text_however_long_the_file(tmp_path):
    """pandas types each chunk of a long file apart: 01 was 1 in one and 01 in the next."""
    y = np.r_[np.tile(["01", "02", "03"], 1500), ["A1", "01", "02", "03"] * 400]
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(len(y), 200)).round(2)).add_prefix("f")
    rows.assign(label=y).to_csv(tmp_path / "z.csv", index=False)
    found = read_table(tmp_path / "z.csv").y
    assert found.tolist() == y.tolist()


@pytest.mark.parametrize(
    ("words", "labels"),
    [
        (["1", "2", "10"], [1, 2, 10]),  # sorted as numbers
        (["1.0", "2.0", "-3.0"], [1, 2, -3]),
        (["01", "2", "3"], ["01", "2", "3"]),
        (["NA", "None", "nan"], ["NA", "None", "nan"]),
        ([" cat", "dog ", "cat"], ["cat", "dog", "cat"]),
        (["True", "False", "True"], ["True", "False", "True"]),
        (["0.5", "1.5", "2"], [0.5, 1.5, 2.0]),
    ],
)
def test_labels_are_numbers_where_all_are_written_as_such(tmp_path, words, labels):
    write(tmp_path / "a.csv", "x,label\n" + "".join(f"{k},{word}\n" for k, word in enumerate(words)))
    found = read_table(tmp_path / "a.csv").y
    assert found.tolist() == labels
    assert [type(value) for value in found.tolist()] == [type(value) for value in labels]


def test_whole_numbers_that_floats_do_not_tell_apart_stay_words(tmp_path):
    words = ["9007199254740992", "9007199254740993", "9007199254740999", "12345678901234567890"]
    rows = "\n".join(f"{k}.5,{word}" for k, word in enumerate(words))
    table = read_table(write(tmp_path / "a.csv", f"a,label\n{rows}\n"))
    assert table.y.tolist() == words


@pytest.mark.parametrize("kind", ["string", "category", "object"])
def test_words_of_any_type_of_a_frame_are_labels(tmp_path, kind):
    frame = pd.DataFrame({"x": [0.0, 1.0], "label": pd.Series(["toluene", "benzene"]).astype(kind)})
    frame.to_parquet(tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet").y.tolist() == ["toluene", "benzene"]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("a,b,label\n0.5,-2,cat\n1.25,3,dog\n", "utf-8"),
        ("a,b,label\n0.5,-2,cat\n1.25,3,dog\n", "utf-8-sig"),
        ("a,b,label\n0.5,-2,cat\n1.25,3,dog\n", "utf-16"),
        ("a;b;label\n0.5;-2;cat\n1.25;3;dog\n", "utf-8"),
        ("a;b;label\n0,5;-2;cat\n1,25;3;dog\n", "utf-8"),
        ("a\tb\tlabel\n0,5\t-2\tcat\n1,25\t3\tdog\n", "utf-8"),
        ("a, b, label\n0.5, -2, cat\n1.25, 3, dog\n", "utf-8"),
        ('"a","b","label"\r\n"0.5","-2","cat"\r\n"1.25","3","dog"\r\n', "utf-8"),
    ],
)
def test_separators_decimal_commas_and_marks(tmp_path, text, encoding):
    table = read_table(write(tmp_path / "a.csv", text, encoding))
    np.testing.assert_array_equal(table.x, [[0.5, -2.0], [1.25, 3.0]])
    assert (table.y.tolist(), table.columns) == (["cat", "dog"], ("a", "b"))


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ('"temp, C";label\n1,5;a\n2,5;b\n', ("temp, C",)),
        ('"a,b";"c,d";label\n1;2;x\n3;4;y\n', ("a,b", "c,d")),
        ("a\tb, c, d, e, f\tlabel\n1\t2\tx\n3\t4\ty\n", ("a", "b, c, d, e, f")),
        ("f1;label\n1;x\n2;y\n", ("f1",)),
    ],
)
def test_signs_in_names_separate_nothing(tmp_path, text, columns):
    found = read_table(write(tmp_path / "a.csv", text))
    assert found.columns == columns
    assert found.x.shape == (2, len(columns))


def test_a_file_without_a_separator_is_told(tmp_path):
    for head in ("f1 f2 label\n1 2 a\n", '"temp C";"label"\n1.5;a\n'.replace(";", " ")):
        with pytest.raises(DataError, match="has one column only, as no comma, semicolon, tab or bar"):
            read_table(write(tmp_path / "a.csv", head))
    for first in ("sep=;", "SEP=,", "# exported today"):
        with pytest.raises(DataError, match="The first line of .* names no columns; take it out"):
            read_table(write(tmp_path / "a.csv", f"{first}\nx;label\n1;a\n"))
    with pytest.raises(DataError, match="is UTF-32; save it as UTF-8"):
        read_table(write(tmp_path / "a.csv", "x,label\n1,a\n", "utf-32"))


def test_empty_cells_of_features_are_missing_and_words_there_are_named(tmp_path):
    table = read_table(write(tmp_path / "a.csv", "a,b,label\n,NA,x\n1,2,y\n"))
    np.testing.assert_array_equal(np.isnan(table.x), [[True, True], [False, False]])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b,label\n1,2,x,\n3,4,y,\n", r"Row 1 of .*a\.csv' has 4 values, and the first line names 3 columns"),
        ("a,b,label\n1,2,x\n3,4,y,7\n", r"Row 2 of .*a\.csv' has 4 values, and the first line names 3 columns"),
        ("a,a,label\n1,2,x\n", r"has 2 columns called 'a'; give each a name of its own"),
    ],
)
def test_rows_that_do_not_fit_the_first_line(tmp_path, text, sentence):
    """A value too many moved every column by one, in silence."""
    with pytest.raises(DataError, match=sentence):
        read_table(write(tmp_path / "a.csv", text))


def test_other_encodings_are_named(tmp_path):
    for text in ("größe,label\n1,x\n", "a,label\n1,größe\n"):
        with pytest.raises(DataError, match=r"is not UTF-8 text \(byte 0xf6\); save it as UTF-8"):
            read_table(write(tmp_path / "a.csv", text, "latin-1"))


def test_columns_that_are_no_features_are_left_out_and_taken_as_text(tmp_path):
    write(tmp_path / "a.csv", "id,a,town,label\n007,1,Ulm,x\n008,2,Bonn,y\n")
    with pytest.raises(
        DataError,
        match=r"numbers \(town\), such as 'Ulm' in 'town'; encode them, leave them out with data.drop=\[town\]",
    ):
        read_table(tmp_path / "a.csv")
    table = read_table(tmp_path / "a.csv", left_out=["id", "town", "absent"])
    assert (table.columns, table.x.tolist()) == (("a",), [[1.0], [2.0]])
    np.savez(tmp_path / "a.npz", x=np.ones((2, 1)))
    with pytest.raises(DataError, match="no columns with names, so id cannot be left out"):
        read_table(tmp_path / "a.npz", left_out=["id"])


@pytest.mark.parametrize(("cell", "said"), [
    ('"1,5"', "a decimal point and nothing between thousands"),
    ('"1,234.5"', "a decimal point and nothing between thousands"),
    ("yes", "encode them"),
    ('"2\n3,4', "close its quotes"),
])  # fmt: skip
def test_what_is_no_number_is_shown(tmp_path, cell, said):
    write(
        tmp_path / "a.csv",
        f'a,b,label\n1,2,x\n3,{cell},y\n4,"5,z\n' if "\n" in cell else f"a,b,label\n1,2,x\n3,{cell},y\n",
    )
    with pytest.raises(DataError, match=said):
        read_table(tmp_path / "a.csv")


def test_a_label_that_swallows_rows_is_refused(tmp_path):
    write(tmp_path / "a.csv", 'a,label\n1,x\n2,"y\n3,x\n4,y"\n5,x\n')
    with pytest.raises(DataError, match=r"a label of 9 characters and 3 lines in 'label', which begins .* close its"):
        read_table(tmp_path / "a.csv")
    write(tmp_path / "b.csv", f"a,label\n1,x\n2,{'y' * 300}\n")
    with pytest.raises(DataError, match="a label of 300 characters"):
        read_table(tmp_path / "b.csv")


def test_bars_separate_and_labels_may_have_decimal_commas(tmp_path):
    write(tmp_path / "a.csv", "a|b|label\n1|2|x\n3|4|y\n")
    assert read_table(tmp_path / "a.csv").x.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    write(tmp_path / "b.csv", "a;label\n1;0,5\n2;1,25\n")
    assert read_table(tmp_path / "b.csv").y.tolist() == [0.5, 1.25]
    write(tmp_path / "c.csv", "a;label\n1;red, blue\n2;0,5\n")
    assert read_table(tmp_path / "c.csv").y.tolist() == ["red, blue", "0,5"]


def test_packed_and_unmarked_files_are_told_apart_from_damaged_ones(tmp_path):
    (tmp_path / "a.csv").write_bytes(gzip.compress(b"a,label\n1,x\n"))
    with pytest.raises(DataError, match="is packed with gzip; unpack it first"):
        read_table(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_bytes("a,label\n1,x\n".encode("utf-16-le"))
    with pytest.raises(DataError, match=r"UTF-16 without a byte-order mark; .* iconv -f utf-16le -t utf-8"):
        read_table(tmp_path / "b.csv")


def test_the_labels_are_not_left_out(tmp_path):
    write(tmp_path / "a.csv", "a,label\n1,x\n2,y\n")
    with pytest.raises(
        DataError, match=r"^'label' holds the labels and is no feature anyway; take it out of data.drop"
    ):
        read_table(tmp_path / "a.csv", left_out=["label"])


def test_decimals_of_parquet_are_numbers(tmp_path):
    frame = pd.DataFrame({"a": [None, Decimal("2.50"), Decimal(1)], "label": [Decimal(1), Decimal("1.0"), Decimal(2)]})
    frame.to_parquet(tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    np.testing.assert_array_equal(table.x, [[np.nan], [2.5], [1.0]])
    assert len(table.y) == 3


def test_an_index_of_parquet_is_never_lost(tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0], "label": [b"x", b"y"], "s": [7, 8]}).set_index("s")
    frame.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"has 's' as its index, which may be a feature or not; .* data.id_column=s"):
        read_table(tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet", left_out=["s"])
    assert (table.columns, table.left_out, table.y.tolist()) == (("a", "b"), ("s",), ["x", "y"])
    frame.reset_index().set_index("label").to_parquet(tmp_path / "b.parquet")
    table = read_table(tmp_path / "b.parquet")
    assert (table.columns, table.y.tolist()) == (("s", "a", "b"), ["x", "y"])


def test_short_rows_are_told_though_their_last_cells_are_left_out(tmp_path):
    write(tmp_path / "a.csv", "label,a,b,note\nx,1,2,n\ny,1,n\n")
    for left_out in (["note"], []):
        with pytest.raises(DataError, match=r"^Row 2 of '\S*a.csv' has 3 values, and the first line names 4 columns"):
            read_table(tmp_path / "a.csv", left_out=left_out)
    write(tmp_path / "b.csv", "label,a,note\nx,1,n\ny,2,\n")
    assert read_table(tmp_path / "b.csv", left_out=["note"]).x.tolist() == [[1.0], [2.0]]


def test_names_that_are_one_number_in_two_spellings_stay_two(tmp_path):
    write(tmp_path / "a.csv", "a,label\n1,1e1\n2,10\n3,2\n")
    assert read_table(tmp_path / "a.csv").y.tolist() == ["1e1", "10", "2"]


def test_truth_values_are_words_in_every_format(tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0], "label": [True, False]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    for suffix in ("csv", "parquet"):
        assert read_table(tmp_path / f"a.{suffix}").y.tolist() == ["True", "False"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["2,750", "278", "1,000,000"], None),
        (["2,750", "1,125", "-3,500"], None),
        (["2,750", "0,125", "278"], [2.75, 0.125, 278.0]),
        (["2,75", "2,750", "278"], [2.75, 2.75, 278.0]),
        (["1234,500", "2,750", ""], [1234.5, 2.75, np.nan]),
    ],
    ids=str,
)
def test_commas_that_may_stand_between_thousands_are_refused(tmp_path, cells, expected):
    rows = "".join(f"{cell}\t{k}\tx{k % 2}\n" for k, cell in enumerate(cells))
    write(tmp_path / "a.csv", f"income\tage\tlabel\n{rows}")
    if expected is None:
        with pytest.raises(
            DataError, match="such as '2,750'.*; write numbers with a decimal point and nothing between"
        ):
            read_table(tmp_path / "a.csv")
    else:
        np.testing.assert_array_equal(read_table(tmp_path / "a.csv").x[:, 0], expected)


def test_values_in_place_of_names_are_told_also_where_one_is_missing(tmp_path):
    write(tmp_path / "a.csv", "0.75,0,None\n1,2,a\n")
    with pytest.raises(DataError, match="holds numbers, not names; add a line with a name for each column"):
        read_table(tmp_path / "a.csv", labelled=False)


def test_columns_of_parquet_of_one_name_are_told(tmp_path):
    table = pa.table([pa.array([1.0]), pa.array([2.0]), pa.array(["x"])], names=["a", "a", "label"])
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match="has several columns called 'a'; give each a name of its own"):
        read_table(tmp_path / "a.parquet")


def test_points_between_thousands_beside_a_decimal_comma_are_shown(tmp_path):
    write(tmp_path / "a.csv", "a;b;label\n1.234;0,5;x\n1.234,5;0,7;y\n")
    with pytest.raises(DataError, match=r"\(a\), such as '1.234(,5)?' in 'a'; write numbers with a decimal point and"):
        read_table(tmp_path / "a.csv")
