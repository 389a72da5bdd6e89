"""Compares every response with botocore's model of the operation: fields that the
model does not have, required ones that are missing, and values of another type.

botocore itself ignores unknown fields and most wrong types. observe() replaces the
method that parses a response by one that compares the raw body first.
"""

import json
import re
import xml.etree.ElementTree as ElementTree

import botocore.parsers

TIME = re.compile(
    r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+\d\d:?\d\d)$|^\w{3}, \d\d \w{3} \d{4} [\d:]+ GMT$|^\d+(\.\d+)?$")


class Observer:
    """Collects the operations that were called with success, and the differences by name."""

    def __init__(self):
        self.called = set()
        self.differences = set()

    def observe(self):
        observer = self
        original = botocore.parsers.ResponseParser.parse

        def parse(parser, response, shape):
            parsed = original(parser, response, shape)
            if response["status_code"] < 300:
                observer.compare(parser, response, shape)
            return parsed

        botocore.parsers.ResponseParser.parse = parse

    def compare(self, parser, response, shape):
        body = response["body"]
        if shape is None or not isinstance(body, bytes):
            return
        members = {
            name: member for name, member in shape.members.items()
            if member.serialization.get("location") in (None, "body")
        }
        payload = shape.serialization.get("payload")
        if payload:
            member = shape.members[payload]
            if member.type_name != "structure":
                return  # a blob
            members = member.members
        if isinstance(parser, (botocore.parsers.QueryParser, botocore.parsers.RestXMLParser)):
            if not body:
                return self.required(shape, members, set())
            node = ElementTree.fromstring(body)
            if isinstance(parser, botocore.parsers.QueryParser):
                node = next((c for c in node if tag(c) == shape.serialization.get("resultWrapper")), None)
                if node is None:
                    if shape.serialization.get("resultWrapper") and members:
                        self.differences.add(f"{shape.name}: there is no {shape.serialization['resultWrapper']}")
                    return
            self.xml_structure(node, shape, members, shape.name)
        elif isinstance(parser, botocore.parsers.BaseJSONParser):
            self.json_structure(json.loads(body or b"{}"), shape, members, shape.name)

    def required(self, shape, members, seen, where=None):
        for name in shape.required_members:
            if name in members and name not in seen:
                self.differences.add(f"{where or shape.name}: required {name} is missing")

    def xml_structure(self, node, shape, members, where):
        names = {}
        for name, member in members.items():
            key = member.serialization.get("name", name)
            if member.type_name == "list" and member.serialization.get("flattened"):
                key = member.serialization.get("name", member.member.serialization.get("name", name))
            names[key] = (name, member)
        seen = set()
        for child in node:
            if tag(child) not in names:
                self.differences.add(f"{where}: unknown {tag(child)}")
                continue
            name, member = names[tag(child)]
            seen.add(name)
            self.xml(child, member, f"{where}.{name}")
        self.required(shape, members, seen, where)

    def xml(self, node, shape, where):
        if shape.type_name == "structure":
            self.xml_structure(node, shape, shape.members, where)
        elif shape.type_name == "list":
            if shape.serialization.get("flattened"):
                return self.xml(node, shape.member, where + "[]")
            item = shape.member.serialization.get("name", "member")
            for child in node:
                if tag(child) != item:
                    self.differences.add(f"{where}: element {tag(child)}, want {item}")
                self.xml(child, shape.member, where + "[]")
        elif shape.type_name == "map":
            for entry in node:
                parts = {tag(c): c for c in entry}
                key, value = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
                if tag(entry) != "entry" or set(parts) != {key, value}:
                    self.differences.add(f"{where}: an entry is not <entry><{key}/><{value}/></entry>")
                else:
                    self.xml(parts[value], shape.value, where + "{}")
        else:
            self.text(node.text or "", shape, where)

    def text(self, text, shape, where):
        patterns = {
            "boolean": r"^(true|false)$", "integer": r"^-?\d+$", "long": r"^-?\d+$", "timestamp": TIME,
            "float": r"^-?[\d.]+$", "double": r"^-?[\d.]+$",
        }
        pattern = patterns.get(shape.type_name)
        if pattern and not re.match(pattern, text):
            self.differences.add(f"{where}: {text!r} is no {shape.type_name}")
        self.enum(text, shape, where)

    def enum(self, text, shape, where):
        if shape.type_name == "string" and getattr(shape, "enum", None) and text not in shape.enum:
            self.differences.add(f"{where}: {text!r} is not in the enumeration {shape.name}")

    def json_structure(self, value, shape, members, where):
        if not isinstance(value, dict):
            return self.differences.add(f"{where}: {type(value).__name__}, want an object")
        names = {member.serialization.get("name", name): (name, member) for name, member in members.items()}
        seen = set()
        for key, child in value.items():
            if key not in names:
                self.differences.add(f"{where}: unknown {key}")
                continue
            name, member = names[key]
            if child is None:
                self.differences.add(f"{where}.{name}: null, want no field")
                continue
            seen.add(name)
            self.json(child, member, f"{where}.{name}")
        self.required(shape, members, seen, where)

    def json(self, value, shape, where):
        kinds = {
            "string": str, "integer": int, "long": int, "boolean": bool, "list": list, "map": dict, "structure": dict,
            "blob": str, "float": (int, float), "double": (int, float), "timestamp": (int, float, str),
        }
        wrong = not isinstance(value, kinds[shape.type_name])
        if wrong or isinstance(value, bool) != (shape.type_name == "boolean"):
            self.differences.add(f"{where}: {type(value).__name__}, want {shape.type_name}")
        elif shape.type_name == "structure":
            self.json_structure(value, shape, shape.members, where)
        elif shape.type_name == "list":
            for item in value:
                self.json(item, shape.member, where + "[]")
        elif shape.type_name == "map":
            for item in value.values():
                self.json(item, shape.value, where + "{}")
        else:
            self.enum(value, shape, where)


def tag(node):
    return node.tag.rsplit("}", 1)[-1]
