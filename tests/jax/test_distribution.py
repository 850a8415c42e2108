"""A fit on several devices with keras.distribution: the same bits as without us, and the numbers of a fit on one."""

import numpy as np
import pytest
from recording.reading import Records

from tb_lossdiag import schema


@pytest.mark.parametrize("name", ["DataParallel", "ModelParallel"])
def test_it_trains_to_the_same_bits_and_records_what_one_device_would(trained, name):
    distributed = trained("distributed")
    assert distributed.facts[name] == {"same": True, "history": True, "warned": []}
    records, reference = Records(distributed.log(name)), Records(distributed.log("one device"))
    assert not records.events("recording_stopped") and records.steps(schema.LAYERS) == [1, 2, 3]
    assert records.card.rows == reference.card.rows and records.card.batch_size == reference.card.batch_size == 8
    assert records.steps(schema.HISTOGRAMS) == [1, 3]
    for tag in (schema.STEPS, schema.LAYERS, schema.DATA, schema.TARGETS):
        for (_, mine), (_, theirs) in zip(records.of(tag), reference.of(tag), strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)
