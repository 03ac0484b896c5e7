"""Train the triage model on the texts we wrote and put its weights into the package: same texts, same file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from triage_texts import Sample, written

from canary.listen.model import Weights, dumps, features

WEIGHTS = Path(__file__).parents[1] / "canary" / "listen" / "phrases" / "model.json"
C = 3.0  # inverse of the penalty: of 3, 10 and 30 the one with most recall at the same false positives
AT_LEAST = 2  # texts that a feature must be in


def train(samples: Sequence[Sample]) -> Weights:
    """Weights for the kinds in `samples`."""
    tfidf = TfidfVectorizer(analyzer=lambda text: list(features(text)), sublinear_tf=True, min_df=AT_LEAST)
    seen = tfidf.fit_transform([s.text for s in samples])
    fit = LogisticRegression(C=C, class_weight="balanced", max_iter=2000, tol=1e-6)
    fit.fit(seen, [s.kind for s in samples])
    names = tfidf.get_feature_names_out()
    rows = {f: (float(idf), [float(w) for w in ws]) for f, idf, ws in zip(names, tfidf.idf_, fit.coef_.T, strict=True)}
    return Weights(list(fit.classes_), [float(b) for b in np.asarray(fit.intercept_)], rows)


if __name__ == "__main__":
    WEIGHTS.write_text(dumps(train(written())), encoding="utf-8")
    print(f"{WEIGHTS}: {WEIGHTS.stat().st_size} bytes")
