"""Which explanations compete? The whole cause table, by where the blame would lie."""

from tb_lossdiag.diagnosis.causes.balance import BALANCE
from tb_lossdiag.diagnosis.causes.batch import BATCH
from tb_lossdiag.diagnosis.causes.data import DATA
from tb_lossdiag.diagnosis.causes.fit import FIT
from tb_lossdiag.diagnosis.causes.labels import LABELS
from tb_lossdiag.diagnosis.causes.optimizer import OPTIMIZER
from tb_lossdiag.diagnosis.causes.output import OUTPUT
from tb_lossdiag.diagnosis.causes.rate import RATE
from tb_lossdiag.diagnosis.causes.signal import SIGNAL
from tb_lossdiag.diagnosis.causes.weights import WEIGHTS
from tb_lossdiag.diagnosis.causes.wiring import WIRING

CANDIDATES = (*DATA, *LABELS, *OUTPUT, *WEIGHTS, *RATE, *BATCH, *OPTIMIZER, *SIGNAL, *FIT, *WIRING, *BALANCE)
