"""How does TensorBoard get the plugin? The loader raises the sample cap, and keeps any failure of ours to ourselves."""

from tensorboard.plugins import base_plugin
from tensorboard.util import tb_logging

logger = tb_logging.get_logger()


class LossDiagLoader(base_plugin.TBLoader):
    """The entry point named in TensorBoard's plugin group."""

    def fix_flags(self, flags) -> None:
        """Raises the sample cap for our tags, unless the user has set one: TensorBoard's own is 10 records."""
        try:
            from tb_lossdiag import schema
            from tb_lossdiag.logs.source import MAX_RECORDS
        except Exception:  # as below; `load` will meet it again and say so
            return
        samples = getattr(flags, "samples_per_plugin", None)
        if isinstance(samples, dict):
            samples.setdefault(schema.PLUGIN_NAME, MAX_RECORDS)

    def load(self, context: base_plugin.TBContext) -> base_plugin.TBPlugin | None:
        """The plugin, or None and a line in the log when it cannot run here."""
        try:
            from tb_lossdiag.plugin.routes import LossDiagPlugin

            return LossDiagPlugin(context)
        except Exception as error:  # TensorBoard must start whatever is wrong with us
            logger.warning("The Diagnostics tab is not available: %s: %s", type(error).__name__, error)
            return None
