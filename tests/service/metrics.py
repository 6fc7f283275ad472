"""Reads /metrics, strictly: what is not the format that it says it is fails the test."""

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from http_client import Connection, get

OPENMETRICS = "application/openmetrics-text"
# What Prometheus sends.
PROMETHEUS_ACCEPT = (f"Accept: {OPENMETRICS};version=1.0.0,{OPENMETRICS};version=0.0.1;q=0.75,"
                     "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")


class Metrics(dict):
    """Samples by (name, labels); labels are sorted pairs."""

    def of(self, name, **labels):
        return self[name, tuple(sorted(labels.items()))]

    def get_of(self, name, **labels):
        return self.get((name, tuple(sorted(labels.items()))), 0)

    def all_of(self, name):
        """The values of all samples of a name, by their labels."""
        return {dict(labels).get(next(iter(dict(labels)), None)) if len(labels) == 1 else labels:
                value for (sample, labels), value in self.items() if sample == name}

    def sum_of(self, name):
        return sum(value for (sample, _), value in self.items() if sample == name)


def families(response):
    text = response.body.decode("ascii")
    content_type = response.headers["content-type"]
    if content_type.startswith(OPENMETRICS):
        assert content_type == OPENMETRICS + "; version=1.0.0; charset=utf-8"
        return list(parse_openmetrics(text))
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"
    return list(parse_text(text))


def samples(response):
    result = Metrics()
    for family in families(response):
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in result, f"{key} twice"
            result[key] = sample.value
    return result


def scrape(server_or_connection, *fields):
    """One scrape; on a connection of its own unless one is given."""
    if isinstance(server_or_connection, Connection):
        response = server_or_connection.get("/metrics", *fields)
    else:
        response = get(server_or_connection.address, "/metrics", *fields)
    assert response.status == 200, response.body
    return samples(response)
