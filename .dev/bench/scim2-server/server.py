"""scim2-server with its own storage in memory, behind waitress, which keeps connections open as the
server of its command line does not. Arguments: the port, and a file of the resources to begin with,
a JSON document a line."""

import json
import sys
import time

import waitress
from scim2_server.memory import InMemoryStorage
from scim2_server.testserver.application import BearerTokenApplication
from scim2_server.utils import load_default_provider

THREADS = 4


class Storage(InMemoryStorage):
    """Keeps the ids of the resources to begin with."""

    def generate_id(self, resource_type, resource):
        return resource.id or super().generate_id(resource_type, resource)


def load(storage, provider, path):
    types = {resource_type.name: resource_type for resource_type in provider.resource_types}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            document = json.loads(line)
            name = document.pop("meta")["resourceType"]
            model = provider.model_for(types[name])
            storage.create(types[name], model.model_validate(document))


def main(port, path):
    provider, storage = load_default_provider(), Storage()
    began = time.monotonic()
    load(storage, provider, path)
    print(f"loaded in {time.monotonic() - began:.1f} s", flush=True)
    application = BearerTokenApplication(storage, provider, bearer_tokens=["bench"])
    waitress.serve(application, host="127.0.0.1", port=int(port), threads=THREADS)


main(*sys.argv[1:])
