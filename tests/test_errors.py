from da.errors import few, nearest, nearest_of_many


def test_at_most_five_names_are_told_and_how_many_there_are_besides() -> None:
    assert few([]) == ""
    assert few("abcde") == "a, b, c, d, e"
    assert few(range(8)) == "0, 1, 2, 3, 4 and 3 more"
    assert few(range(8), 2) == "0, 1 and 6 more"


def test_the_nearest_name_is_told_or_the_first_that_there_are() -> None:
    assert nearest("weigth", ["weight", "height"]) == "did you mean 'weight'?"
    assert nearest("zzz", ["b", "a"]) == "known: a, b."
    assert nearest_of_many("zzz", "fedcba") == "known: a, b, c, d, e and 1 more."
    assert nearest_of_many("weigth", ["weight", *"abcdef"]) == nearest("weigth", ["weight"])
    assert nearest("zzz", []) == "nothing is known here."
