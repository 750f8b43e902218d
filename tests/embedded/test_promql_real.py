"""The engine agrees with a real Prometheus 3 on the same samples, and what it cannot answer it refuses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.embedded.corpus import QUERIES
from tests.embedded.corpus_matching import REFUSED
from tests.embedded.ours import compared, instant
from tests.embedded.promql_samples import END, SERIES, filled_store
from tests.embedded.real_prometheus import Asked, program, real_prometheus
from warroom.embedded.promql import Engine

pytestmark = pytest.mark.servers

LEAST_AGREEMENT = 0.98


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """Questions to the real one, which holds the samples of the corpus."""
    with real_prometheus(program(), tmp_path_factory.mktemp("prometheus"), SERIES) as server:
        questions = Asked(server.url)
        yield questions
        questions.close()


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(filled_store())


def test_the_corpus_is_large_enough_to_say_something():
    assert len({query for _, query in QUERIES}) >= 500


@pytest.mark.timeout(300)
def test_nearly_every_query_agrees_and_none_is_wrong(asked, engine, record_property):
    verdicts = [(query, compared(asked, engine, query)) for _, query in QUERIES]
    kinds = Counter(verdict.kind for _, verdict in verdicts)
    misses = [f"{verdict.kind}: {query}: {verdict.words}" for query, verdict in verdicts
              if verdict.kind in ("wrong", "refused")]  # fmt: skip
    said = f"{dict(kinds)} of {len(verdicts)} queries\n" + "\n".join(misses)
    print(said)
    record_property("promql corpus", said)
    assert not kinds["wrong"], said
    # Where both have nothing, or both refuse, no value was compared: that is no agreement of values.
    assert kinds["agrees"] >= LEAST_AGREEMENT * (kinds["agrees"] + kinds["refused"]), said
    assert kinds["agrees"] >= 0.85 * len(verdicts), said


@pytest.mark.parametrize("query", REFUSED)
def test_what_the_real_one_refuses_is_refused_alike(asked, engine, query):
    theirs, ours = asked.instant(query, END), instant(engine, query, END)
    assert theirs[:2] == ours[:2] if theirs[0] == "error" else theirs[0] == ours[0]
