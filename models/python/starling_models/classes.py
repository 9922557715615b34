"""Classes that come seldom, heard while learning and put right again in the graph: with weights a model says what it would see
if every class came alike, and dividing by the weights gives back how often they come."""
import numpy as np


def weights_of(y, strength):
    """By class; `strength` 0 is none, 1 makes every class count alike. Their mean over the rows is 1."""
    counts = np.bincount(y.astype(int), minlength=3).astype(np.float64)
    known = np.maximum(counts, 1)
    weights = (len(y) / (3 * known)) ** strength
    weights[counts == 0] = 1.0
    return weights * len(y) / (weights * counts).sum()


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def log_loss(p, y):
    return float(-np.log(np.maximum(p[np.arange(len(y)), y.astype(int)], 1e-15)).mean())
