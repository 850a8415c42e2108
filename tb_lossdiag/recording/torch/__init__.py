"""Inside a Keras training on PyTorch: what happened at this step? Its kernels serve plain PyTorch loops too."""
