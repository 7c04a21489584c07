"""What a constraint takes beside the logits: which values of each kind are allowed, and how they are written."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from constrained.parameters import Mask, Number, Vector

NUMBER = Number("lam", "λ", "λ, weight", "A weight.", default=0.5, low=0.001, high=10.0, scale="log", zero=True)
COUNT = Number("epochs", "n", "Epochs", "A count.", default=10, low=1, high=50, whole=True)
VECTOR = Vector("offset", "b", "b, offset", "Added.", default=0.0, low=-5.0, high=5.0)
MASK = Mask("excluded", "M", "M, excluded", "Left out.")
LABELS = ["cat", "dog", "a; b", "twin", "twin", "*", ""]


def test_numbers():
    assert [NUMBER.check(v) for v in (0, 0.001, 10)] == [0, 0.001, 10]
    assert NUMBER.read(" 2.5e-1 ", LABELS) == 0.25
    assert (COUNT.check(3), COUNT.read("3", LABELS)) == (3, 3)
    assert type(COUNT.check(3)) is int
    for bad in (3.0, True, "3", None):
        with pytest.raises(ValueError, match="epochs must be a whole number"):
            COUNT.check(bad)
    for bad in ("", "one", "1_0", "0x1", "nan", "inf", "1e999", "11"):
        with pytest.raises(ValueError, match="lam must be"):
            NUMBER.read(bad, LABELS)


@pytest.mark.parametrize("bad", [math.nan, math.inf, True, None, "1", 9.0, [0.0] * 6, [0.0] * 8, [], [9.0] * 7, {}])
def test_a_vector_is_a_number_or_one_for_each_class(bad):
    assert VECTOR.check(1) == 1.0
    assert VECTOR.check([1] * 7, 7) == [1.0] * 7
    with pytest.raises(ValueError, match="offset must"):
        VECTOR.check(bad, 7)


@pytest.mark.parametrize("bad", [1, 0.0, None, "true", [1] * 7, [True] * 6, {}])
def test_a_mask_is_yes_or_no_for_each_class(bad):
    assert MASK.check(True) is True
    assert MASK.check([True, False, False, False, False, False, True], 7)[::6] == [True, True]
    with pytest.raises(ValueError, match="excluded must"):
        MASK.check(bad, 7)


def test_a_mask_opens_empty():
    """A text can only add classes: one that is full from the start could not be emptied."""
    with pytest.raises(TypeError, match="default"):
        Mask("kept", "M", "M, kept", "Kept.", default=True)


@given(st.lists(st.floats(-5, 5), min_size=7, max_size=7) | st.floats(-5, 5))
def test_a_vector_is_spelled_exactly(value):
    value = VECTOR.check(value)
    every = VECTOR.read(VECTOR.spell(value, LABELS), LABELS)
    assert (every if isinstance(every, list) else [every] * 7) == (value if isinstance(value, list) else [value] * 7)


@given(st.lists(st.booleans(), min_size=7, max_size=7))
def test_a_mask_is_spelled_exactly(value):
    every = MASK.read(MASK.spell(value, LABELS), LABELS)
    assert (every if isinstance(every, list) else [every] * 7) == value


def test_a_text_names_classes_as_a_person_would():
    assert VECTOR.spell([2.0, -1.0, 0.25, 0, 0, 0, 0], LABELS) == "cat=2; dog=-1; #2=0.25"
    assert VECTOR.spell([1.0] * 6 + [0.0], LABELS) == "*=1; #6=0"
    assert MASK.spell([True, False, True, True, False, False, False], LABELS) == "cat; #2; #3"
    assert MASK.spell([True] * 7, LABELS) == "*"
    assert VECTOR.read("1,2,3,4,5,-1,-2", LABELS) == [1, 2, 3, 4, 5, -1, -2]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("bird=1", "'bird' is not one of the classes"),
        ("twin=1", "'twin' is not one of the classes"),
        ("#7=1", "'#7' is not one of the classes"),
        ("cat=1; #0=2", "'#0' is there twice"),
        ("cat", "write a class and its number"),
        ("cat=", "write a class and its number"),
        ("=1", "write a class and its number"),
        ("cat=6", "must be from -5 to 5, got 6.0"),
    ],
)
def test_a_wrong_text_is_told_in_a_sentence(text, says):
    with pytest.raises(ValueError, match=says):
        VECTOR.read(text, LABELS)


def test_what_a_module_holds_becomes_plain():
    assert NUMBER.plain(torch.tensor([0.5], requires_grad=True)) == 0.5
    assert VECTOR.plain(torch.tensor([1.0, 2.0])) == [1.0, 2.0]
    assert VECTOR.plain(torch.tensor(1.0)) == 1.0
    assert MASK.plain(torch.tensor([True, False])) == [True, False]
    with pytest.raises(ValueError, match="one number for all classes"):
        NUMBER.plain(torch.tensor([1.0, 2.0]))
