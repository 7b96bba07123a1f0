from dataclasses import replace

import pytest

from da.setting import ALL, ANY, DIFFERENT, FEW, MANY, NONE, ONE, SAME, SETTINGS, Access, setting_of

EVERYTHING = Access(source_x=True, source_y=ALL, target_x=True, target_y=ALL)
NOTHING = Access(source_x=False)


@pytest.mark.parametrize(
    ("fact", "value", "gap"),
    [
        ("source_x", True, "source inputs"),
        ("source_y", FEW, "few source labels"),
        ("source_y", ALL, "all source labels"),
        ("target_x", True, "unlabelled target inputs"),
        ("target_y", FEW, "few target labels"),
        ("target_y", ALL, "all target labels"),
    ],
)
def test_access_that_is_not_offered_is_named_and_nothing_else(fact, value, gap):
    needs = replace(NOTHING, **{fact: value})
    assert NOTHING.lacks(needs) == [gap]
    assert EVERYTHING.lacks(needs) == []
    assert replace(NOTHING, **{fact: value}).lacks(needs) == []


@pytest.mark.parametrize("fact", ["source_y", "target_y"])
def test_labels_are_ordered(fact):
    grades = [NONE, FEW, ALL]
    for needed in grades:
        for offered in grades:
            gaps = replace(NOTHING, **{fact: offered}).lacks(replace(NOTHING, **{fact: needed}))
            assert bool(gaps) == (grades.index(needed) > grades.index(offered)), (needed, offered)


@pytest.mark.parametrize(
    ("offered", "tolerated", "fits"),
    [
        (SAME, SAME, True),
        (SAME, DIFFERENT, True),
        (DIFFERENT, SAME, False),
        (DIFFERENT, DIFFERENT, True),
        (ANY, SAME, True),  # settled when the files are read
        (ANY, DIFFERENT, True),
    ],
)
def test_spaces_are_a_relation_to_tolerate(offered, tolerated, fits):
    gaps = replace(EVERYTHING, spaces=offered).lacks(Access(target_x=True, spaces=tolerated))
    assert gaps == ([] if fits else ["one feature space shared by source and target"])


def test_spaces_do_not_matter_to_who_sees_no_source():
    assert replace(EVERYTHING, spaces=DIFFERENT).lacks(Access(source_x=False, target_y=FEW)) == []


@pytest.mark.parametrize("offered", [ONE, MANY])
@pytest.mark.parametrize("kept_apart", [ONE, MANY])
def test_the_number_of_sources_is_never_a_gap(offered, kept_apart):
    assert replace(EVERYTHING, sources=offered).lacks(Access(sources=kept_apart)) == []


def test_several_gaps_come_in_order():
    assert NOTHING.lacks(EVERYTHING) == [
        "source inputs", "all source labels", "unlabelled target inputs", "all target labels",
    ]  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_found_by_its_pattern_whatever_the_number_of_sources(name):
    assert setting_of(SETTINGS[name]) == name
    assert setting_of(replace(SETTINGS[name], sources=MANY)) == name


@pytest.mark.parametrize(
    "needs", [NOTHING, Access(source_y=FEW, target_x=True), Access(source_y=ALL, target_x=True, spaces=DIFFERENT)]
)
def test_other_patterns_are_custom(needs):
    assert setting_of(needs) == "custom"


def test_no_two_settings_are_alike():
    assert len(set(SETTINGS.values())) == len(SETTINGS)
