import pytest

from tb_lossdiag.logs.experiments import group, possible_runs


def test_train_validation_and_diagnostics_directories_are_one_experiment():
    found = group(["exp/train", "exp/validation", "exp/diagnostics", "other"])
    assert list(found) == ["exp", "other"]
    assert found["exp"].runs == {
        "train": "exp/train",
        "validation": "exp/validation",
        "diagnostics": "exp/diagnostics",
    }
    assert found["other"].runs == {"own": "other"}


def test_directories_of_the_log_directory_itself_belong_to_the_root():
    assert group([".", "train", "diagnostics"])["."].runs == {
        "own": ".",
        "train": "train",
        "diagnostics": "diagnostics",
    }


def test_windows_separators_split_too():
    assert group(["a\\b\\train", "a\\b\\diagnostics"])["a\\b"].runs["diagnostics"] == "a\\b\\diagnostics"


def test_validation_goes_before_a_test_directory():
    assert group(["exp/test", "exp/validation"])["exp"].runs == {"validation": "exp/validation"}


def test_a_word_inside_a_longer_name_is_no_role():
    assert list(group(["exp/train_resnet", "trainer"])) == ["exp/train_resnet", "trainer"]


def test_a_name_that_ends_in_a_line_break_is_kept_as_it_is():
    assert list(group(["a\n", "a\n/train\n"])) == ["a\n", "a\n/train\n"]


@pytest.mark.parametrize("run", ["exp", "exp/train", "a\\val", ".", "train", "eval", "a/b/diagnostics"])
def test_the_possible_runs_of_an_experiment_include_every_run_grouped_into_it(run):
    (name,) = group([run])
    assert run in possible_runs(name)
