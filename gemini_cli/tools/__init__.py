"""Functions that the model may call: declared, checked, run here, round by round."""
