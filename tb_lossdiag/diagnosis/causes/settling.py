"""Which test would settle a cause, where the frameworks' users would write it differently?"""

from tb_lossdiag.diagnosis.framework import Words

ALL_FINITE = Words("np.isfinite(x).all() on the training data", torch="torch.isfinite(x).all() on the training data")
COUNT_LABELS = Words("Look at np.unique(y, return_counts=True).", torch="Look at y.unique(return_counts=True).")
LARGEST_RANGE = Words(
    "np.ptp(x, axis=0).max() on the training data", torch="(x.amax(0) - x.amin(0)).max() on the training data"
)
EVALUATE_TRAINING = Words(
    fit="Evaluate the training data itself: model.evaluate(x, y) should agree with the training loss.",
    loop="Evaluate the training data itself: loss_fn(y, model(x, training=False)) should agree with the training loss.",
    torch="Evaluate the training data itself: after model.eval(), criterion(model(x), y) should agree with training.",
    neutral="Evaluate the training data itself: the result should agree with the training loss.",
)
PRINT_RATE = Words(
    fit="Print model.optimizer.learning_rate during training.",
    loop="Print optimizer.learning_rate during training.",
    torch='Print optimizer.param_groups[0]["lr"] during training.',
    neutral="Print the learning rate during training.",
)
COUNT_TRAINABLE = Words(
    "len(model.trainable_variables)",
    torch="sum(parameter.requires_grad for parameter in model.parameters())",
    neutral="Count what may be trained.",
)
WITHOUT_GRADIENT = Words(
    fit="Train with one layer after the other cut off the end: the loss reaches all layers behind the cut.",
    loop="Print which gradients are None right after tape.gradient.",
    torch="Print which parameters have no .grad right after loss.backward().",
    neutral="Print which weights get no gradient.",
)
USUAL_EPSILON = Words("Train 50 steps with epsilon=1e-7.", torch="Train 50 steps with eps=1e-8.")
FIRST_OPERATION = Words(
    "Call tf.debugging.enable_check_numerics() first: it stops at the operation that makes the first NaN or Inf.",
    torch="Train in `with torch.autograd.detect_anomaly():`: it stops at the operation whose derivative is NaN.",
    neutral="Print the result of each operation of the loss, and its derivative, for the batch that broke it.",
)
