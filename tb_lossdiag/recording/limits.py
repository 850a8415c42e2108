"""Which values count as dead, saturated or extreme? One answer, whatever framework measures them."""

EXTREME = 1e-6  # where an answer this sure is wrong its log loss is 14; Keras clips probabilities at 1e-7
MAX_TARGET_UNITS = 1000  # a class or output unit per row of TARGETS; more would outweigh everything else in the log
DEAD_BELOW_ZERO = ("relu", "relu6", "squared_relu", "relu_squared")  # exactly 0 for every negative input
# The outer 5 % of the range, as (lowest, highest) value that is not saturated.
UNSATURATED = {
    "tanh": (-0.95, 0.95),
    "hard_tanh": (-0.95, 0.95),
    "softsign": (-0.95, 0.95),
    "sigmoid": (0.025, 0.975),
    "hard_sigmoid": (0.025, 0.975),
}
