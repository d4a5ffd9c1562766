"""Filters: this engine against scim2-models, which has models, a parser and an evaluator of its own.

Where the two part, one of RULES says which sentence of the RFCs decides. A rule can be followed: the
evaluator of scim2-models then reads that sentence as this engine does. With all rules followed it
must say what this engine says of every case, and without any one of them it must not.
"""

import json
import sys
from datetime import datetime
from functools import partial
from inspect import isclass
from pathlib import Path
from unicodedata import normalize

from scim2_models import EnterpriseUser, ScimFilter, ScimPolicy, User
from scim2_models.base import BaseModel
from scim2_models.exceptions import InvalidFilterException, SCIMException
from scim2_models.path import STRING_OPERATORS, AttrPath, CompareOperator, coerce_value
from scim2_models.path.filter import _Validator
from scim2_models.path.resolution import (
    _resolve_attr_path,
    _validate_operator,
    _validate_value_selection,
)
from scim2_models.path.visitor import _compare, _Evaluator, _ScalarEvaluator

MODEL = User[EnterpriseUser]
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

OURS = "this engine does"
EITHER = "either may"

# What decides, and who follows it.
RULES = {
    "any-value": (
        'RFC 7644 §3.4.2.2: "the filter matches if any of the values of the specified attribute '
        'match the specified criterion"',
        OURS + ", for `ne` too; scim2-models wants `ne` of every value",
    ),
    "unassigned": (
        'RFC 7643 §2.5: "Unassigned attributes, the null value, or an empty array ... SHALL be '
        'considered to be equivalent in "state""',
        OURS + ": a value that lacks the sub-attribute is none, and `eq null` is `not pr`",
    ),
    "dates-are-texts": (
        'RFC 7644 Table 3, co: "The entire operator value must be a substring of the attribute value"',
        OURS + "; to scim2-models nothing is a part of a date",
    ),
    "null-has-no-order": (
        'RFC 7644 Table 9, invalidFilter: "attribute and filter comparison combination is not '
        'supported"',
        EITHER + ": to scim2-models `gt null` matches nothing",
    ),
    "complex-has-parts": (
        'RFC 7644 §3.4.2.2: "For complex attributes, a fully qualified sub-attribute MUST be '
        'specified"',
        OURS + " but for `manager`, which stands for `manager.value`; scim2-models accepts all",
    ),
    "extension-without-urn": (
        'RFC 7644 §3.10: clients "SHOULD fully qualify extended attributes"',
        EITHER + ": this engine finds one that is not qualified",
    ),
    "secret": (
        'RFC 7643 §7, never: "A service provider MAY allow attributes to be used in a search filter"',
        EITHER + ": this engine refuses",
    ),
    "type-decides": (
        'RFC 7644 Table 3, eq: "The attribute and operator values must be identical for a match"',
        EITHER + ": this engine reads a literal by the attribute's type whether it is quoted or not, "
        "and any text as an address; scim2-models has fewer texts and takes 1 for true",
    ),
    "brackets-of-one": (
        'RFC 7644 Figure 1: valuePath = attrPath "[" valFilter "]"',
        EITHER + ": this engine takes a single value for a list of one, scim2-models refuses",
    ),
    "folding": (
        'RFC 7643 §2.2, caseExact: "false"',
        EITHER + ": this engine folds as Unicode does (`ß` is `ss`), scim2-models lowercases",
    ),
    "no-normalization": (
        'RFC 7644 §5: for "userName" service providers MUST use PRECIS comparison, which has NFC',
        "scim2-models does; this engine compares the characters that were sent",
    ),
}


def policy(rules):
    """How texts are compared: as scim2-models does by itself, where no rule is followed."""
    normal = str if "no-normalization" in rules else partial(normalize, "NFC")
    lower = str.casefold if "folding" in rules else str.lower

    def key(binding, text):
        text = normal(text)
        return text if binding.case_exact else normal(lower(text))

    return ScimPolicy(comparison_key=key)


class Names:
    """How names are resolved: mixed into both walks over a filter."""

    def _resolve(self, path, *, for_comparison=False):
        if "secret" in self.rules and path.attr.lower() == "password":
            raise InvalidFilterException()
        if "extension-without-urn" in self.rules and self.of_resource() and path.uri is None:
            extended = AttrPath(path.attr, path.sub_attr, ENTERPRISE)
            if _resolve_attr_path(MODEL, path, strict=False) is None:
                path = extended
        found = super()._resolve(path, for_comparison=for_comparison)
        part_is_needed = for_comparison and is_complex(found.target_type)
        if part_is_needed and "complex-has-parts" in self.rules:
            if path.attr.lower() != "manager":
                raise InvalidFilterException()
            found = super()._resolve(AttrPath(path.attr, "value", path.uri))
        return found

    def literal(self, found, value, op):
        """A literal as this engine reads it."""
        kind = found.target_type
        if "type-decides" not in self.rules or value is None:
            return coerce_value(found, value, op)
        text = value if isinstance(value, str) else json.dumps(value)
        if kind is bool:
            if text.lower() not in ("true", "false"):
                raise InvalidFilterException()
            return text.lower() == "true"
        if kind is datetime and op not in STRING_OPERATORS:
            if not isinstance(value, str):
                raise InvalidFilterException()
            return coerce_value(found, value, op)
        return text


class Check(Names, _Validator):
    """Whether a filter means something."""

    def __init__(self, model, rules):
        super().__init__(model, strict=True)
        self.rules = rules

    def of_resource(self):
        return self.models == (MODEL,)

    def visit_comparison(self, node):
        is_equality = node.op in (CompareOperator.eq, CompareOperator.ne)
        if node.value is None:
            if is_equality and "unassigned" in self.rules:
                return self.visit_present(node)
            if not is_equality and "null-has-no-order" in self.rules:
                raise InvalidFilterException()
        found = self._resolve(node.attr_path, for_comparison=True)
        _validate_operator(found, node.op)
        self.literal(found, node.value, node.op)

    def visit_value_path(self, node):
        found = self._resolve(node.attr_path)
        if "brackets-of-one" not in self.rules:
            _validate_value_selection(found)
        if is_complex(found.field_type):
            Check(found.field_type, self.rules).visit(node.val_filter)
        elif "brackets-of-one" in self.rules:
            CheckOfValue(found, self.rules).visit(node.val_filter)


class CheckOfValue(Check):
    """The same in brackets behind values that have no parts, of which each is its own `value`."""

    def __init__(self, found, rules):
        super().__init__(found.model, rules)
        self.found = found

    def _resolve(self, path, *, for_comparison=False):
        if path.attr.lower() != "value" or path.sub_attr or path.uri:
            raise InvalidFilterException()
        return self.found


class Reading(Names, _Evaluator):
    """Whether a filter matches."""

    def __init__(self, model, value, rules, meta=None):
        super().__init__(model, value, strict=True)
        self.rules = rules
        self.meta = meta

    def of_resource(self):
        return self.model is MODEL

    def visit_comparison(self, node):
        if node.value is None and "unassigned" in self.rules:
            is_present = self.visit_present(node)
            return not is_present if node.op == CompareOperator.eq else is_present
        found = self._resolve(node.attr_path, for_comparison=True)
        expected = self.literal(found, node.value, node.op)
        values = self._read(found)
        if not isinstance(values, list):
            return self.compare(values, expected, node.op, found)
        if "unassigned" in self.rules:
            values = [value for value in values if value is not None]
            if not values:
                return node.op == CompareOperator.ne
        of_all = node.op == CompareOperator.ne and "any-value" not in self.rules
        quantifier = all if of_all else any
        return quantifier(self.compare(value, expected, node.op, found) for value in values)

    def compare(self, value, expected, op, found):
        is_date = isinstance(value, datetime) and op in STRING_OPERATORS
        if is_date and "dates-are-texts" in self.rules:
            value = self.meta["created" if found.sub_field_name == "created" else "lastModified"]
        return _compare(value, expected, op, found)

    def visit_value_path(self, node):
        found = self._resolve(node.attr_path)
        if found.is_multivalued:
            return super().visit_value_path(node)
        value = self._read(found)
        return value is not None and self._matches_item(value, node.val_filter, found)

    def _matches_item(self, item, filter_, found):
        if isinstance(item, BaseModel):
            return Reading(type(item), item, self.rules).visit(filter_)
        return _ScalarEvaluator(item, found).visit(filter_)


def is_complex(kind):
    return isclass(kind) and issubclass(kind, BaseModel)


def plain(user, text):
    """What scim2-models says: `None` where it refuses the filter."""
    try:
        bound = ScimFilter[MODEL](text)
        bound._validate_semantics(strict=True)
        return bound.match(user, strict=True)
    except SCIMException:
        return None


def following(rules, user, meta, text):
    """What it says where it follows rules."""
    try:
        with policy(rules):
            tree = ScimFilter(text).ast
            Check(MODEL, rules).visit(tree)
            return Reading(MODEL, user, rules, meta).visit(tree)
    except SCIMException:
        return None


def main(path):
    needed = dict.fromkeys(RULES, 0)
    faults = []
    cases = differing = 0
    for line in path.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        text, ours, resource = case["filter"], case["ours"], case["resource"]
        user = MODEL.model_validate(resource)
        theirs = plain(user, text)
        ask = partial(following, user=user, meta=resource["meta"], text=text)
        if ask(set()) != theirs:
            faults.append(f"followed by no rule, scim2-models is not itself: {text}")
        if ask(set(RULES)) != ours:
            faults.append(f"{ours} here, {theirs} there: {text}\n    of {json.dumps(resource)}")
        cases += 1
        if theirs == ours:
            continue
        differing += 1
        for rule in RULES:
            needed[rule] += ask(set(RULES) - {rule}) != ours
    for rule, count in needed.items():
        says, who = RULES[rule]
        print(f"{count:5} {rule}\n      {says}\n      {who}")
        if count == 0:
            faults.append(f"no case needs the rule {rule}")
    print(*faults[:20], sep="\n")
    print(f"filters: {cases} cases, {differing} differ, {len(RULES)} rules, {len(faults)} faults")
    return 1 if faults or cases == 0 else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
