"""What scikit-learn makes of some scores, and its logistic regression."""
import json

import numpy as np

from reference_samples import GOLDEN


def metrics():
    """Writes golden/metrics.json."""
    from sklearn.calibration import calibration_curve
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score, roc_curve

    rng = np.random.default_rng(3)
    n = 240
    generated = np.arange(n) % 3 == 0
    # Rounded, so that some are equal.
    logits = np.round(rng.normal(0, 1.5, n) + 1.6 * generated - 0.5, 1).astype(np.float32)
    probabilities = (1 / (1 + np.exp(-logits.astype(np.float64)))).astype(np.float32)

    falses, trues, _ = roc_curve(generated, logits, drop_intermediate=False)
    observed, predicted = calibration_curve(generated, probabilities, n_bins=10)
    counts = np.bincount(np.searchsorted(np.linspace(0, 1, 11)[1:-1], probabilities), minlength=10)
    counts = counts[counts > 0]
    line = LogisticRegression(C=1e9, tol=1e-10, max_iter=1000).fit(logits[:, None].astype(np.float64), generated)

    rows = np.round(rng.normal(0, 1, (90, 4)) * [1, 2, 0.5, 1], 3)
    classes = (rows @ [1, -0.5, 2, 0] + rng.normal(0, 1, 90)) > 0.3
    importance = np.round(rng.uniform(0.5, 2, 90), 2)
    ridge = LogisticRegression(C=0.5, tol=1e-12, max_iter=10000).fit(rows, classes, sample_weight=importance)

    (GOLDEN / "metrics.json").write_text(json.dumps({
        "generated": generated.tolist(), "logits": [round(float(value), 1) for value in logits],
        "auc": roc_auc_score(generated, logits),
        "tprAt1": float(trues[falses <= 0.01].max()), "tprAt5": float(trues[falses <= 0.05].max()),
        "tprAt20": float(trues[falses <= 0.20].max()),
        "curve": np.stack([falses, trues], 1).tolist(),
        "accuracy": float(((probabilities >= 0.5) == generated).mean()),
        "bins": [{"predicted": p, "observed": o, "n": int(c)} for p, o, c in zip(predicted, observed, counts)],
        "expectedCalibrationError": float((counts * np.abs(predicted - observed)).sum() / n),
        "platt": {"scale": float(line.coef_[0, 0]), "shift": float(line.intercept_[0])},
        "ridge": {"rows": rows.tolist(), "classes": classes.tolist(), "importance": importance.tolist(), "penalty": 2.0,
                  "weights": ridge.coef_[0].tolist(), "bias": float(ridge.intercept_[0])},
    }) + "\n")
