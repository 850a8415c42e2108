"""What does recording cost? `python -m benchmarks.overhead` measures it; overhead.md is what came out."""
