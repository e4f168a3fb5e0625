"""The rule file is read strictly, each rule finds its example and not its counter-examples."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.origin.evidence import Claim, Field, Strength
from brightline.origin.rules import Rule, RuleBook, RuleError, check_pattern, load_rules, rule_book
from tests.origin.labelled import slots, written_key

RULES = rule_book().rules

GOOD = {
    "id": "generator.test.name",
    "title": "a test",
    "where": ["text:Software", "exif:*"],
    "needle": "Maker",
    "pattern": ["Maker v"],
    "claim": "ai_generated",
    "strength": "generator_artifact",
    "since": "2020",
    "reference": "nowhere",
    "example": "Maker v1",
}


def toml(table: dict[str, Any]) -> str:
    return "[[rule]]\n" + "".join(f"{key} = {_value(value)}\n" for key, value in table.items())


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)


def found(rule: Rule, text: str, kind: str, key: str) -> bool:
    others = [Field(*more.where, more.example) for more in rule.also if more.where]
    return bool(RuleBook([rule]).match([Field(kind, key, text, "here"), *others]))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_example_is_found_and_counter_examples_are_not(rule: Rule) -> None:
    for kind, key in rule.where:
        name = written_key(kind, key) if key == "*" or kind == "xmp" else key
        assert found(rule, rule.example, kind, name), (kind, name)
        for text in rule.counter:
            assert not found(rule, text, kind, name), (kind, name, text)
    assert list(slots(rule))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_another_field_holding_it_is_no_evidence(rule: Rule) -> None:
    for kind, key in rule.where:
        if key != "*":
            assert not found(rule, rule.example, kind, "SomethingElse")


@pytest.mark.parametrize("rule", [r for r in RULES if r.also], ids=lambda rule: rule.id)
def test_every_further_condition_is_needed(rule: Rule) -> None:
    kind, key = rule.where[0]
    key = written_key(kind, key) if kind == "xmp" or key == "*" else key
    for more in rule.also:
        text = rule.example if more.where else more.pattern.sub("~", rule.example)
        assert not RuleBook([rule]).match([Field(kind, key, text, "here")])


def test_the_loader_takes_a_rule_as_described() -> None:
    (rule,) = load_rules(toml(GOOD))
    assert rule.claim is Claim.AI_GENERATED
    assert rule.strength is Strength.GENERATOR_ARTIFACT
    assert rule.where == (("text", "software"), ("exif", "*"))
    assert rule.family == "test"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"id": "test"}, "kind.family.what"),
        ({"id": "heuristic.test.name"}, "do not agree"),
        ({"where": ["pixels:Software"]}, "no place"),
        ({"where": ["Software"]}, "no place"),
        ({"where": []}, "must not be empty"),
        ({"pattern": []}, "must not be empty"),
        ({"pattern": ["Maker.*v"]}, "unlimited"),
        ({"pattern": ["(Maker) v"]}, "groups"),
        ({"pattern": ["Maker ["]}, "rule generator.test.name"),
        ({"claim": "fake"}, "fake"),
        ({"strength": "proof"}, "proof"),
        ({"needle": ""}, "needle"),
        ({"needle": "absent"}, "needle"),
        ({"after": "absent"}, "after"),
        ({"extract": {"prompt": "(a)"}}, "no name of an extracted value"),
        ({"extract": {"seed": "a"}}, "groups"),
        ({"also": [{"where": "exif:Make"}]}, "also"),
        ({"counter": [1]}, "texts"),
        ({"title": ""}, "title"),
        ({"verdict": "fake"}, "verdict unknown"),
    ],
)
def test_the_loader_refuses_what_is_not_as_described(change: dict[str, Any], word: str) -> None:
    with pytest.raises(RuleError, match=word.replace(".", r"\.")):
        load_rules(toml({**GOOD, **change}))


def test_the_loader_refuses_what_is_missing_or_double_or_no_rules() -> None:
    for key in GOOD:
        if key != "needle":
            with pytest.raises(RuleError):
                load_rules(toml({k: v for k, v in GOOD.items() if k != key}))
    with pytest.raises(RuleError, match="two rules"):
        load_rules(toml(GOOD) + toml(GOOD))
    for text in ("", "rule = 3", "[[rules]]\nid = 'a'", "not toml"):
        with pytest.raises(RuleError):
            load_rules(text)


@pytest.mark.parametrize(
    "pattern", ["a*", "a+", "a{2,}", "(?:ab){0,9}", r"(a)\1", "a{0,70}b{0,70}", "a{0,501}", "[ab]+"]
)
def test_patterns_that_can_go_back_far_are_refused(pattern: str) -> None:
    assert check_pattern(pattern)


@pytest.mark.parametrize("pattern", [r"a\*b\+", "[*+]", r"a{0,16}b{3}", "(?:ab)?c", r"\{\d{1,5}"])
def test_patterns_with_limits_are_taken(pattern: str) -> None:
    assert check_pattern(pattern) is None


_WORDS = st.sampled_from(
    [" ", '"', "\\", "{", "1", "a", "-", ": ", "Steps: 1", "Sampler: ", "Seed: 1", "AIGC"]
    + ['"Label"', '"seed"', "Size: 1x1", "Job ID: ", '"class_type"', "Label: '", "0123abcd-"]
    + ["Signature: ", "A", "=", "made with ", "digitalsourcetype/", "\n", '"hash":"']
)
_UNITS = st.lists(_WORDS, min_size=1, max_size=6).map("".join)


def _seconds(unit: str) -> float:
    text = unit * (200_000 // len(unit))
    fields = [
        Field(kind, written_key(kind, key), text, "")
        for kind, key in {place for rule in RULES for place in rule.where}
    ]
    start = time.process_time()
    rule_book().match(fields)
    return time.process_time() - start


@settings(deadline=None, max_examples=8)
@given(_UNITS)
def test_time_grows_no_faster_than_the_text(unit: str) -> None:
    """Texts woven of the very words that patterns look for; a power law would take minutes."""
    assert _seconds(unit) < 5.0


@pytest.mark.long
@settings(deadline=None, max_examples=50)
@given(_UNITS)
def test_time_grows_no_faster_than_the_text_for_many_texts(unit: str) -> None:
    assert _seconds(unit) < 5.0


def test_values_are_short_and_printable() -> None:
    value = "model\x1b[31m\u202eevil" + "x" * 400
    text = f"Steps: 1, Sampler: a, Seed: 5, Model: {value}"
    (piece,) = rule_book().match([Field("text", "parameters", text, "png tEXt parameters")])
    name = piece.extracted["model_name"]
    assert name.isprintable() and len(name) <= 100 and "\x1b" not in name
    assert piece.extracted["seed"] == "5"


def test_values_come_from_behind_the_prompt() -> None:
    prompt = "a map, Model: a toy, Seed: 99, Size: 1x1\n"
    text = prompt + "Steps: 20, Sampler: Euler, Seed: 5, Size: 512x640, Model: real"
    (piece,) = rule_book().match([Field("text", "parameters", text, "")])
    wanted = {"seed": "5", "model_name": "real", "width": "512", "height": "640"}
    assert wanted.items() <= piece.extracted.items()


def test_a_label_may_stand_behind_its_producer() -> None:
    """The standard's JSON has no order."""
    text = '{"AIGC":{"ContentProducer":"Example","ProduceID":"' + "0" * 64 + '","Label":"2"}}'
    (piece,) = rule_book().match([Field("exif", "UserComment", text, "")])
    assert (piece.rule_id, piece.extracted["label"]) == ("declared.aigc.label2", "2")


def test_a_size_before_upscaling_is_no_size_of_the_picture() -> None:
    text = "Steps: 20, Sampler: Euler, Seed: 5, Size: 512x640, Hires upscale: 2"
    (piece,) = rule_book().match([Field("text", "parameters", text, "")])
    assert "width" not in piece.extracted and "height" not in piece.extracted
