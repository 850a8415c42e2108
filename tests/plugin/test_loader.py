import argparse
import subprocess
import sys

from tensorboard.plugins import base_plugin

from tb_lossdiag.logs.source import MAX_RECORDS
from tb_lossdiag.plugin import LossDiagLoader


def test_the_sample_cap_for_our_tags_is_raised():
    flags = argparse.Namespace(samples_per_plugin={"images": 3})
    LossDiagLoader().fix_flags(flags)
    assert flags.samples_per_plugin == {"images": 3, "lossdiag": MAX_RECORDS}


def test_a_cap_set_by_the_user_stays():
    flags = argparse.Namespace(samples_per_plugin={"lossdiag": 5})
    LossDiagLoader().fix_flags(flags)
    assert flags.samples_per_plugin == {"lossdiag": 5}


def test_flags_of_an_embedding_program_without_sample_caps_are_left_alone():
    flags = argparse.Namespace()
    LossDiagLoader().fix_flags(flags)
    assert flags == argparse.Namespace()


def test_without_a_data_provider_the_tab_is_absent_and_the_log_says_why(caplog):
    assert LossDiagLoader().load(base_plugin.TBContext()) is None
    assert "data provider" in caplog.text


def test_loading_the_plugin_loads_neither_tensorflow_nor_keras():
    code = """
import argparse, sys
from tensorboard.plugins import base_plugin
from tb_lossdiag.plugin import LossDiagLoader
LossDiagLoader().fix_flags(argparse.Namespace(samples_per_plugin={}))
assert LossDiagLoader().load(base_plugin.TBContext(data_provider=object())) is not None
assert not {"tensorflow", "keras"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_import_that_fails_inside_the_plugin_leaves_tensorboard_running():
    code = """
import argparse, sys
from tensorboard.plugins import base_plugin
from tb_lossdiag.plugin import LossDiagLoader
sys.modules["tb_lossdiag.run"] = None
LossDiagLoader().fix_flags(argparse.Namespace(samples_per_plugin={}))
assert LossDiagLoader().load(base_plugin.TBContext(data_provider=object())) is None
"""
    subprocess.run([sys.executable, "-c", code], check=True)
