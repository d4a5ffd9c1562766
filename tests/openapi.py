"""Whether a file is valid OpenAPI 3.1, and each example in it fits the schema that it illustrates."""

import json
import sys

from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

WHOLE = "urn:document"


def main(path):
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    validate(document)
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    checked, faults = 0, []
    registry = Registry().with_resource(WHOLE, Resource(document, DRAFT202012))
    for place, schema, example in examples(document):
        checked += 1
        validator = Draft202012Validator(absolute(schema), registry=registry)
        faults += [f"{place}: {error.message}" for error in validator.iter_errors(example)]
    print("\n".join([*faults, f"{checked} examples, {len(faults)} faults"]))
    return 1 if faults or checked == 0 else 0


def examples(document):
    """Each example with its place and its schema."""
    for path, item in document["paths"].items():
        shared = item.get("parameters", [])
        for method, operation in item.items():
            if method == "parameters":
                continue
            place = f"{method.upper()} {path}"
            parameters = [found(document, one) for one in operation.get("parameters", []) + shared]
            answers = [found(document, one) for one in operation["responses"].values()]
            bodies = [operation.get("requestBody", {}), *answers]
            contents = [one for body in bodies for one in body.get("content", {}).values()]
            for holder in parameters + contents:
                if "example" in holder:
                    yield place, holder["schema"], holder["example"]
                for example in holder.get("examples", {}).values():
                    yield place, holder["schema"], found(document, example)["value"]


def found(document, value):
    """What a reference leads to, or the value itself."""
    if "$ref" not in value:
        return value
    for name in value["$ref"].removeprefix("#/").split("/"):
        document = document[name]
    return document


def absolute(schema):
    """The schema with its references as they are outside of the document."""
    if isinstance(schema, dict):
        return {
            name: WHOLE + value if name == "$ref" else absolute(value)
            for name, value in schema.items()
        }
    if isinstance(schema, list):
        return [absolute(value) for value in schema]
    return schema


sys.exit(main(sys.argv[1]))
