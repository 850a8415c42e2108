"""Where performance claims are measured: paired, in one run, medians and ratios with their spread."""
