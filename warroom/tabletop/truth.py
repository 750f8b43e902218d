"""Whether what people write names the truth of a scenario.

Phrases are compared word by word: case, punctuation and plurals do not count. Nothing is guessed from meaning; a
facilitator's mark says it where words do not.

Invariant: pure.
"""

from __future__ import annotations

from warroom.playbooks.match import phrase_in, tokens
from warroom.tabletop.sealed import Sealed

_MOST = 2_000


def names_truth(text: str, sealed: Sealed) -> bool:
    """Whether a theory names the truth: one of `names_alone`, or a phrase of every group of `aliases`."""
    said = tokens(text[:_MOST])
    if any(phrase_in(phrase, said) for phrase in sealed.names_alone):
        return True
    return bool(sealed.aliases) and all(any(phrase_in(phrase, said) for phrase in group) for group in sealed.aliases)


def contributing_named(text: str, sealed: Sealed) -> tuple[int, ...]:
    """The contributing factors, by their place in the file from 0, that a sentence names."""
    said = tokens(text[:_MOST])
    return tuple(
        at for at, factor in enumerate(sealed.contributing) if any(phrase_in(word, said) for word in factor.words)
    )
