"""Train the triage model on the texts we wrote and put its weights into the package: same texts, same file."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from scipy.sparse import hstack
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from triage_texts import Sample, written

from canary.listen.model import Weights, dumps, grams, marks

WEIGHTS = Path(__file__).parents[1] / "canary" / "listen" / "phrases" / "model.json"
# The penalty, what a mark weighs beside a text's n-grams (of length 1 together), and texts that a feature must be in:
# chosen on the voices left out, never on what is held out.
C, MARK, AT_LEAST = 3.0, 0.3, 2


def train(samples: Sequence[Sample]) -> Weights:
    """Weights for the kinds in `samples`."""
    texts = [s.text for s in samples]
    tfidf = TfidfVectorizer(analyzer=_grams, sublinear_tf=True, min_df=AT_LEAST)
    told = CountVectorizer(analyzer=_marks, min_df=AT_LEAST)
    seen = hstack([tfidf.fit_transform(texts), told.fit_transform(texts) * MARK]).tocsr()
    fit = LogisticRegression(C=C, class_weight="balanced", max_iter=2000, tol=1e-6)
    fit.fit(seen, [s.kind for s in samples])
    names = [*tfidf.get_feature_names_out(), *told.get_feature_names_out()]
    idfs = [*tfidf.idf_, *(0.0 for _ in told.get_feature_names_out())]
    scale = [1.0 if idf else MARK for idf in idfs]
    columns = zip(names, idfs, scale, fit.coef_.T, strict=True)
    rows = {f: (float(idf), [float(w * by) for w in ws]) for f, idf, by, ws in columns}
    return Weights(list(fit.classes_), [float(b) for b in np.asarray(fit.intercept_)], rows)


@cache
def _grams(text: str) -> list[str]:
    return list(grams(text))


@cache
def _marks(text: str) -> list[str]:
    return sorted(marks(text))


if __name__ == "__main__":
    WEIGHTS.write_text(dumps(train(written())), encoding="utf-8")
    print(f"{WEIGHTS}: {WEIGHTS.stat().st_size} bytes")
