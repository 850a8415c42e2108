"""Inside a Keras training on JAX: what happened at this step?"""
