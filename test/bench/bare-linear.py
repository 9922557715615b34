"""scikit-learn's logistic regression over a matrix in two files, with our scaling and penalty: the seconds until it has
lost as little as asked, and where it ends when it is left alone. Prints both as JSON."""
import json
import sys
import time
import warnings

import numpy
from sklearn.linear_model import LogisticRegression

asked = json.loads(sys.argv[1])
x = numpy.fromfile(asked["values"], dtype=numpy.float32).reshape(-1, asked["width"])
y = numpy.fromfile(asked["target"], dtype=numpy.float64).astype(int)


def fitted(iterations, tolerance):
    begun = time.perf_counter()
    deviation = x.std(axis=0)
    z = (x - x.mean(axis=0)) / numpy.where(deviation > 0, deviation, 1)
    numpy.clip(z, -asked["clip"], asked["clip"], out=z)
    model = LogisticRegression(C=1 / (asked["l2"] * len(x)), max_iter=iterations, tol=tolerance).fit(z, y)
    seconds = time.perf_counter() - begun
    share = model.predict_proba(z)[numpy.arange(len(y)), y]
    loss = -numpy.log(share).mean() + asked["l2"] / 2 * (model.coef_ ** 2).sum()
    return {"seconds": seconds, "loss": float(loss), "iterations": int(model.n_iter_.max())}


def until_equal():
    """With the fewest steps that do: it cannot be told to stop at a loss, but it can be told to stop early."""
    reaches = lambda found: found["loss"] <= asked["loss"]
    short, enough = 0, 1
    while not reaches(found := fitted(enough, 1e-12)):
        if enough > 1000:
            raise SystemExit("it never comes to that loss")
        short, enough = enough, 2 * enough
    while enough - short > 1:
        middle = (short + enough) // 2
        if reaches(tried := fitted(middle, 1e-12)):
            enough, found = middle, tried
        else:
            short = middle
    return found


warnings.filterwarnings("ignore")
print(json.dumps({"equal": until_equal(), "own": fitted(1000, 1e-4)}))
