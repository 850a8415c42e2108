"""Which trainings must nobody accuse? As various as the sick ones, with all that only looks sick among them."""

from benchmarks.zoo import healthy_data, healthy_loop, healthy_model, healthy_optimizer, healthy_output
from benchmarks.zoo.training import Training

HEALTHY: tuple[Training, ...] = (
    *healthy_data.HEALTHY,
    *healthy_output.HEALTHY,
    *healthy_model.HEALTHY,
    *healthy_optimizer.HEALTHY,
    *healthy_loop.HEALTHY,
)
