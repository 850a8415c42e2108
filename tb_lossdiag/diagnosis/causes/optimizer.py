"""Is the step to blame? Learning rates, and updates that never arrive."""

from tb_lossdiag.diagnosis import fixes, settings
from tb_lossdiag.diagnosis.causes.candidate import BAD, EARLY_DAMAGE, Candidate
from tb_lossdiag.diagnosis.clues import any_of, before, clear_of, ended, fact, found, shows

OPTIMIZER = (
    Candidate(
        "learning_rate_zero",
        "Learning rate is zero",
        requires=(found("update_ratio", level=("zero", "stopped")), fact(settings.rate_is_zero)),
        explains=("*",),
        test="Print optimizer.learning_rate during training.",
        fix=fixes.set_learning_rate,
        certain=True,
        weight=7,
    ),
    Candidate(
        "learning_rate_too_high",
        "Learning rate too high",
        requires=(any_of(found("update_ratio", level="high"), fact(settings.rate_is_unusual)), BAD),
        supports=(
            fact(settings.rate_is_unusual),
            found("early_loss", leapt=True),
            before("update_ratio", "dead_units"),
            before("update_ratio", "zero_gradient"),
            before("update_ratio", "nonfinite"),
            found("exploding_norm", growth=lambda g: g > 100),
            found("flatness", direction="rising"),
        ),
        contradicts=(clear_of("update_ratio"), found("initialization", fault="large_scale")),
        explains=EARLY_DAMAGE,
        test="Train 50 steps with a tenth of the learning rate.",
        fix=fixes.lower_learning_rate,
        points_at="update_ratio",
        weight=4,
    ),
    Candidate(
        "learning_rate_too_low",
        "Learning rate too low",
        requires=(found("update_ratio", level="low"), ended("never_learned", "stalled", "slow", "inconclusive")),
        supports=(
            clear_of("zero_gradient"),
            clear_of("depth_profile"),
            found("skill"),
            shows("flatness", direction="falling"),
        ),
        contradicts=(
            found("depth_profile"),
            found("dead_units"),
            found("saturated_units"),
            found("zero_gradient"),
            found("loss_pairing", certain=True),
            found("output_diversity"),
        ),
        explains=("undertrained", "insufficient_capacity", "unsuitable_optimizer"),
        test="Train 50 steps with ten times the learning rate.",
        fix=fixes.raise_learning_rate,
        points_at="update_ratio",
        weight=3,
    ),
    Candidate(
        "updates_not_applied",
        "Updates are not applied",
        requires=(found("update_ratio", level="zero"), clear_of("zero_gradient")),
        supports=(found("flatness"), clear_of("nonfinite")),
        contradicts=(fact(settings.rate_is_zero),),
        test="Compare a weight before and after one step.",
        fix=fixes.apply_updates,
        points_at="update_ratio",
        weight=6,
    ),
    Candidate(
        "undertrained",
        "Stopped too early",
        requires=(
            shows("flatness", direction="falling"),
            ended("slow", "learning"),
            shows("skill", skill=lambda s: s < 0.5),
        ),
        supports=(clear_of("update_ratio"), ended("slow")),
        contradicts=(found("loss_pairing", certain=True),),
        test="Train as many epochs again.",
        fix=fixes.train_longer,
        weight=1,
    ),
)
