"""Inside the training process: what happened at this step?"""
