"""How good are embeddings, segments and sequences? 0 for what a constant would do, 1 for perfect, as in skill.py."""

import numpy as np

from benchmarks.zoo.skill import skill


def told_apart(embeddings: np.ndarray, classes: np.ndarray) -> float:
    """How well the nearest centre names the class, or how far apart the classes point, whichever is worse.

    A collapsed embedding may keep differences of a millionth that still name the class; pointing all one way it is of
    no use for a threshold on the distance.
    """
    if not np.isfinite(embeddings).all():
        return 0.0
    unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    centres = np.stack([unit[classes == one].mean(0) for one in np.unique(classes)])
    named = skill("classes", classes, unit @ centres.T)
    length = np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
    cosines = (centres / length) @ (centres / length).T
    apart = 1 - float(np.mean(cosines[~np.eye(len(centres), dtype=bool)]))
    return min(named, apart)


def explained(truth: np.ndarray, made: np.ndarray) -> float:
    """The part of the variance around each column's own mean that is reproduced; never below -1."""
    truth, made = np.asarray(truth, np.float64), np.asarray(made, np.float64).reshape(np.shape(truth))
    if not np.isfinite(made).all():
        return 0.0
    spread = np.mean((truth - truth.mean(0)) ** 2)
    return max(-1.0, float(1 - np.mean((truth - made) ** 2) / spread))


def tokens_right(truth: np.ndarray, scores: np.ndarray, counts: np.ndarray | None = None) -> float:
    """Balanced accuracy over the positions that count, above chance."""
    kept = np.ones(truth.shape, bool) if counts is None else counts.astype(bool)
    return skill("classes", truth[kept], scores[kept])
