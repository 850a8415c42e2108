"""How fast is the Diagnostics tab on large runs, beside TensorBoard's own tabs on the same training? See page.md."""
